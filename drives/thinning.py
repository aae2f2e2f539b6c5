"""Old measurements get fewer with age: what a plot of that age can't show isn't kept.

A share of the drives is done at each turn, so that a turn costs the same whatever has piled up.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction

from .models import Drive, SmartReading, TemperatureSample

#: From that age on one sample in so much time is kept, the oldest tier first.
TIERS = (
    (timedelta(days=365), timedelta(hours=6)),
    (timedelta(days=30), timedelta(hours=1)),
    (timedelta(days=2), timedelta(minutes=5)),
)
#: smartctl's whole report is big; what was understood of it stays.
RAW_KEPT = timedelta(days=30)
AT_ONCE = 500
TURNS = 60


def superfluous(samples: Iterable[tuple[int, datetime]], now: datetime) -> list[int]:
    """Ids of those that are too close for their age to an older one that stays, oldest first."""
    gone, kept = [], None
    for pk, at in sorted(samples, key=lambda sample: (sample[1], sample[0])):
        age = now - at
        apart = next((apart for since, apart in TIERS if age >= since), None)
        if apart is None:
            break
        # Counted from midnight, so that it is always the same ones that stay.
        place = int(at.timestamp() // apart.total_seconds()), apart
        if place == kept:
            gone.append(pk)
        kept = place
    return gone


def thin_some(now: datetime, turn: int) -> int:
    """The drives whose turn it is of TURNS. Returns how many rows went."""
    ids = Drive.objects.values_list("pk", flat=True)
    return sum(thin(pk, now) for pk in ids if pk % TURNS == turn % TURNS)


def thin(drive_id: int, now: datetime) -> int:
    """Temperatures of one drive, and smartctl's reports behind its readings."""
    youngest = now - TIERS[-1][0]
    old = TemperatureSample.objects.filter(drive=drive_id, taken_at__lte=youngest)
    gone = superfluous(old.values_list("pk", "taken_at"), now)
    for start in range(0, len(gone), AT_ONCE):
        with transaction.atomic():
            TemperatureSample.objects.filter(pk__in=gone[start : start + AT_ONCE]).delete()
    SmartReading.objects.filter(drive=drive_id, taken_at__lt=now - RAW_KEPT).exclude(
        raw={}
    ).exclude(pk__in=_first_and_last(drive_id)).update(raw={})
    return len(gone)


def _first_and_last(drive_id: int) -> list[int]:
    of_drive = SmartReading.objects.filter(drive=drive_id).order_by("taken_at")
    return [reading.pk for reading in (of_drive.first(), of_drive.last()) if reading is not None]
