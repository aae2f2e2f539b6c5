"""When may a bit be flipped, so that the run must find it?"""

from __future__ import annotations

import pytest

from truenas_mock.flips import Progress

MIB = 1 << 20
SIZE = 256 * MIB
PLACE = 77 * MIB


@pytest.mark.parametrize(
    ("phase", "position", "rate", "age", "due"),
    [
        ("probe", 0, None, 0.0, False),
        ("write", 0, 50 * MIB, 0.0, False),
        ("write", 76 * MIB, 50 * MIB, 0.9, False),
        ("write", 100 * MIB, 50 * MIB, 0.9, True),
        ("write", 100 * MIB, None, 0.0, False),
        ("write", 200 * MIB, 50 * MIB, 0.9, False),
        ("verify", 0, None, 0.0, True),
        ("verify", 0, 50 * MIB, 0.9, True),
        ("verify", 0, 500 * MIB, 0.9, False),
        ("verify", 74 * MIB, None, 0.0, False),
        ("verify", 100 * MIB, 50 * MIB, 0.0, False),
        ("done", SIZE, None, 0.0, False),
    ],
)
def test_only_after_it_was_written_and_before_it_is_read(
    phase: str, position: int, rate: float | None, age: float, due: bool
) -> None:
    progress = Progress(phase, position, SIZE, rate, ahead=4 * MIB, age=age)
    assert progress.is_due(PLACE) is due
