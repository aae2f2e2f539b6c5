"""How warm the drive is while it is worked on, and what follows from it.

Read in a thread of its own, at most once a minute: smartctl may hang on a dying drive.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import Any, NamedTuple

from . import sensors, smart
from .clock import iso, pace
from .identity import Identity
from .state import Limits

EVERY_SECONDS = 60.0
UNKNOWN_SECONDS = 600
KEPT = 2000
#: °C; what lies outside is no temperature of a drive that answers.
PLAUSIBLE = range(-20, 120)


class Reading(NamedTuple):
    """`at`: seconds since the epoch. `celsius` None: unknown, and why."""

    at: float
    celsius: int | None
    why: str = ""


def read(drive: Identity) -> Reading:
    """The kernel's sensor of the drive, where it has one, else smartctl."""
    found = sensors.celsius(drive)
    if found is not None:
        return _plausible(found, "the kernel's sensor")
    answer = smart.temperature(drive.path)
    if answer.temperature_c is None:
        return Reading(time.time(), None, answer.error or "smartctl tells none")
    return _plausible(answer.temperature_c, "smartctl")


def _plausible(celsius: int, teller: str) -> Reading:
    if celsius in PLAUSIBLE:
        return Reading(time.time(), celsius)
    return Reading(time.time(), None, f"{teller} tells {celsius} °C")


class Thermometer:
    """Reads until the process ends; what was read since is taken with `taken`."""

    def __init__(self, drive: Identity) -> None:
        self._drive = drive
        self._readings: deque[Reading] = deque()
        # A loop device has no temperature, and nobody would answer for it.
        if drive.kind != "loop":
            threading.Thread(target=self._work, daemon=True).start()

    def taken(self) -> list[Reading]:
        found = []
        while self._readings:
            found.append(self._readings.popleft())
        return found

    def _work(self) -> None:
        every = pace("BURNIN_TEMPERATURE_SECONDS", EVERY_SECONDS, self._drive.kind)
        while True:
            try:
                self._readings.append(read(self._drive))
            except Exception as error:  # the next one may succeed
                self._readings.append(Reading(time.time(), None, str(error)))
            time.sleep(every)


class Law:
    """What a reading means, given those before it."""

    def __init__(self, limits: Limits, since: float) -> None:
        self.limits = limits
        self.unknown_since = since
        self.told_unknown = False

    def verdict(self, reading: Reading, is_paused: bool) -> tuple[str, str]:
        """(what to do, why): "abort", "pause", "go on", "tell" or "" for nothing."""
        celsius, limits = reading.celsius, self.limits
        if celsius is None:
            if self.told_unknown or reading.at - self.unknown_since < UNKNOWN_SECONDS:
                return "", ""
            self.told_unknown = True
            minutes = UNKNOWN_SECONDS // 60
            return "tell", f"the temperature is unknown for {minutes} minutes: {reading.why}"
        self.unknown_since, self.told_unknown = reading.at, False
        if limits.abort is not None and celsius >= limits.abort:
            return "abort", f"temperature: {celsius} °C, the limit is {limits.abort} °C"
        below = limits.resume if limits.resume is not None else limits.pause
        if limits.pause is not None and celsius >= limits.pause:
            return ("", "") if is_paused else ("pause", f"{celsius} °C, goes on below {below} °C")
        if is_paused and (below is None or celsius < below):
            return "go on", f"{celsius} °C"
        return "", ""


class Log:
    """All readings of a run; where there are too many, every second of them goes."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self._step, self._seen = 1, 0

    def add(self, reading: Reading) -> None:
        if reading.celsius is None:
            return
        if self._seen % self._step == 0:
            self.rows.append({"at": iso(reading.at), "c": reading.celsius})
        self._seen += 1
        if len(self.rows) > KEPT:
            del self.rows[1::2]
            self._step *= 2

    def load(self, rows: Any) -> None:
        """Raises KeyError, TypeError, ValueError."""
        self.rows = [{"at": str(row["at"]), "c": int(row["c"])} for row in rows]
