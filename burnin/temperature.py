"""How warm a drive may be to start, to go on, and at all (B13). °C."""

from __future__ import annotations

from dataclasses import dataclass

from config.runtime import Runtime
from drives.models import Drive

# Flash that tells no limits of its own; what it tells counts only within these.
FLASH_START, FLASH_PAUSE, FLASH_RESUME, FLASH_ABORT = 65, 70, 60, 80
LIKELY = range(55, 106)


@dataclass(frozen=True)
class Limits:
    """Above start_max a burn-in isn't begun; at pause it holds still until it is below resume; at
    abort it ends."""

    start_max: int
    pause: int
    resume: int
    abort: int


def limits(drive: Drive, runtime: Runtime) -> Limits:
    """A hard disk's by the settings, flash by its own thresholds."""
    if not drive.is_flash:
        return Limits(
            runtime.temp_start_max_c,
            runtime.temp_pause_c,
            runtime.temp_resume_c,
            runtime.temp_abort_c,
        )
    pause, abort = FLASH_PAUSE, FLASH_ABORT
    if (limit := drive.temperature_limit_c) is not None and limit in LIKELY:
        pause, abort = limit, max(limit + 1, FLASH_ABORT)
    critical = drive.temperature_critical_c
    if critical is not None and critical in LIKELY and critical > pause:
        abort = critical
    return Limits(min(FLASH_START, pause - 5), pause, min(FLASH_RESUME, pause - 10), abort)


def too_warm(drive: Drive, celsius: int | None, runtime: Runtime) -> str:
    """Why it may not be started at this temperature; empty when it may, or nobody knows."""
    most = limits(drive, runtime).start_max
    return (
        f"{celsius} °C is too hot to start; the limit is {most} °C" if (celsius or 0) > most else ""
    )
