"""nas-2 of the story, which doesn't answer."""

from __future__ import annotations

from datetime import datetime, timedelta

from burnin.models import JobState
from tests.story import smart
from tests.story.evidence import proven, surface
from tests.story.shelf import a_system
from tests.story.write import FINAL, PRE, SURFACE, drive, going, job, reading


def the_silent(now: datetime) -> None:
    """nas-2: has not answered for two hours, while a burn-in goes on there."""
    polled = now - timedelta(hours=2)
    nas = a_system(
        "nas-2",
        polled,
        last_error="connection refused",
        host_error="connection refused",
        host_answered_at=polled,
        failing_since=polled,
    )
    ssd = drive(
        nas, "nvd0", "S6Z2NF0W", "Samsung SSD 990 PRO 2TB", 2.0, rotational=False, temperature_c=46
    )
    job(
        ssd,
        now - timedelta(days=6),
        kinds=(PRE, SURFACE, FINAL),
        passes=1,
        slower=0.1,
        hours=310,
        evidence={SURFACE: surface(ssd, 1, seed=7, rate=2.1e9, flat=True)},
    )
    reading(ssd, now - timedelta(days=7), smart.nvme(ssd.serial, ssd.model, 41, 310), [])
    reading(ssd, now - timedelta(days=6), smart.nvme(ssd.serial, ssd.model, 46, 312, 4), [])
    away = drive(nas, "da1", "VLKZ81AA", "WD80EFAX-68KNBN0", 8.0, temperature_c=40)
    going(away, now, SURFACE, 71.9, waiting_for="Can’t reach nas-2 for 2 h; the run goes on there")
    old = drive(nas, "da2", "WCT4L0Q9", "ST6000DM003", 6.0, temperature_c=37)
    job(
        old,
        now - timedelta(days=8),
        state=JobState.FAILED,
        fails_at=FINAL,
        by="bob",
        reason="SMART counters rose: Reallocated sectors 0 → 24",
        acknowledged_at=now - timedelta(days=7),
        hours=8_100,
        found=proven(FINAL, old, rose={"reallocated_sectors": 24}),
    )
    drive(
        nas,
        "da3",
        "VLKZ81AB",
        "WD80EFAX-68KNBN0",
        8.0,
        present=False,
        absent_since=now - timedelta(days=1),
    )
