"""What goes with each change: its audit event, the changed row, and the tasks after the commit."""

from __future__ import annotations

from django.db import transaction

from audit.events import record
from audit.models import Kind
from live.changes import changed

from ..models import Job


def tell(job: Job, kind: Kind, note: str, actor: str = "", source_ip: str | None = None) -> None:
    record(
        kind,
        f"Burn-in {job.pk} of {job.drive.devname} {job.serial}: {note}",
        actor=actor,
        source_ip=source_ip,
        system=job.system,
        drive=job.drive,
        job_id=job.pk,
    )
    changed([job.drive_id])


def enqueue_step(stage_id: int) -> None:
    from ..tasks import send, step_stage

    send(step_stage, stage_id)


def after_commit_step(stage_id: int) -> None:
    transaction.on_commit(lambda: enqueue_step(stage_id), robust=True)


def after_commit_admit(system_id: int) -> None:
    from ..tasks import admit_jobs, send

    transaction.on_commit(lambda: send(admit_jobs, system_id), robust=True)


def after_commit_closing_reading(job_id: int) -> None:
    from ..tasks import send, take_closing_reading

    transaction.on_commit(lambda: send(take_closing_reading, job_id), robust=True)
