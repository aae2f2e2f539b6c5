"""The only writer of job and stage state.

Each change is a compare-and-set in one transaction with its audit event; talking to the outside
happens before, under a lease on the stage, never inside a transaction.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from audit.events import record
from audit.models import Kind
from audit.trace import about
from config import runtime
from config.models import Freeze, freeze
from drives.health import is_stale
from drives.hosts.ssh import HostError
from drives.hosts.types import Fact
from drives.leases import Lease, leased
from drives.models import Drive, HostRun, SmartTest, System
from drives.truenas.types import NasError
from live.changes import changed

from . import verdict
from .models import ACTIVE_JOB_STATES, Job, JobState, Stage, StageKind, StageState
from .outcomes import Again, Ended, Going, Outcome, Refused
from .plan import Plan
from .precheck_now import guard_answer
from .progress import current_stage
from .stages import Context, Overtaken, verbs

if TYPE_CHECKING:
    from django.contrib.auth.models import User

logger = logging.getLogger(__name__)

# A run on a big drive may stand still for longer while it is healthy: retries take their time.
STUCK_SCALE_BYTES = 20 * 10**12
# After this a job that can't be stopped gives its place in the queue to the next.
CANCEL_PATIENCE = timedelta(hours=1)

ENDING = {
    JobState.PASSED: Kind.BURNIN_PASSED,
    JobState.FAILED: Kind.BURNIN_FAILED,
    JobState.CANCELLED: Kind.BURNIN_CANCELLED,
    JobState.UNKNOWN: Kind.BURNIN_UNKNOWN,
}


class RequestRefused(Exception):
    """The request creates nothing, for these reasons (409)."""

    def __init__(self, reasons: list[str]) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = reasons


class NotConfirmed(Exception):
    """The operator has not typed the drive's serial (422)."""


class NotActive(Exception):
    """There is nothing to cancel: the job has ended."""


# --- the request ------------------------------------------------------------------------------
def refusals(drive: Drive) -> list[str]:
    """Every reason against a burn-in that the database knows. Empty says nothing of the host."""
    reasons = []
    if not drive.present:
        reasons.append(f"{drive.system.name} doesn't list this drive any more")
    if is_stale(drive.system, timezone.now()):
        reasons.append(f"{drive.system.name} has not answered lately, so its pools aren't known")
    if drive.use_reason:
        reasons.append(drive.use_reason)
    if not drive.serial:
        reasons.append("The drive reports no serial number, so it can't be told from another")
    if drive.size_bytes <= 0:
        reasons.append("The drive's size isn't known")
    # By serial: a drive may have two rows where a NAS doesn't tell the same facts each time.
    holding = Job.objects.filter(serial=drive.serial, holds_drive=True).exclude(serial="").first()
    if holding:
        reasons.append(f"Burn-in {holding.pk} of this drive is not over")
    if drive.smart_tests.filter(state=SmartTest.State.RUNNING).exists() and not holding:
        reasons.append("A SMART self-test runs on it")
    limit = runtime.current().temp_start_max_c
    if drive.temperature_c is not None and drive.temperature_c > limit:
        reasons.append(f"{drive.temperature_c} °C is above the {limit} °C to start at")
    return reasons


def request(
    drive: Drive,
    plan: Plan,
    *,
    operator: User,
    typed_serial: str | None = None,
    release: Sequence[str] = (),
    source_ip: str | None = None,
) -> Job:
    """Queue a burn-in. With a destructive stage the serial must be typed, and the host is asked.

    release: old data on the drive that may be overwritten, by the host's names of its findings;
    good for this job only. Raises NotConfirmed or RequestRefused; then nothing was created.
    """
    if plan.destructive and (typed_serial or "").strip() != drive.serial:
        raise NotConfirmed("Type the serial number of this drive exactly as shown")
    reasons = refusals(drive)
    released: list[Fact] = []
    if not reasons and plan.destructive:
        answer = guard_answer(drive)
        released = [finding for finding in answer.releasable if finding.release in release]
        if released:
            answer = guard_answer(drive, [finding.release for finding in released])
        reasons = answer.reasons
    if reasons:
        _tell_refusal(drive, reasons, operator.get_username(), source_ip)
        raise RequestRefused(reasons)
    try:
        with transaction.atomic():
            job = Job.objects.create(
                drive=drive,
                system=drive.system,
                serial=drive.serial,
                size_bytes=drive.size_bytes,
                profile=plan.profile,
                passes=plan.passes,
                released=[
                    {"fact": one.fact, "reason": one.reason, "release": one.release}
                    for one in released
                ],
                operator=operator,
                operator_name=operator.get_username(),
            )
            Stage.objects.bulk_create(
                Stage(job=job, position=position, kind=kind)
                for position, kind in enumerate(plan.all_stages)
            )
            words = ", ".join(kind.label for kind in plan.stages)
            if released:
                found = "; ".join(one.reason for one in released)
                note = f"may overwrite what was found on it: {found}"
                _tell(job, Kind.RELEASE_GRANTED, note, operator.get_username(), source_ip)
            _tell(job, Kind.BURNIN_QUEUED, f"queued: {words}", operator.get_username(), source_ip)
            _after_commit_admit(drive.system_id)
    except IntegrityError:
        raise RequestRefused(["A burn-in of this drive is not over"]) from None
    return job


def _tell_refusal(drive: Drive, reasons: list[str], actor: str, source_ip: str | None) -> None:
    with transaction.atomic():
        record(
            Kind.BURNIN_REFUSED,
            f"Burn-in of {drive.devname} {drive.serial} refused: {'; '.join(reasons)}",
            actor=actor,
            source_ip=source_ip,
            system=drive.system,
            drive=drive,
        )


def acknowledge(job_ids: Iterable[int], *, by: str) -> int:
    """Take failed jobs off the banner; they stay failed. Returns how many."""
    with transaction.atomic():
        jobs = Job.objects.filter(pk__in=job_ids, acknowledged_at=None).exclude(
            state__in=ACTIVE_JOB_STATES
        )
        drive_ids = list(jobs.values_list("drive_id", flat=True))
        count = jobs.update(acknowledged_at=timezone.now())
        changed(drive_ids)
    return count


# --- admission --------------------------------------------------------------------------------
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
                _tell(job, Kind.BURNIN_STARTED, "started")
                _after_commit_step(job.stages.get(position=0).pk)
                # The places of the others in the queue have changed.
                changed(waiting.values_list("drive_id", flat=True))


# --- the control loop -------------------------------------------------------------------------
def advance(system_id: int) -> None:
    """Look at every job of a system after a poll. Missing a turn or taking it twice is harmless."""
    system = System.objects.get(pk=system_id)
    jobs = (
        Job.objects.filter(system=system, state=JobState.RUNNING)
        .select_related("drive", "system", "drive__system")
        .prefetch_related("stages")
    )
    for job in jobs:
        stage = current_stage(job)
        try:
            with about(job=job.pk, drive=job.drive_id):
                if stage is None:
                    _conclude(job)
                else:
                    _look(job, stage, system)
        except Exception as error:  # one job's trouble is its own, and is shown on it
            logger.exception("advancing %s", job)
            if stage is not None:
                _wait(stage, f"An error of this program: {error!r}")
    ended = Job.objects.filter(system=system, holds_drive=True).exclude(state__in=ACTIVE_JOB_STATES)
    for job in ended.select_related("drive", "system"):
        try:
            _settle_ended(job)
        except Exception:
            logger.exception("settling %s", job)
    for stage_id in _stages_with_stray_runs(system):
        _enqueue_step(stage_id)
    if Job.objects.filter(system=system, state=JobState.QUEUED).exists():
        admit(system.pk)


def _look(job: Job, stage: Stage, system: System) -> None:
    """Check a running stage from the database; hand what needs the host to a task."""
    if job.cancel_requested_at or stage.state == StageState.PENDING:
        _enqueue_step(stage.pk)
        return
    context = _context(job, stage)
    outcome = verbs(stage.kind).check(context)
    if isinstance(outcome, Again):
        _enqueue_step(stage.pk)
    elif isinstance(outcome, Going):
        with transaction.atomic():
            _keep_going(job, stage, outcome, context.now)
    else:
        with transaction.atomic():
            _end(job, stage, outcome, context.now)


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
    if _is_to_be_stopped(job):
        wanted = _stage_to_stop(job)
        if wanted is not None and wanted.pk != stage.pk:
            _enqueue_step(wanted.pk)  # it has gone on since this was asked
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
                _wait(stage, outcome.waiting_for)
                return
        except Exception as error:
            logger.exception("%s", stage)
            _wait(stage, f"An error of this program: {error!r}")
            return
        if isinstance(outcome, Going) and outcome.began:
            Stage.objects.filter(pk=stage.pk).update(attempts=stage.attempts + 1)
        if stage.state == StageState.RUNNING and isinstance(outcome, Going) and outcome.note:
            with transaction.atomic():
                _tell(job, Kind.BURNIN_RESUMED, f"{stage.get_kind_display()}: {outcome.note}")
        elif why:
            logger.info("%s: %s", stage, why)
    now = timezone.now()
    with transaction.atomic():
        if not lease.confirm():
            logger.warning("%s: its answer came too late and was dropped", stage)
            return
        if isinstance(outcome, Going):
            _keep_going(job, stage, outcome, now)
        elif not isinstance(outcome, Again):
            _end(job, stage, outcome, now)


def _stop(job: Job, stage: Stage, lease: Lease) -> None:
    """End the job once nothing of this stage runs on the host any more."""
    context = _context(job, stage, lease)
    try:
        stopped = verbs(stage.kind).stop(context)
    except (HostError, NasError) as error:
        _wait(stage, f"Cancelling, waiting for {job.system.name}: {error}")
        return
    reason = f"Cancelled by {job.cancel_requested_by}"
    with transaction.atomic():
        if not lease.confirm():
            return
        if stopped:
            _end_job(job, stage, JobState.CANCELLED, reason)
            return
        _wait(stage, f"Cancelling, {job.system.name} has not stopped it yet")
        tried_for = timezone.now() - (job.cancel_requested_at or timezone.now())
        if tried_for > CANCEL_PATIENCE and job.is_active:
            # The queue goes on without it; the drive stays taken until it has stopped.
            reason += f", but {job.system.name} could not stop it"
            _end_job(job, stage, JobState.UNKNOWN, reason, keeps_drive=True)


def _is_to_be_stopped(job: Job) -> bool:
    """It was cancelled, or has ended in a way after which nothing of it may go on."""
    if not job.holds_drive:
        return False
    return bool(job.cancel_requested_at) or job.state in (JobState.CANCELLED, JobState.FAILED)


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
        logger.warning("%s: its run can't be stopped yet: %s", job, error)


# --- what the verbs said, recorded ------------------------------------------------------------
def _keep_going(job: Job, stage: Stage, going: Going, now: datetime) -> None:
    """Begin or continue: progress, and whether it moved (B8)."""
    facts: dict[str, Any] = {
        "percent": round(going.percent, 2),
        "progress": going.progress,
        "eta_at": going.eta_at,
        "waiting_for": going.waiting_for,
        "checked_at": now,
    }
    if stage.state == StageState.PENDING:
        if going.waiting_for and not going.progress:
            idle = _idle(job, stage, now)
            Stage.objects.filter(pk=stage.pk).update(checked_at=now, idle_seconds=idle)
            _wait(stage, going.waiting_for)
            _stuck_if(job, stage, idle)
            return
        begun = Stage.objects.filter(pk=stage.pk, state=StageState.PENDING).update(
            state=StageState.RUNNING, started_at=now, **facts
        )
        if begun:
            _tell(job, Kind.STAGE_STARTED, f"{stage.get_kind_display()} started")
        return
    moved = _has_moved(stage, going)
    paused = bool(going.progress.get("paused"))
    if moved:
        facts |= {"idle_seconds": 0, "attempts": 0}
    elif not going.waiting_for and not paused:
        facts["idle_seconds"] = _idle(job, stage, now)
    Stage.objects.filter(pk=stage.pk, state=StageState.RUNNING).update(**facts)
    if _stuck_if(job, stage, facts.get("idle_seconds", 0)):
        return
    if (
        moved
        or going.waiting_for != stage.waiting_for
        or paused != bool(stage.progress.get("paused"))
    ):
        changed([job.drive_id])


def _has_moved(stage: Stage, going: Going) -> bool:
    watched = ("phase", "pass", "bytes_written", "bytes_verified")
    return round(going.percent, 2) != stage.percent or any(
        going.progress.get(name) != stage.progress.get(name) for name in watched
    )


def _idle(job: Job, stage: Stage, now: datetime) -> float:
    """Seconds without progress, counted only while the host answers and nobody holds it."""
    if stage.checked_at is None or job.system.stopped or _hold(job):
        return stage.idle_seconds
    elapsed = (now - stage.checked_at).total_seconds()
    return stage.idle_seconds + min(elapsed, 3 * settings.POLL_INTERVAL_SECONDS)


def _stuck_if(job: Job, stage: Stage, idle_seconds: float) -> bool:
    hours = runtime.current().stuck_job_hours
    limit = hours * 3600 * max(1.0, job.size_bytes / STUCK_SCALE_BYTES)
    if idle_seconds <= limit:
        return False
    hours = idle_seconds / 3600
    reason = (
        f"{stage.get_kind_display()} made no progress for {hours:.1f} h while its host answered"
    )
    logger.critical("%s is stuck: %s", job, reason)
    _tell(job, Kind.BURNIN_STUCK, reason)
    _end_job(job, stage, JobState.UNKNOWN, reason, keeps_drive=True)
    return True


def _end(job: Job, stage: Stage, outcome: Ended | Refused, now: datetime) -> None:
    if isinstance(outcome, Refused):
        reason = f"refused: {'; '.join(outcome.reasons)}"
        Stage.objects.filter(pk=stage.pk).update(evidence=stage.evidence | outcome.evidence)
        _tell(job, Kind.BURNIN_REFUSED, reason)
        # Where a run was ever asked for, it may go on in spite of the refusal: it is stopped first.
        has_run = bool(stage.run_id)
        _end_job(job, stage, JobState.CANCELLED, reason, keeps_drive=has_run)
        if has_run:
            _after_commit_step(stage.pk)
        return
    claims = [claim.as_json() for claim in outcome.claims]
    evidence = {**stage.evidence, **outcome.evidence, "claims": claims}
    if outcome.state == StageState.PASSED:
        done = Stage.objects.filter(
            pk=stage.pk, state__in=[StageState.PENDING, StageState.RUNNING]
        ).update(
            state=StageState.PASSED,
            percent=100,
            started_at=stage.started_at or now,
            finished_at=now,
            eta_at=None,
            waiting_for="",
            evidence=evidence,
        )
        if not done:
            return
        _tell(job, Kind.STAGE_FINISHED, f"{stage.get_kind_display()} passed")
        following = job.stages.filter(state=StageState.PENDING).order_by("position").first()
        if following is not None:
            _after_commit_step(following.pk)
        else:
            _conclude(job)
        return
    Stage.objects.filter(pk=stage.pk).update(evidence=evidence)
    state = JobState.FAILED if outcome.state == StageState.FAILED else JobState.UNKNOWN
    _end_job(job, stage, state, outcome.reason)


def _conclude(job: Job) -> None:
    """All stages have ended: the verdict."""
    stages = list(job.stages.order_by("position"))
    state, reason = verdict.job(
        [(stage.kind, stage.state, stage.evidence.get("claims", [])) for stage in stages]
    )
    with transaction.atomic():
        _end_job(job, None, JobState(state), reason)


def _end_job(
    job: Job, stage: Stage | None, state: JobState, reason: str, *, keeps_drive: bool = False
) -> None:
    """End a job once, with its reason, its claims, and what is left of its stages skipped."""
    now = timezone.now()
    holds = keeps_drive and job.holds_drive
    if job.state not in ACTIVE_JOB_STATES:
        # It had ended as inconclusive while its run may have gone on; now that is over too.
        Job.objects.filter(pk=job.pk).update(holds_drive=holds)
        changed([job.drive_id])
        return
    if stage is not None:
        took = Stage.objects.filter(
            pk=stage.pk, state__in=[StageState.PENDING, StageState.RUNNING]
        ).update(
            state=state,
            error_text=reason,
            started_at=stage.started_at or now,
            finished_at=now,
            eta_at=None,
            waiting_for="",
        )
        if not took:
            return  # it has ended otherwise meanwhile
    ended = Job.objects.filter(pk=job.pk, state__in=ACTIVE_JOB_STATES).update(
        state=state,
        finished_at=now,
        error_text=reason,
        holds_drive=holds,
        closing_reading_due=stage is not None
        and stage.kind != StageKind.FINAL_CHECK
        and job.started_at is not None,
    )
    if not ended:
        return
    if stage is not None:
        name = stage.get_kind_display()
        _tell(job, Kind.STAGE_FINISHED, reason if reason.startswith(name) else f"{name}: {reason}")
    job.stages.filter(state=StageState.PENDING).update(state=StageState.SKIPPED)
    # Read anew: stages that were fetched with the job don't know what has just been found.
    stages = Stage.objects.filter(job=job)
    claims = [claim for each in stages for claim in each.evidence.get("claims", [])]
    order = {False: 0, None: 1, True: 2}
    claims.sort(key=lambda claim: order.get(claim.get("holds"), 1))
    Job.objects.filter(pk=job.pk).update(claims=claims)
    _tell(job, ENDING[state], f"{state.label.lower()}{': ' + reason if reason else ''}")
    _after_commit_admit(job.system_id)
    if stage is not None:
        _after_commit_closing_reading(job.pk)


def _wait(stage: Stage, why: str) -> None:
    """The stage can't go on just now; the next poll tries again."""
    if stage.waiting_for == why:
        return
    with transaction.atomic():
        Stage.objects.filter(pk=stage.pk).update(waiting_for=why[:500])
        changed([stage.job.drive_id])


# --- cancelling -------------------------------------------------------------------------------
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
            _tell(job, Kind.BURNIN_CANCEL_REQUESTED, f"cancel requested by {by}", by, source_ip)
        if job.state == JobState.QUEUED:
            _end_job(job, None, JobState.CANCELLED, f"Cancelled by {by}")
            return
        stage = _stage_to_stop(job)
        if stage is not None:
            _after_commit_step(stage.pk)


def _stage_to_stop(job: Job) -> Stage | None:
    stage = current_stage(job)
    if stage is None and job.holds_drive:
        ended = job.stages.exclude(state__in=[StageState.PASSED, StageState.SKIPPED])
        return ended.order_by("-position").first()
    return stage


# --- holding still -----------------------------------------------------------------------------
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
            _tell(job, kind, note, actor, source_ip)
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
                _after_commit_admit(system_id)


def _after_commit_step_all() -> None:
    running = Job.objects.filter(state=JobState.RUNNING)
    changed(Drive.objects.values_list("pk", flat=True))
    _after_commit_step_running(list(running.values_list("pk", flat=True)))


def _after_commit_step_running(job_ids: list[int]) -> None:
    stages = Stage.objects.filter(job__in=job_ids, state=StageState.RUNNING)
    for stage_id in stages.values_list("pk", flat=True):
        _after_commit_step(stage_id)


def _hold(job: Job) -> str:
    """Why nothing may be written for this job just now."""
    if frozen := freeze():
        return f"Frozen by {frozen.by}"
    by = Job.objects.values_list("pause_requested_by", flat=True).get(pk=job.pk)
    return f"Paused by {by}" if by else ""


# --- jobs that ended while their work may go on -----------------------------------------------
def _settle_ended(job: Job) -> None:
    """An ended job keeps its drive until its work is over; inconclusive work that turns up again
    goes on.
    """
    stage = _stage_to_stop(job)
    if stage is None:
        Job.objects.filter(pk=job.pk).update(holds_drive=False)
        return
    if _is_to_be_stopped(job):
        _enqueue_step(stage.pk)
        return
    outcome = verbs(stage.kind).check(_context(job, stage))
    moved = isinstance(outcome, Going) and not outcome.waiting_for and _has_moved(stage, outcome)
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
        job.stages.filter(state=StageState.SKIPPED).update(state=StageState.PENDING)
        Stage.objects.filter(pk=stage.pk).update(
            state=StageState.RUNNING, finished_at=None, error_text="", idle_seconds=0
        )
        words = f"{stage.get_kind_display()} turned up again and goes on"
        _tell(job, Kind.BURNIN_REATTACHED, words)


# --- small things -----------------------------------------------------------------------------
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
    return Context(job, stage, job.drive, job.system, now, remember, _hold(job))


def _is_overtaken(job: Job) -> bool:
    """Whether what people want has changed since the job was read."""
    wanted = Job.objects.filter(pk=job.pk, state=JobState.RUNNING, cancel_requested_at=None)
    return not wanted.exists() or bool(_hold(job))


def _cant(system: System, error: Exception) -> str:
    return f"Can't reach {system.name}: {error}"


def _tell(job: Job, kind: Kind, note: str, actor: str = "", source_ip: str | None = None) -> None:
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


def _enqueue_step(stage_id: int) -> None:
    from .tasks import send, step_stage

    send(step_stage, stage_id)


def _after_commit_step(stage_id: int) -> None:
    transaction.on_commit(lambda: _enqueue_step(stage_id), robust=True)


def _after_commit_admit(system_id: int) -> None:
    from .tasks import admit_jobs, send

    transaction.on_commit(lambda: send(admit_jobs, system_id), robust=True)


def _after_commit_closing_reading(job_id: int) -> None:
    from .tasks import send, take_closing_reading

    transaction.on_commit(lambda: send(take_closing_reading, job_id), robust=True)
