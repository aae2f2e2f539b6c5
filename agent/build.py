"""Makes the one file that is shipped: `build()` gives the same bytes for the same sources, on every
machine.

Not part of that file itself.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
LEFT_OUT = {"build.py"}
MAIN = "from agent.__main__ import main\n\nmain()\n"
LONG_AGO = (1980, 1, 1, 0, 0, 0)


def build() -> bytes:
    """The zipapp: run it as `python3 -I -B FILE`. Stored, as zlib's versions differ."""
    sources = {
        f"agent/{path.name}": path.read_bytes().replace(b"\r\n", b"\n")
        for path in HERE.glob("*.py")
        if path.name not in LEFT_OUT
    }
    sources["__main__.py"] = MAIN.encode()
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(sources):
            entry = zipfile.ZipInfo(name, LONG_AGO)
            entry.create_system = 3  # Unix, wherever it is built
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, sources[name])
    return content.getvalue()
