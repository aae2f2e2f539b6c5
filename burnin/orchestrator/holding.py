"""Pause and resume of a job, freeze and thaw of everything (B13, S10)."""

from __future__ import annotations

from django.db import transaction

from audit.events import record
from audit.models import Kind
from config.models import Freeze, freeze
from drives.models import Drive, System
from live.changes import changed

from ..models import ACTIVE_JOB_STATES, Job, JobState, Stage, StageState
from .cancelling import NotActive
from .telling import after_commit_admit, after_commit_step, tell


def pause(job: Job, *, by: str, source_ip: str | None = None) -> None:
    """Let a job write nothing until it is resumed (B13). Raises NotActive."""
    _want_pause(job, by, Kind.BURNIN_PAUSED, f"pause requested by {by}", by, source_ip)


def resume(job: Job, *, by: str, source_ip: str | None = None) -> None:
    """Take the pause of a job back. Raises NotActive."""
    _want_pause(job, "", Kind.BURNIN_RESUMED, f"resumed by {by}", by, source_ip)


def _want_pause(
    job: Job, wanted_by: str, kind: Kind, note: str, actor: str, source_ip: str | None
) -> None:
    with transaction.atomic():
        jobs = Job.objects.filter(pk=job.pk, state__in=ACTIVE_JOB_STATES)
        if not jobs.exists():
            raise NotActive(f"Burn-in {job.pk} has ended")
        changes = jobs.exclude(pause_requested_by=wanted_by)
        if wanted_by:
            changes = jobs.filter(pause_requested_by="")
        if changes.update(pause_requested_by=wanted_by):
            tell(job, kind, note, actor, source_ip)
            _after_commit_step_running([job.pk])


def freeze_all(*, by: str, source_ip: str | None = None) -> None:
    """Stop admissions and pause all writing everywhere (S10)."""
    with transaction.atomic():
        _, is_new = Freeze.objects.get_or_create(only_one=True, defaults={"by": by})
        if is_new:
            note = f"Frozen by {by}: nothing is started, all writing pauses"
            record(Kind.FREEZE, note, actor=by, source_ip=source_ip)
            _after_commit_step_all()


def thaw_all(*, by: str, source_ip: str | None = None) -> None:
    """Take the freeze back."""
    with transaction.atomic():
        gone, _ = Freeze.objects.all().delete()
        if gone:
            record(Kind.THAW, f"Thawed by {by}", actor=by, source_ip=source_ip)
            _after_commit_step_all()
            for system_id in System.objects.values_list("pk", flat=True):
                after_commit_admit(system_id)


def _after_commit_step_all() -> None:
    running = Job.objects.filter(state=JobState.RUNNING)
    changed(Drive.objects.values_list("pk", flat=True))
    _after_commit_step_running(list(running.values_list("pk", flat=True)))


def _after_commit_step_running(job_ids: list[int]) -> None:
    stages = Stage.objects.filter(job__in=job_ids, state=StageState.RUNNING)
    for stage_id in stages.values_list("pk", flat=True):
        after_commit_step(stage_id)


def hold(job: Job) -> str:
    """Why nothing may be written for this job just now."""
    if frozen := freeze():
        return f"Frozen by {frozen.by}"
    by = Job.objects.values_list("pause_requested_by", flat=True).get(pk=job.pk)
    return f"Paused by {by}" if by else ""
