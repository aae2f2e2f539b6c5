"""A simulated surface run as a function of the clock."""

from __future__ import annotations

from dataclasses import asdict, replace
from itertools import pairwise

import pytest

from truenas_mock import surface
from truenas_mock.heads import head
from truenas_mock.surface import LIFE_RATE, Run, at

SIZE = 12_000_138_625_024
START = 1_800_000_000.0
SECONDS = 45.0


def run(**changes: object) -> Run:
    identity = {"serial": "S", "model": "M", "size_bytes": SIZE, "path": "/dev/mock/sda"}
    identity |= {"logical_sector_bytes": 512, "physical_sector_bytes": 4096}
    new = Run(
        "/r/runs/one", "one", "sda", identity, 2, SECONDS, 1.0, "0" * 32, "boot", START, START
    )
    return replace(new, **changes)  # type: ignore[arg-type]


def test_it_takes_its_time_and_not_more() -> None:
    assert at(run(), START + SECONDS * 0.999).verdict is None
    over = at(run(), START + SECONDS * 1.001)
    assert over.verdict == "passed" and not over.alive
    assert over.finished == pytest.approx(START + SECONDS)


def test_percent_never_goes_back_and_phases_come_in_order() -> None:
    heads = [head(run(), START + SECONDS * part / 200) for part in range(202)]
    for before, after in pairwise(heads):
        assert after["percent"] >= before["percent"]
        assert after["bytes_written"] >= before["bytes_written"]
        assert after["bytes_verified"] <= after["bytes_written"]
    phases = list(dict.fromkeys((one["phase"], one["pass"]) for one in heads))
    assert phases == [
        ("probe", 1), ("write", 1), ("verify", 1), ("write", 2), ("verify", 2), ("done", 2)
    ]  # fmt: skip
    assert heads[-1]["percent"] == 100


def test_the_inner_edge_is_half_as_fast() -> None:
    one = run(step=1)
    assert one.rate(1.0) == pytest.approx(one.rate(0.0) / 2)


def test_looking_does_not_change_how_it_goes() -> None:
    one = run()
    for part in range(1, 40):
        surface.settle(one, START + part, "looked")
    assert at(one, START + 40).position == pytest.approx(at(run(), START + 40).position, rel=1e-6)


def test_a_rate_limit_slows_it_as_it_would_in_life() -> None:
    """A fifth of a drive's own rate at its outer edge, which is 0.72 of that on the average."""
    slow = run(rate_limit=LIFE_RATE // 5)
    assert at(slow, START + SECONDS * 3.5).verdict is None
    assert at(slow, START + SECONDS * 3.7).verdict == "passed"


def test_a_paused_and_a_dead_run_stand_still() -> None:
    one = run()
    surface.settle(one, START + 10, "paused")
    one.paused = {"by": "operator", "reason": "", "since": ""}
    assert at(one, START + 10_000).position == one.position
    one.paused = None
    surface.die(one, START + 40)
    assert not one.alive and at(one, START + 10_000).verdict is None


def test_death_costs_what_came_after_the_checkpoint() -> None:
    one = run(seconds=450.0)
    before = at(one, START + 89)
    surface.die(one, START + 89)
    assert one.position == at(run(seconds=450.0), START + 60).position < before.position


@pytest.mark.parametrize("passes", [1, 2, 3])
def test_a_failing_drive_fails_at_thirty_percent(passes: int) -> None:
    step, x = surface.bad_place(passes)
    told = head(run(passes=passes, bad_step=step, bad_x=x), START + SECONDS * 2)
    assert told["verdict"]["verdict"] == "failed"
    assert told["percent"] == pytest.approx(30, abs=0.2)
    assert told["verdict"]["errors"] == [told["first_error"]]


def test_it_survives_being_written_down() -> None:
    one = at(run(), START + 20)
    assert Run(**asdict(one)) == one
