"""A request that takes too long is told, and a device that answers nothing is called hung."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from agent.watch import HUNG_SECONDS, STALL_SECONDS, Watch


def test_stall_and_hung() -> None:
    notes: list[tuple[str, str]] = []
    warnings: list[str] = []
    watch = Watch(lambda event, detail: notes.append((event, detail)), warnings.append)
    drive = SimpleNamespace(logical_sector_bytes=4096)
    medium: Any = SimpleNamespace(in_flight={}, last_done=1000.0, drive=drive)
    assert watch.look(medium, None, 5000.0) is None, "nothing is asked of it"
    medium.in_flight = {1: (8 << 20, 1001.0), 2: (12 << 20, 1000.0)}
    assert watch.look(medium, None, 1000.0 + STALL_SECONDS) is None
    now = 1001.0 + STALL_SECONDS
    stall = watch.look(medium, None, now)
    assert stall == {"offset_bytes": 12 << 20, "lba": 3072, "seconds": 21.0, "hung": False}
    assert notes == [("stall", "no answer at LBA 3072 for 20 s")]
    medium.last_done = 1200.0  # others still get answers
    stall = watch.look(medium, stall, 1000.0 + HUNG_SECONDS + 50)
    assert not stall["hung"] and not warnings
    for _ in range(2):
        stall = watch.look(medium, stall, 1200.0 + HUNG_SECONDS + 1)
    assert stall["hung"] and warnings == ["the device hung: no answer for 300 s, LBA 3072"]
    medium.in_flight = {}
    assert watch.look(medium, stall, 1502.0) is None
    assert [event for event, _ in notes] == ["stall", "hung", "stall over"]


def test_a_device_that_was_only_left_alone_is_not_hung() -> None:
    """After a pause of an hour the first request has just been sent."""
    watch = Watch(lambda *_: None, lambda _: None)
    drive = SimpleNamespace(logical_sector_bytes=512)
    medium: Any = SimpleNamespace(in_flight={1: (0, 4600.0)}, last_done=1000.0, drive=drive)
    stall = watch.look(medium, None, 4625.0)
    assert stall is not None and stall["hung"] is False
