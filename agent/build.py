"""Makes the one file that is shipped: `build()` gives the same bytes for the same sources under the
same Python, on every machine.

Not part of that file itself.
"""

from __future__ import annotations

import importlib.util
import io
import marshal
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
LEFT_OUT = {"build.py"}
MAIN = "from agent.__main__ import main\n\nmain()\n"
LONG_AGO = (1980, 1, 1, 0, 0, 0)
#: Of a .pyc: whose source needn't be looked at, with 8 bytes that would be its hash (PEP 552).
UNCHECKED = (1).to_bytes(4, "little") + bytes(8)
#: The newest that doesn't depend on what else refers to a constant at the moment.
MARSHAL = 2


def build() -> bytes:
    """The zipapp: run it as `python3 -I -B FILE`. Stored, as zlib's versions differ.

    Each source lies there compiled too: a host with our version of Python, this one always, needn't
    do that at each call; any other takes the source.
    """
    sources = {
        f"agent/{path.name}": path.read_bytes().replace(b"\r\n", b"\n")
        for path in HERE.glob("*.py")
        if path.name not in LEFT_OUT
    }
    sources |= {f"{name}c": _compiled(name, source) for name, source in sources.items()}
    sources["__main__.py"] = MAIN.encode()
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(sources):
            entry = zipfile.ZipInfo(name, LONG_AGO)
            entry.create_system = 3  # Unix, wherever it is built
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, sources[name])
    return content.getvalue()


def _compiled(name: str, source: bytes) -> bytes:
    code = compile(source, name, "exec", dont_inherit=True, optimize=0)
    return importlib.util.MAGIC_NUMBER + UNCHECKED + marshal.dumps(code, MARSHAL)
