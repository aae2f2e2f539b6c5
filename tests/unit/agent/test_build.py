"""The one file that is shipped."""

from __future__ import annotations

import ast
import importlib.util
import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import agent
from agent.build import build

HERE = Path(agent.__file__).parent
STANDARD = set(getattr(sys, "stdlib_module_names", ()))


@pytest.mark.skipif(
    sys.version_info < (3, 11), reason="older Pythons write a set's constants in any order"
)
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
    assert all(name.endswith((".py", ".pyc")) for name in names)


def test_under_another_python_its_sources_count(tmp_path: Path) -> None:
    """What was compiled for ours would break there: here it is no code at all."""
    shipped = tmp_path / "agent.pyz"
    with zipfile.ZipFile(io.BytesIO(build())) as built, zipfile.ZipFile(shipped, "w") as other:
        for name in built.namelist():
            content = built.read(name)
            if name.endswith(".pyc"):
                assert content.startswith(importlib.util.MAGIC_NUMBER)
                content = b"\0\0\r\n" + content[4:16] + b"no code"
            other.writestr(name, content)
    command = [sys.executable, "-I", "-B", str(shipped), "status", "--root", str(tmp_path / "root")]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    assert json.loads(done.stdout)["answer"] == "status"


def test_what_was_compiled_is_what_runs(tmp_path: Path) -> None:
    """Or each call would compile it again, and nobody would notice."""
    shipped = tmp_path / "agent.pyz"
    shipped.write_bytes(build())
    code = "import sys; sys.path = sys.argv[1:] + sys.path; from agent import state, guard; "
    code += "print(state.__file__, guard.__file__)"
    told = subprocess.run(
        [sys.executable, "-I", "-B", "-c", code, str(shipped)], stdout=subprocess.PIPE, check=True
    )
    assert told.stdout.decode().split() == [f"{shipped}/agent/{n}.pyc" for n in ("state", "guard")]


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
