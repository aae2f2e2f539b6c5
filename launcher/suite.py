"""`./run test`: the whole suite, on both databases, and the agent's tests under Python 3.9."""

from __future__ import annotations

import os
import subprocess
import sys
import time

from . import environment, needs
from .environment import PYTHON, ROOT, VAR

AGENT_REQUIREMENTS = ("requirements-agent-tests.txt",)


def main(arguments: list[str]) -> int:
    environment.enter(environment.DEVELOPMENT)
    pytest = [str(PYTHON), "-m", "pytest"]
    if arguments:
        return subprocess.run([*pytest, *arguments], cwd=ROOT).returncode
    needs.install_missing()
    results = {
        "suite (SQLite)": _run("suite (SQLite)", pytest),
        "integration (PostgreSQL)": _on_postgres(),
        "agent (Python 3.9)": _on_python39(),
    }
    print()
    for name, (code, seconds) in results.items():
        print(f"{'FAILED' if code else 'ok':<8}{name}  {seconds:.0f} s")
    return 1 if any(code for code, _ in results.values()) else 0


def _on_postgres() -> tuple[int, float]:
    name = "integration (PostgreSQL)"
    if not needs.NEEDS["postgres"].find():
        return _missing(name, "no PostgreSQL server binaries (Debian: apt install postgresql)")
    # Those without a database of ours: their answer can't depend on which one it is.
    apart = [f"--ignore=tests/integration/{room}" for room in ("agent", "truenas_mock", "launcher")]
    module = [str(PYTHON), "-m", "tests.postgres", str(PYTHON), "-m", "pytest"]
    return _run(name, [*module, "tests/integration", *apart])


def _on_python39() -> tuple[int, float]:
    name = "agent (Python 3.9)"
    python = needs.NEEDS["python3.9"].find()
    if not python:
        return _missing(name, "no Python 3.9 (python3.9 on the PATH, or one of pyenv's)")
    own = environment.install(VAR / "venv39", AGENT_REQUIREMENTS, python)
    return _run(name, [str(own), "-m", "pytest", "-c", "tests/agent39.ini", "--rootdir", "."])


def _run(name: str, command: list[str]) -> tuple[int, float]:
    print(f"\n=== {name}", flush=True)
    began = time.monotonic()
    code = subprocess.run(command, cwd=ROOT).returncode
    return code, time.monotonic() - began


def _missing(name: str, why: str) -> tuple[int, float]:
    """A part that can't run here: loud, and a failure in CI."""
    print(f"\n!!! SKIPPED: {name}: {why}", file=sys.stderr, flush=True)
    return int(os.environ.get("CI") == "true"), 0.0
