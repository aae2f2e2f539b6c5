"""Flips one bit of a file-backed drive where a run of the agent on this host must find it.

A flip that is asked for waits until a run of that drive either verifies and has not come to the
place yet, or writes, is well past the place, and still has far to go: then the bit is changed on
the medium after it was written and before it is read. The runs' own state files tell where they
are; one that is old by more than a few seconds is a dead run's and tells nothing.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .nas import Nas

LOOK_SECONDS = 0.01
IDLE_SECONDS = 0.1
#: The agent tells its progress every second.
OLD_SECONDS = 3.0
#: Beyond this part of a write phase the verify phase could have begun unseen.
FAR_ENOUGH = 0.9
BIT = 0x10


@dataclass(frozen=True)
class Progress:
    """Where a run of a drive is, by a file that is `age` seconds old."""

    phase: str
    position: int
    size: int
    rate: float | None
    ahead: int  #: bytes that its threads may be working on beyond the position
    age: float

    @classmethod
    def parse(cls, head: dict[str, Any], age: float) -> Progress:
        rate, io = head.get("rate_bytes_per_second"), head["io"]
        return cls(
            phase=head["phase"],
            position=head["position_bytes"],
            size=head["identity"]["size_bytes"],
            rate=rate,
            ahead=io["chunk_bytes"] * io["threads"],
            age=age,
        )

    def is_due(self, offset: int) -> bool:
        """Will a bit flipped now at `offset` be read by this phase's or the next verify?"""
        now_at = self.position + (self.rate or 0) * self.age
        if self.phase == "verify":
            return now_at + self.ahead <= offset
        if self.phase == "write":
            is_written = self.position > offset
            return is_written and self.rate is not None and now_at < FAR_ENOUGH * self.size
        return False


def watch(nas: Nas) -> None:
    """Start the thread that does it."""
    threading.Thread(target=_watch, args=(nas,), name="flips", daemon=True).start()


def _watch(nas: Nas) -> None:
    while True:
        for wanted in list(nas.flips):
            if _is_due(nas, wanted):
                now(nas, wanted["key"], wanted["at_fraction"])
                with nas.change():
                    nas.flips = [one for one in nas.flips if one != wanted]
        time.sleep(LOOK_SECONDS if nas.flips else IDLE_SECONDS)


def now(nas: Nas, key: str, at_fraction: float) -> None:
    """Flip the bit at once, whatever runs."""
    drive = nas.drives[key]
    descriptor = os.open(drive.path, os.O_RDWR)
    try:
        offset = place(drive.size_bytes, at_fraction)
        byte = os.pread(descriptor, 1, offset)[0]
        os.pwrite(descriptor, bytes([byte ^ BIT]), offset)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def place(size: int, at_fraction: float) -> int:
    """The byte whose bit is flipped."""
    return int(size * at_fraction)


def _is_due(nas: Nas, wanted: dict[str, Any]) -> bool:
    drive = nas.drives.get(wanted["key"])
    if drive is None or drive.vanished:
        return False
    newest = min(_progress(nas, drive.path), key=lambda one: one.age, default=None)
    return newest is not None and newest.is_due(place(drive.size_bytes, wanted["at_fraction"]))


def _progress(nas: Nas, path: str) -> Iterator[Progress]:
    """What the files of all runs say of those that work on that path."""
    files = list((nas.data / "run").glob("*.json"))
    for root in nas.roots:
        files += Path(root).glob("runs/*/state.json")
    for file in files:
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            age = time.time() - file.stat().st_mtime
            if age > OLD_SECONDS:
                continue
            content = json.loads(file.read_bytes())
            head = content.get("head", content)
            if head["identity"]["path"] == path:
                yield Progress.parse(head, max(0.0, age))
