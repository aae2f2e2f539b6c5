"""Parts of the engine that need no device."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace
from typing import Any

import pytest

from agent.books import Books
from agent.engine import Engine
from agent.phase import Phase
from agent.regions import REGIONS, Regions

MIB = 1 << 20


def test_a_place_is_done_when_all_before_it_are() -> None:
    phase = Phase(range(0, 10 * MIB, MIB), 10 * MIB - 5, MIB)
    taken = [phase.take() for _ in range(10)]
    assert phase.take() is None
    assert taken[9] == (9, 9 * MIB, MIB - 5)
    for number in (1, 2, 9):
        phase.done(number)
    assert phase.position == 0
    phase.done(0)
    assert phase.position == 3 * MIB
    for number in range(3, 9):
        phase.done(number)
    assert phase.position == 10 * MIB - 5


def test_a_stopped_phase_hands_out_nothing() -> None:
    phase = Phase(range(0, 10 * MIB, MIB), 10 * MIB, MIB)
    phase.set(paused=True, rate_limit=0)
    got: list[object] = []
    waiting = threading.Thread(target=lambda: got.append(phase.take()))
    waiting.start()
    phase.stop(ValueError("why"))
    phase.stop(ValueError("later"))
    waiting.join(10)
    assert got == [None] and str(phase.failure) == "why"


def test_regions_keep_count_least_mean_most_and_rate() -> None:
    regions = Regions(REGIONS * MIB)
    regions.add("write", 1, 5 * MIB, MIB, 0.010, 0.010)
    regions.add("write", 1, 5 * MIB, MIB, 0.030, 0.030)
    regions.add("verify", 1, 0, 4 * MIB, 0.040, 0.020)
    told = regions.detail()
    assert told["regions"]["write-1"][5] == [2, 10.0, 20.0, 30.0, 2 * MIB / 0.04]
    assert told["regions"]["write-1"][4] is None
    assert told["regions"]["verify-1"][:5] == [[1, 40.0, 40.0, 40.0, 4 * MIB / 0.02]] * 4 + [None]
    assert told["slowest"][0] == {
        "offset_bytes": 0,
        "lba": 0,
        "ms": 40.0,
        "phase": "verify",
        "pass": 1,
    }
    again = Regions(REGIONS * MIB)
    again.load(told)
    assert again.detail() == told


@pytest.mark.parametrize("ended_by", ["a stored state", "a wish during a flush"])
def test_whatever_ends_a_pause_the_guard_is_asked_before_the_next_byte(ended_by: str) -> None:
    """The state's disk was full for days: the checkpoint that is stored again ends the pause."""
    engine: Any = Engine.__new__(Engine)
    state = SimpleNamespace(
        paused={"by": "state"},
        begun=True,
        rate_limit=0,
        position=0,
        stall=None,
        checkpoint_seconds=0,
    )

    def go_on(by: str, why: str = "") -> None:
        state.paused = None

    books = SimpleNamespace(
        has_paused=True, errors=SimpleNamespace(stored=True), store=lambda: None, go_on=go_on
    )
    phase = Phase(range(0, 10 * MIB, MIB), 10 * MIB, MIB)
    phase.set(paused=True, rate_limit=0)
    engine.state, engine.books, engine._phase = state, books, phase
    engine._checkpoint_at = time.monotonic() - 1
    engine._look = engine._progress = lambda: None
    engine._flush = (lambda: go_on("operator")) if "wish" in ended_by else lambda: None
    asked: list[bool] = []
    engine._guard_again = lambda: asked.append(phase.paused)

    engine._tick("write")
    assert state.paused is None and phase.paused and asked == []
    engine._tick("write")
    assert asked == [True], "writing goes on without the guard"
    engine._tick("write")
    assert len(asked) == 1 and not phase.paused


def test_a_pause_that_an_earlier_process_began_counts_as_one(tmp_path: Any) -> None:
    state: Any = SimpleNamespace(
        identity={"logical_sector_bytes": 512}, size=MIB, pass_number=1, phase="write", position=0,
        bad_sectors=0, first_error=None, unwritten=0, unverified=0, unzeroed=0, warn=print,
        paused={"by": "temperature", "reason": "56 °C", "since": "2026-11-26T00:00:00Z"},
    )  # fmt: skip
    books = Books(SimpleNamespace(detail=str(tmp_path / "detail.json")), state)  # type: ignore[arg-type]
    assert not books.has_paused
    books.load()
    assert books.has_paused and state.paused["by"] == "temperature"
    books.go_on("temperature")
    assert books.has_paused and state.paused is None
