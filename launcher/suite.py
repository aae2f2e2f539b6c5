"""`./run test`: the suite, on both databases, and the agent's tests under Python 3.9.

`./run long`: what takes longer.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from . import environment, needs
from .environment import PYTHON, ROOT, VAR

AGENT_REQUIREMENTS = ("requirements-agent-tests.txt",)
PYTEST = [str(PYTHON), "-m", "pytest"]
#: A file's tests stay together, for what they share.
BY_FILE = ["--dist", "loadfile"]
#: Of tests/matrix, one after the other. By hand: `agent`, a thousand runs, and `clients`, which
#: fetches other people's programs.
MATRICES = ("attack", "systems", "fuzz")
#: Of tests/integration. The agent's run under the oldest Python of a NAS, once.
AGENT = "agent"
#: Of tests/integration, by `./run long`: pages in Chromium.
BROWSER = "dashboard/test_browser_*"
#: What has no database of ours, or whose answer can't depend on which one it is.
ANY_DATABASE = (
    AGENT,
    BROWSER,
    "truenas_mock",
    "launcher",
    "dashboard/test_api_nas.py",
    "dashboard/test_api_schema.py",
    "dashboard/test_doors.py",
    "dashboard/test_roles.py",
    "dashboard/test_live.py",
    "drives/test_check_system.py",
    "drives/test_live_temperatures.py",
    "drives/test_session.py",
    "drives/test_upgrade.py",
    "test_log_lines.py",
    "test_secrets.py",
    # What the host and its agent do; whole jobs run on PostgreSQL in test_main_job and test_race.
    "burnin/test_cleaning.py",
    "burnin/test_heat.py",
    "burnin/test_kinds.py",
    "burnin/test_precheck.py",
    "burnin/test_quick.py",
    "burnin/test_refused_writes.py",
    "burnin/test_self_test_ends.py",
    "burnin/test_stopped.py",
    "burnin/test_trace.py",
    "burnin/test_wishes.py",
)


@dataclass(frozen=True)
class Part:
    """How a part of the suite ended; `output` when it wasn't shown while it ran."""

    name: str
    status: int
    seconds: float
    output: str = ""


def main(arguments: list[str]) -> int:
    _prepare()
    if arguments:
        return subprocess.run([*PYTEST, *arguments], cwd=ROOT).returncode
    needs.install_missing()
    began = time.monotonic()
    parts = _side_by_side([_on_sqlite], [_on_postgres], [_on_python39])
    return _report(parts, began)


def long() -> int:
    """The product as a whole, its pages in a browser, kills, and long tables of cases."""
    _prepare()
    needs.install_missing()
    began = time.monotonic()
    parts = _side_by_side([_matrices, _chaos], [_acceptance, _in_a_browser, _every_page])
    return _report(parts, began)


def _prepare() -> None:
    environment.enter(environment.DEVELOPMENT)
    # A suite starts hundreds of Pythons: what one has compiled the next needn't.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def _report(parts: list[Part], began: float) -> int:
    print()
    for part in parts:
        print(f"{'FAILED' if part.status else 'ok':<8}{part.name}  {part.seconds:.0f} s")
    print(f"tested in {time.monotonic() - began:.0f} s")
    return 1 if any(part.status for part in parts) else 0


def _side_by_side(*lanes: list[Callable[[], Part]]) -> list[Part]:
    """The parts of a lane one after the other, the lanes at once: much of a test is waiting. What
    ran aside shows its output at the end."""
    with ThreadPoolExecutor(len(lanes)) as pool:
        done = pool.map(lambda lane: [part() for part in lane], lanes)
        parts = [part for lane in done for part in lane]
    for part in parts:
        if part.output:
            print(f"\n=== {part.name}\n{part.output}", flush=True)
    return parts


def _on_sqlite() -> Part:
    places = ["tests/unit", "tests/integration", *_without(AGENT, BROWSER)]
    return _run("unit, integration (SQLite)", [*PYTEST, *BY_FILE, "-n", "3", *places])


def _without(*places: str) -> list[str]:
    return [f"--ignore-glob=tests/integration/{place}" for place in places]


def _acceptance() -> Part:
    return _run("acceptance", [*PYTEST, "tests/acceptance"], aside=True)


def _on_postgres() -> Part:
    name = "integration (PostgreSQL)"
    if not needs.NEEDS["postgres"].find():
        return _missing(name, "no PostgreSQL server binaries (Debian: apt install postgresql)")
    command = [*PYTEST, *BY_FILE, "-n", "2", "tests/integration", *_without(*ANY_DATABASE)]
    server = [str(PYTHON), "-m", "tests.postgres"]
    return _run(name, [*server, *command], aside=True)


def _matrices() -> Part:
    return _run("matrices", [*PYTEST, *(f"tests/matrix/{name}" for name in MATRICES)])


def _in_a_browser() -> Part:
    files = [str(file) for file in sorted((ROOT / "tests/integration").glob(f"{BROWSER}.py"))]
    return _run("browser", [*PYTEST, *files], aside=True)


def _every_page() -> Part:
    return _run("every page", [*PYTEST, "-n", "2", "tests/matrix/pages"], aside=True)


def _chaos() -> Part:
    return _run("chaos", [*PYTEST, "tests/chaos"], aside=True)


def _on_python39() -> Part:
    name = "agent (Python 3.9)"
    python = needs.NEEDS["python3.9"].find()
    if not python:
        return _missing(name, "no Python 3.9 (python3.9 on the PATH, or one of pyenv's)")
    own = environment.install(VAR / "venv39", AGENT_REQUIREMENTS, python)
    command = [str(own), "-m", "pytest", "-c", "tests/agent39.ini", "--rootdir", "."]
    return _run(name, command, aside=True)


def _run(name: str, command: list[str], *, aside: bool = False) -> Part:
    print(f"\n=== {name}{' (beside it)' if aside else ''}", flush=True)
    began = time.monotonic()
    done = subprocess.run(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE if aside else None,
        stderr=subprocess.STDOUT if aside else None,
        text=True,
        errors="replace",
    )
    return Part(name, done.returncode, time.monotonic() - began, done.stdout or "")


def _missing(name: str, why: str) -> Part:
    """A part that can't run here: loud, and a failure in CI."""
    print(f"\n!!! SKIPPED: {name}: {why}", file=sys.stderr, flush=True)
    return Part(name, int(os.environ.get("CI") == "true"), 0.0)
