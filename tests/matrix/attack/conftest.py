"""The cells that were attacked, listed at the end of the run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent import device, engine, guard, openers, programs
from tests import needs
from tests.integration.conftest import django_db_setup  # noqa: F401
from tests.matrix.attack.cells import CELLS, MOMENTS
from tests.matrix.attack.disk import DiskVictim
from tests.matrix.attack.freebsd import FreebsdVictim
from tests.matrix.attack.victim import FileVictim, LoopVictim, Victim


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """One line for each fact × source: where each moment was attacked, on each kind of medium."""
    if not CELLS:
        return
    terminalreporter.section("the guard under attack")
    terminalreporter.write_line(
        f"{'fact':<12}{'source':<42}{'file':<16}{'loop device':<16}{'disk':<16}FreeBSD"
    )
    rows = sorted({(fact, source) for fact, source, _, _ in CELLS})
    for fact, source in rows:
        line = f"{fact:<12}{source:<42}"
        for kind in ("file", "loop", "disk", "freebsd"):
            done = [
                letter if (fact, source, kind, moment) in CELLS else "-"
                for moment, letter in MOMENTS.items()
            ]
            line += f"{' '.join(done):<16}"
        terminalreporter.write_line(line.rstrip())
    key = ", ".join(f"{letter} {moment}" for moment, letter in MOMENTS.items())
    terminalreporter.write_line(f"moments: {key}")
    terminalreporter.write_line(
        f"{len(CELLS)} cells, {len(rows)} sources, {len({row[0] for row in rows})} facts;"
        " zero bytes were written and the reason was named in each"
    )


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The agent's patience, shortened."""
    monkeypatch.setattr(openers, "PAUSE", 0.01)
    monkeypatch.setattr(engine, "OPENER_LOOKS_IN_A_RUN", 3)
    monkeypatch.setattr(engine, "VANISHED_SECONDS", 0.1)
    monkeypatch.setattr(engine, "RETURN_SECONDS", 0.2)
    monkeypatch.setattr(device, "LOCK_SECONDS", 0.1)
    monkeypatch.setattr(programs, "SECONDS", 0.3)
    monkeypatch.setattr(guard, "TXG_SECONDS", 0.1)


@pytest.fixture(scope="session")
def loop_device(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoopVictim]:
    needs.need("loop")
    victim = LoopVictim(tmp_path_factory.mktemp("loop"))
    yield victim
    victim.detach()


@pytest.fixture(scope="session")
def disk_drive() -> Iterator[DiskVictim]:
    victim = DiskVictim()
    yield victim
    victim.detach()


@pytest.fixture(params=["file", "loop"])
def victim(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    quick: None,
) -> Iterator[Victim]:
    """A drive of 4 MiB, as new, that may be written until somebody attacks it."""
    made: Victim
    if request.param == "file":
        made = FileVictim(tmp_path / "media")
    elif request.param == "freebsd":
        made = FreebsdVictim(tmp_path / "media")
    elif request.param == "disk":
        made = request.getfixturevalue("disk_drive")
    else:
        made = request.getfixturevalue("loop_device")
    made.begin(tmp_path, monkeypatch)
    try:
        yield made
    finally:
        made.end()
