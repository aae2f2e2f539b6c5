"""Which queued job may start now."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from audit.models import Kind
from config import runtime
from config.models import freeze
from drives.models import System
from live.changes import changed

from ..models import Job, JobState
from .telling import after_commit_step, tell


def admit(system_id: int) -> None:
    """Start queued jobs in their order while the system has room (B4)."""
    with transaction.atomic():
        # The lock makes two admissions take turns; SQLite has one writer anyway.
        # Without the key: inserts and updates of jobs look at it, and one of both would wait for
        # the other for ever.
        System.objects.select_for_update(no_key=True).get(pk=system_id)
        if freeze() is not None:
            return
        running = Job.objects.filter(system_id=system_id, state=JobState.RUNNING).count()
        room = runtime.current().max_parallel_burnins - running
        waiting = Job.objects.filter(system_id=system_id, state=JobState.QUEUED).order_by("pk")
        for job in waiting.select_related("drive", "system")[: max(0, room)]:
            now = timezone.now()
            if Job.objects.filter(pk=job.pk, state=JobState.QUEUED).update(
                state=JobState.RUNNING, started_at=now
            ):
                tell(job, Kind.BURNIN_STARTED, "started")
                after_commit_step(job.stages.get(position=0).pk)
                # The places of the others in the queue have changed.
                changed(waiting.values_list("drive_id", flat=True))
