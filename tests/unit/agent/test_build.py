"""The one file that is shipped."""

from __future__ import annotations

import ast
import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import agent
from agent.build import build

HERE = Path(agent.__file__).parent
STANDARD = set(getattr(sys, "stdlib_module_names", ()))


def test_same_bytes_each_time(tmp_path: Path) -> None:
    """In another process, at another time, with other file times and another hash seed."""
    code = "import sys; from agent.build import build; sys.stdout.buffer.write(build())"
    env = {**os.environ, "PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "PYTHONPATH": str(HERE.parent)}
    other = subprocess.run(
        [sys.executable, "-c", code], env=env, stdout=subprocess.PIPE, check=True
    )
    assert other.stdout == build()


def test_holds_the_agent_and_nothing_else() -> None:
    names = zipfile.ZipFile(io.BytesIO(build())).namelist()
    assert "__main__.py" in names and "agent/engine.py" in names
    assert "agent/build.py" not in names
    assert all(name.endswith(".py") for name in names)


def test_standard_library_only() -> None:
    if not STANDARD:  # Python 3.9 doesn't know
        return
    for path in HERE.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                tops = {name.name.split(".")[0] for name in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                tops = {(node.module or "").split(".")[0]}
            else:
                continue
            assert tops <= STANDARD, f"{path.name} imports {tops - STANDARD}"
