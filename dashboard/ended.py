"""Which burn-ins have just ended: what the notifications of browsers tell, on any open page.

A page may be told twice, when another web process takes over the flusher; so each one carries the
id of its event, by which the pages of one browser tell it once.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Any

from django.urls import reverse
from django.utils import timezone

from audit.models import AuditEvent, Kind
from burnin.models import Job

#: A message that waited for longer than that is news no more.
NEWS = timedelta(minutes=2)
WORDS = {
    Kind.BURNIN_PASSED: "passed",
    Kind.BURNIN_FAILED: "failed",
    Kind.BURNIN_UNKNOWN: "is inconclusive",
}


class Ended:
    """Remembers what it has told."""

    def __init__(self) -> None:
        self.told: set[int] = set()

    def news(self, drive_ids: Collection[int]) -> list[dict[str, Any]]:
        """Burn-ins of these drives that ended within the last minutes, each one once:
        {event, job, drive, state, title, text, url}, the oldest first."""
        events = AuditEvent.objects.filter(
            kind__in=list(WORDS), drive_id__in=drive_ids, at__gte=timezone.now() - NEWS
        ).order_by("pk")
        found = [event for event in events if event.pk not in self.told]
        if not found:
            return []
        self.told.update(event.pk for event in found)
        jobs = Job.objects.select_related("drive").defer("claims")
        by_id = jobs.in_bulk([event.job_id for event in found if event.job_id])
        return [_message(event, by_id[event.job_id]) for event in found if event.job_id in by_id]


def _message(event: AuditEvent, job: Job) -> dict[str, Any]:
    title = f"{job.drive.devname} {WORDS[Kind(event.kind)]}"
    return {
        "event": event.pk,
        "job": job.pk,
        "drive": job.drive_id,
        "state": event.kind.removeprefix("burnin_"),
        "title": title,
        "text": ". ".join(filter(None, [f"{job.drive.model} {job.serial}", job.error_text])),
        "url": reverse("job", args=[job.pk]),
    }
