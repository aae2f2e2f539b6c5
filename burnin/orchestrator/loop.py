"""The control loop: look at each job after a poll, and do what a stage needs its host for."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from audit.models import Kind
from audit.trace import about
from drives.hosts.ssh import HostError
from drives.leases import Lease, leased
from drives.models import HostRun, System
from drives.truenas.types import NasError
from live.changes import changed

from ..models import ACTIVE_JOB_STATES, Job, JobState, Stage, StageState
from ..outcomes import Again, Ended, Going, Outcome
from ..progress import current_stage
from ..stages import Context, Overtaken, verbs
from .admission import admit
from .cancelling import is_to_be_stopped, stage_to_stop
from .endings import conclude, end_job, end_stage, wait
from .going import has_moved, keep_going, keep_waiting
from .holding import hold
from .telling import enqueue_step, tell

logger = logging.getLogger(__name__)

# After this a job that can't be stopped gives its place in the queue to the next.
CANCEL_PATIENCE = timedelta(hours=1)


def advance(system_id: int) -> None:
    """Look at every job of a system after a poll. Missing a turn or taking it twice is harmless."""
    system = System.objects.get(pk=system_id)
    jobs = (
        Job.objects.filter(system=system, state=JobState.RUNNING)
        .select_related("drive", "system", "drive__system")
        .prefetch_related("stages")
        # Who wants to stop comes first (B6).
        .order_by(F("cancel_requested_at").asc(nulls_last=True), "pk")
    )
    for job in jobs:
        stage = current_stage(job)
        try:
            with about(job=job.pk, drive=job.drive_id):
                if stage is None:
                    conclude(job)
                else:
                    _look(job, stage, system)
        except Exception as error:  # one job's trouble is its own, and is shown on it
            logger.exception("advancing %s", job)
            if stage is not None:
                wait(stage, f"An error of this program: {error!r}")
                keep_waiting(job, stage, timezone.now())
    ended = Job.objects.filter(system=system, holds_drive=True).exclude(state__in=ACTIVE_JOB_STATES)
    for job in ended.select_related("drive", "system"):
        try:
            settle_ended(job)
        except Exception:
            logger.exception("settling %s", job)
    for stage_id in _stages_with_stray_runs(system):
        enqueue_step(stage_id)
    if Job.objects.filter(system=system, state=JobState.QUEUED).exists():
        admit(system.pk)


def _look(job: Job, stage: Stage, system: System) -> None:
    """Check a running stage from the database; hand what needs the host to a task."""
    if job.cancel_requested_at:
        enqueue_step(stage.pk)
        return
    if stage.state == StageState.PENDING:
        keep_waiting(job, stage, timezone.now())
        enqueue_step(stage.pk)
        return
    context = _context(job, stage)
    outcome = verbs(stage.kind).check(context)
    if isinstance(outcome, Again):
        keep_waiting(job, stage, context.now)
        enqueue_step(stage.pk)
    elif isinstance(outcome, Going):
        with transaction.atomic():
            keep_going(job, stage, outcome, context.now)
    else:
        with transaction.atomic():
            end_stage(job, stage, outcome, context.now)


def step(stage_id: int) -> None:
    """Do what a stage needs its host for: begin, resume, collect or stop. Under a lease."""
    with leased(Stage.objects.filter(pk=stage_id), "lease") as lease:
        if lease is None:
            return
        stage = Stage.objects.select_related("job__drive__system", "job__system").get(pk=stage_id)
        with about(system=stage.job.system_id, drive=stage.job.drive_id, job=stage.job_id):
            _step(stage, lease)


def _step(stage: Stage, lease: Lease) -> None:
    job = stage.job
    if is_to_be_stopped(job):
        wanted = stage_to_stop(job)
        if wanted is not None and wanted.pk != stage.pk:
            enqueue_step(wanted.pk)  # it has gone on since this was asked
        else:
            _stop(job, stage, lease)
    elif not job.holds_drive:
        _stop_stray(job, stage, lease)
    elif job.state == JobState.RUNNING and stage.state in (
        StageState.PENDING,
        StageState.RUNNING,
    ):
        _begin(job, stage, lease)


def _begin(job: Job, stage: Stage, lease: Lease) -> None:
    context = _context(job, stage, lease)
    module = verbs(stage.kind)
    outcome: Outcome = Again("")
    if stage.state == StageState.RUNNING:
        outcome = module.check(context)
    if isinstance(outcome, Again):
        why = outcome.why
        try:
            outcome = module.begin(context)
        except Overtaken:
            logger.info("%s: nothing is begun, because it was overtaken", stage)
            return
        except (HostError, NasError) as error:
            outcome = Going(stage.percent, stage.progress, waiting_for=_cant(job.system, error))
            if stage.state == StageState.PENDING:
                wait(stage, outcome.waiting_for)
                return
        except Exception as error:
            logger.exception("%s", stage)
            wait(stage, f"An error of this program: {error!r}")
            return
        if isinstance(outcome, Going) and outcome.began:
            Stage.objects.filter(pk=stage.pk).update(attempts=stage.attempts + 1)
        if stage.state == StageState.RUNNING and isinstance(outcome, Going) and outcome.note:
            with transaction.atomic():
                tell(job, Kind.BURNIN_RESUMED, f"{stage.get_kind_display()}: {outcome.note}")
        elif why:
            logger.info("%s: %s", stage, why)
    now = timezone.now()
    with transaction.atomic():
        if not lease.confirm():
            logger.warning("%s: its answer came too late and was dropped", stage)
            return
        if isinstance(outcome, Going):
            keep_going(job, stage, outcome, now)
        elif not isinstance(outcome, Again):
            end_stage(job, stage, outcome, now)


def _stop(job: Job, stage: Stage, lease: Lease) -> None:
    """End the job once nothing of this stage runs on the host any more."""
    context = _context(job, stage, lease)
    try:
        stopped = verbs(stage.kind).stop(context)
    except (HostError, NasError) as error:
        wait(stage, f"Cancelling, waiting for {job.system.name}: {error}")
        return
    reason = f"Cancelled by {job.cancel_requested_by}"
    with transaction.atomic():
        if not lease.confirm():
            return
        if stopped:
            end_job(job, stage, JobState.CANCELLED, reason)
            return
        wait(stage, f"Cancelling, {job.system.name} has not stopped it yet")
        tried_for = timezone.now() - (job.cancel_requested_at or timezone.now())
        if tried_for > CANCEL_PATIENCE and job.is_active:
            # The queue goes on without it; the drive stays taken until it has stopped.
            reason += f", but {job.system.name} could not stop it"
            end_job(job, stage, JobState.UNKNOWN, reason, keeps_drive=True)


def _stages_with_stray_runs(system: System) -> list[int]:
    """Stages whose run may go on though their job has let go of the drive."""
    open_runs = HostRun.objects.filter(system=system, is_open=True).values("run_id")
    strays = Stage.objects.filter(run_id__in=open_runs, job__holds_drive=False)
    return list(strays.values_list("pk", flat=True))


def _stop_stray(job: Job, stage: Stage, lease: Lease) -> None:
    if not HostRun.objects.filter(run_id=stage.run_id, is_open=True).exists():
        return
    logger.warning("%s has ended, and its run may go on: stopping it", job)
    try:
        verbs(stage.kind).stop(_context(job, stage, lease))
    except (HostError, NasError) as error:
        logger.warning("%s: its run can’t be stopped yet: %s", job, error)


def settle_ended(job: Job) -> None:
    """An ended job keeps its drive until its work is over; inconclusive work that turns up again
    goes on.
    """
    stage = stage_to_stop(job)
    if stage is None:
        Job.objects.filter(pk=job.pk).update(holds_drive=False)
        return
    if is_to_be_stopped(job):
        enqueue_step(stage.pk)
        return
    outcome = verbs(stage.kind).check(_context(job, stage))
    moved = isinstance(outcome, Going) and not outcome.waiting_for and has_moved(stage, outcome)
    if moved or (isinstance(outcome, Again) and outcome.is_over):
        _reattach(job, stage)
    elif isinstance(outcome, Ended) or (isinstance(outcome, Again) and outcome.is_gone):
        with transaction.atomic():
            Job.objects.filter(pk=job.pk).update(holds_drive=False)
            changed([job.drive_id])


def _reattach(job: Job, stage: Stage) -> None:
    with transaction.atomic():
        if not Job.objects.filter(pk=job.pk, state=JobState.UNKNOWN, holds_drive=True).update(
            state=JobState.RUNNING,
            finished_at=None,
            error_text="",
            closing_reading_due=False,
        ):
            return
        # What was skipped because the job had ended; what the drive can't do stays skipped.
        skipped = job.stages.filter(state=StageState.SKIPPED, finished_at=None)
        skipped.update(state=StageState.PENDING)
        Stage.objects.filter(pk=stage.pk).update(
            state=StageState.RUNNING, finished_at=None, error_text="", idle_seconds=0
        )
        words = f"{stage.get_kind_display()} turned up again and goes on"
        tell(job, Kind.BURNIN_REATTACHED, words)


def _context(job: Job, stage: Stage, lease: Lease | None = None) -> Context:
    def remember(*, run_id: str | None = None, evidence: dict[str, Any] | None = None) -> None:
        """Store facts of this stage before the host is touched, if it may still be touched."""
        with transaction.atomic():
            if lease is not None and (not lease.confirm() or _is_overtaken(job)):
                raise Overtaken
            if run_id is not None:
                stage.run_id = run_id
            if evidence is not None:
                stage.evidence = evidence
            stage.save(update_fields=["run_id", "evidence"])

    now = timezone.now()
    return Context(job, stage, job.drive, job.system, now, remember, hold(job), lambda: hold(job))


def _is_overtaken(job: Job) -> bool:
    """Whether what people want has changed since the job was read."""
    wanted = Job.objects.filter(pk=job.pk, state=JobState.RUNNING, cancel_requested_at=None)
    return not wanted.exists() or bool(hold(job))


def _cant(system: System, error: Exception) -> str:
    return f"Can’t reach {system.name}: {error}"
