"""Times as the protocol writes them: ISO-8601, UTC, with Z."""

from __future__ import annotations

import calendar
import os
import time


def iso(seconds: float | None = None) -> str:
    """Seconds since the epoch (now, by default) as "2026-01-31T12:00:00Z"."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def seconds(text: str) -> int:
    """The reverse of `iso`; a fraction is dropped. Raises ValueError."""
    return calendar.timegm(time.strptime(text.rstrip("Z").split(".")[0], "%Y-%m-%dT%H:%M:%S"))


def pace(variable: str, usual: float, kind: str) -> float:
    """Seconds between two looks. A test may hurry those at its own media by this variable of the
    environment; a physical disk is looked at as slowly as it is meant to be.
    """
    told = os.environ.get(variable) if kind != "disk" else None
    return float(told or usual)
