"""The wish to cancel. What runs on the host is stopped by the loop's next step (B6)."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from audit.models import Kind

from ..models import ACTIVE_JOB_STATES, Job, JobState, Stage, StageState
from ..progress import current_stage
from .endings import end_job
from .telling import after_commit_step, tell


class NotActive(Exception):
    """There is nothing to cancel: the job has ended."""


def cancel(job: Job, *, by: str, source_ip: str | None = None) -> None:
    """Cancel a queued or running job. What runs on the host is stopped by the next step (B6).

    Raises NotActive when there is nothing left to cancel.
    """
    with transaction.atomic():
        # `of`: the poll updates drives and systems, and must not wait for this.
        locked = Job.objects.select_for_update(of=("self",)).select_related("drive", "system")
        job = locked.get(pk=job.pk)
        if not job.holds_drive:
            raise NotActive(f"Burn-in {job.pk} has ended")
        if job.cancel_requested_at is None:
            job.cancel_requested_at, job.cancel_requested_by = timezone.now(), by
            job.save(update_fields=["cancel_requested_at", "cancel_requested_by"])
            tell(job, Kind.BURNIN_CANCEL_REQUESTED, f"cancel requested by {by}", by, source_ip)
        if job.state == JobState.QUEUED:
            end_job(job, None, JobState.CANCELLED, f"Cancelled by {by}")
            return
        stage = stage_to_stop(job)
        if stage is not None:
            after_commit_step(stage.pk)


def cancel_all(*, by: str, source_ip: str | None = None) -> int:
    """Cancel every burn-in that is queued or runs. Returns how many; each has its own event."""
    count = 0
    # The queued ones first: those that run make room when they end.
    for job in Job.objects.filter(state__in=ACTIVE_JOB_STATES).order_by("state", "pk"):
        try:
            cancel(job, by=by, source_ip=source_ip)
        except NotActive:
            continue  # it has ended meanwhile
        count += 1
    return count


def stage_to_stop(job: Job) -> Stage | None:
    stage = current_stage(job)
    if stage is None and job.holds_drive:
        ended = job.stages.exclude(state__in=[StageState.PASSED, StageState.SKIPPED])
        return ended.order_by("-position").first()
    return stage


def is_to_be_stopped(job: Job) -> bool:
    """It was cancelled, or has ended in a way after which nothing of it may go on."""
    if not job.holds_drive:
        return False
    return bool(job.cancel_requested_at) or job.state in (JobState.CANCELLED, JobState.FAILED)
