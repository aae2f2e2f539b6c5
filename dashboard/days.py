"""Days of the people here (TZ), as the filters and statistics count them."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from django.utils import timezone


def parse(text: str) -> date | None:
    """2026-11-24; None for anything else."""
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        return None


def begin(day: date) -> datetime:
    """Its first moment; nothing is before 1970, because year 1 can't be told in every zone."""
    return timezone.make_aware(datetime.combine(max(day, date(1970, 1, 1)), time.min))


def end(day: date) -> datetime:
    """The first moment of the next one."""
    return begin(min(day, date(9000, 1, 1)) + timedelta(days=1))


def today() -> date:
    return timezone.localdate()
