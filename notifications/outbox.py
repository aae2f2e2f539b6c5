"""From audit events to deliveries: an event is the outbox, and each is read once.

The cursor stays some minutes behind. An event gets its number before its transaction commits, so
one with a lower number may turn up after one with a higher; the cursor passes only what is older
than any transaction lasts. What it has not passed is read again each time, and skipped by the
deliveries that are there already: all those of an event are made in one transaction.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Max

from audit.models import AuditEvent
from burnin.models import Job
from config import runtime

from .channels import all_channels
from .models import Cursor, Delivery
from .payload import TOLD, of_event

SETTLED = timedelta(minutes=10)
AT_ONCE = 200
#: Mails and chats wait that long for others that end together with them.
GATHER = timedelta(seconds=20)


def read(now: datetime) -> int:
    """Make the deliveries of events that have none yet. Returns of how many events."""
    cursor = Cursor.objects.first() or _cursor_at_the_end()
    events = list(
        AuditEvent.objects.filter(pk__gt=cursor.position, kind__in=list(TOLD)).order_by("pk")
    )
    sources = {f"event-{event.pk}": event for event in events}
    known = set(
        Delivery.objects.filter(source__in=sources).values_list("source", flat=True).distinct()
    )
    new = {name: event for name, event in sources.items() if name not in known}
    for source, event in list(new.items())[:AT_ONCE]:
        _make(source, event, now)
    if len(new) <= AT_ONCE:
        settled = AuditEvent.objects.filter(at__lt=now - SETTLED).aggregate(last=Max("pk"))["last"]
        if settled and settled > cursor.position:
            Cursor.objects.filter(position__lt=settled).update(position=settled)
    return len(new)


def _make(source: str, event: AuditEvent, now: datetime) -> None:
    """One delivery for each channel, also where nothing is to be sent: a channel that is switched
    on later is not told of the past."""
    limits = runtime.current()
    job = Job.objects.select_related("drive").filter(pk=event.job_id or 0).first()
    payload = of_event(event, job)
    rows = []
    for channel in all_channels(limits):
        unwanted = channel.unwanted(payload, limits)
        rows.append(
            Delivery(
                source=source,
                channel=channel.name,
                payload=payload,
                state=Delivery.State.SKIPPED if unwanted else Delivery.State.WAITING,
                said=unwanted,
                next_try_at=now + GATHER if channel.gathers else now,
            )
        )
    with transaction.atomic():
        Delivery.objects.bulk_create(rows, ignore_conflicts=True)


def _cursor_at_the_end() -> Cursor:
    """Where there is none, nobody waits for the past."""
    last = AuditEvent.objects.aggregate(last=Max("pk"))["last"] or 0
    return Cursor.objects.get_or_create(only_one=True, defaults={"position": last})[0]
