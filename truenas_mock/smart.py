"""Self-tests as a function of the clock.

The drive runs the test, not the NAS: nothing here needs the mock to be alive. How smartctl tells of
them is in `ata`, `scsi` and `nvme`, what the NAS makes of them in `results`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .drives import Drive

TICK_SECONDS = 5
FAILS_AT = 0.3
#: Where on its surface a failing drive is bad. A surface run of two passes finds it at 30 % of its
#: way too.
BAD_PLACE = 0.2
#: How long each type takes, in simulated seconds.
SECONDS = {"SHORT": 90, "LONG": 480, "CONVEYANCE": 120, "OFFLINE": 60}
DESCRIPTIONS = {
    "SHORT": (1, "Short offline"),
    "LONG": (2, "Extended offline"),
    "CONVEYANCE": (3, "Conveyance offline"),
    "OFFLINE": (0, "Offline"),
}
LOG_SIZE = 21

COMPLETED = "Completed without error"
ABORTED = "Aborted by host"
RESET = "Interrupted (host reset)"
READ_FAILURE = "Completed: read failure"
RUNNING = "Self-test routine in progress"


@dataclass
class SelfTest:
    """One self-test in a drive's log.

    Attributes:
        kind: SHORT, LONG, CONVEYANCE or OFFLINE.
        started: seconds since the epoch.
        seconds: real seconds that it takes when nothing stops it.
        tick: real seconds between two steps of its progress.
        hours: the drive's power-on hours at its start.
        fails: ends with a read failure at FAILS_AT of its way.
        stopped: seconds since the epoch at which somebody ended it, or None.
        outcome: how it was ended then: ABORTED, RESET or COMPLETED.
    """

    kind: str
    started: float
    seconds: float
    tick: float
    hours: int
    fails: bool = False
    stopped: float | None = None
    outcome: str | None = None

    @property
    def ends(self) -> float:
        """Seconds since the epoch at which it is, or will be, over."""
        return self.stopped or self.started + self.seconds * (FAILS_AT if self.fails else 1)

    def running(self, now: float) -> bool:
        return now < self.ends

    def status(self, now: float) -> tuple[str, int]:
        """What the log says of it at `now`: the status text, and the percent remaining in ATA's
        steps of ten."""
        elapsed = min(now, self.ends) - self.started
        done = math.floor(elapsed / self.tick) * self.tick / self.seconds
        remaining = max(10, min(90, math.ceil(10 - 10 * done) * 10))
        if self.running(now):
            return RUNNING, remaining
        if self.stopped:
            return self.outcome or ABORTED, 0 if self.outcome == COMPLETED else remaining
        return (READ_FAILURE, 70) if self.fails else (COMPLETED, 0)

    def end(self, now: float, outcome: str) -> None:
        """Ends it now, if it still runs. Completing one that is bound to fail lets it fail."""
        if self.running(now):
            if outcome == COMPLETED and self.fails:
                self.started = now - self.seconds * FAILS_AT
            else:
                self.stopped, self.outcome = now, outcome


def interrupt(drive: Drive, now: float) -> None:
    """A reset of the bus, or of the drive."""
    if test := current(drive, now):
        test.end(now, RESET)


def current(drive: Drive, now: float) -> SelfTest | None:
    """The self-test that this drive runs at `now`."""
    return drive.tests[-1] if drive.tests and drive.tests[-1].running(now) else None


def start(drive: Drive, kind: str, now: float, speed: float) -> bool:
    """Starts a test as `smartctl -t` would.

    Returns: whether it runs now; False when another test does.
    """
    if current(drive, now):
        return False
    test = SelfTest(
        kind,
        now,
        SECONDS[kind] / speed,
        TICK_SECONDS / speed,
        power_on_hours(drive, now),
        drive.fail,
    )
    drive.tests = [*drive.tests[1 - LOG_SIZE :], test]
    return True


def stop(drive: Drive, now: float) -> None:
    """`smartctl -X`: ends the running test, if there is one."""
    if test := current(drive, now):
        test.end(now, ABORTED)


def power_on_hours(drive: Drive, now: float) -> int:
    return drive.hours + int(max(0, now - drive.since) // 3600)


def bad_lba(drive: Drive) -> int:
    """The first bad sector of a drive that fails, on a 4 KiB border."""
    return int(drive.size_bytes * BAD_PLACE) // 4096 * 8
