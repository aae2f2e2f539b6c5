"""Parts of the engine that need no device."""

from __future__ import annotations

import threading

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
