"""Times as the protocol writes them: ISO-8601, UTC, with Z."""

from __future__ import annotations

import calendar
import time


def iso(seconds: float | None = None) -> str:
    """Seconds since the epoch (now, by default) as "2026-01-31T12:00:00Z"."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def seconds(text: str) -> int:
    """The reverse of `iso`; a fraction is dropped. Raises ValueError."""
    return calendar.timegm(time.strptime(text.rstrip("Z").split(".")[0], "%Y-%m-%dT%H:%M:%S"))
