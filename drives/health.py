"""How a system is doing, in words: reachable, stale, stopped, or not answering and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from config import runtime
from config.runtime import Runtime

from .models import System

#: So far the clocks of several machines may be apart.
AHEAD_SECONDS = 60


@dataclass(frozen=True)
class SystemState:
    """level: pass, warn or fail; words: for its chip; age_seconds: since the last answer."""

    level: str
    words: str
    age_seconds: int | None
    error: str


def age_in_words(seconds: int) -> str:
    """Seconds as 40 s, 3 min, 2 h or 4 d."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def is_stale(system: System, now: datetime, limits: Runtime | None = None) -> bool:
    """Whether what is known of its drives is too old to act upon."""
    if system.stopped or system.last_polled_at is None:
        return True
    limits = limits or runtime.current()
    age = (now - system.last_polled_at).total_seconds()
    # A time to come was stored by a clock that was set back since: how old it is can't be told.
    return not -AHEAD_SECONDS <= age <= limits.stale_threshold_seconds


def system_state(system: System, now: datetime, limits: Runtime | None = None) -> SystemState:
    """Judged by the age of the last whole answer and by what went wrong last.

    limits: the settings in force, for who has read them already.
    """
    if system.paused_by:
        return SystemState("warn", "paused", None, system.stopped)
    if system.stopped:
        return SystemState("fail", "stopped", None, system.stopped)
    error = system.last_error or system.host_error
    if system.last_polled_at is None:
        return SystemState("fail" if error else "warn", "not asked yet", None, error)
    age = int((now - system.last_polled_at).total_seconds())
    if is_stale(system, now, limits):
        if age < 0:
            return SystemState("warn", "stale: the clock was set back", None, error)
        return SystemState("warn", f"stale {age_in_words(age)}", age, error)
    if error:
        return SystemState("warn", "error", age, error)
    return SystemState("pass", "reachable", age, "")
