"""How stages and jobs end."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from audit.models import Kind
from live.changes import changed

from .. import verdict
from ..models import ACTIVE_JOB_STATES, Job, JobState, Stage, StageKind, StageState
from ..outcomes import Ended, Refused
from .telling import after_commit_admit, after_commit_closing_reading, after_commit_step, tell

ENDING = {
    JobState.PASSED: Kind.BURNIN_PASSED,
    JobState.FAILED: Kind.BURNIN_FAILED,
    JobState.CANCELLED: Kind.BURNIN_CANCELLED,
    JobState.UNKNOWN: Kind.BURNIN_UNKNOWN,
}


def end_stage(job: Job, stage: Stage, outcome: Ended | Refused, now: datetime) -> None:
    if isinstance(outcome, Refused):
        reason = f"refused: {'; '.join(outcome.reasons)}"
        Stage.objects.filter(pk=stage.pk).update(evidence=stage.evidence | outcome.evidence)
        tell(job, Kind.BURNIN_REFUSED, reason)
        # Where a run was ever asked for, it may go on in spite of the refusal: it is stopped first.
        has_run = bool(stage.run_id)
        end_job(job, stage, JobState.CANCELLED, reason, keeps_drive=has_run)
        if has_run:
            after_commit_step(stage.pk)
        return
    claims = [claim.as_json() for claim in outcome.claims]
    evidence = {**stage.evidence, **outcome.evidence, "claims": claims}
    if outcome.state in (StageState.PASSED, StageState.SKIPPED):
        done = Stage.objects.filter(
            pk=stage.pk, state__in=[StageState.PENDING, StageState.RUNNING]
        ).update(
            state=outcome.state,
            percent=100 if outcome.state == StageState.PASSED else 0,
            error_text=outcome.reason,
            started_at=stage.started_at or now,
            finished_at=now,
            eta_at=None,
            waiting_for="",
            evidence=evidence,
        )
        if not done:
            return
        words = f"skipped: {outcome.reason}" if outcome.state == StageState.SKIPPED else "passed"
        tell(job, Kind.STAGE_FINISHED, f"{stage.get_kind_display()} {words}")
        following = job.stages.filter(state=StageState.PENDING).order_by("position").first()
        if following is not None:
            after_commit_step(following.pk)
        else:
            conclude(job)
        return
    Stage.objects.filter(pk=stage.pk).update(evidence=evidence)
    state = JobState.FAILED if outcome.state == StageState.FAILED else JobState.UNKNOWN
    end_job(job, stage, state, outcome.reason)


def conclude(job: Job) -> None:
    """All stages have ended: the verdict."""
    stages = list(job.stages.order_by("position"))
    state, reason = verdict.job(
        [(stage.kind, stage.state, stage.evidence.get("claims", [])) for stage in stages]
    )
    with transaction.atomic():
        end_job(job, None, JobState(state), reason)


def end_job(
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
        tell(job, Kind.STAGE_FINISHED, reason if reason.startswith(name) else f"{name}: {reason}")
    job.stages.filter(state=StageState.PENDING).update(state=StageState.SKIPPED)
    # Read anew: stages that were fetched with the job don't know what has just been found.
    stages = Stage.objects.filter(job=job)
    claims = [claim for each in stages for claim in each.evidence.get("claims", [])]
    order = {False: 0, None: 1, True: 2}
    claims.sort(key=lambda claim: order.get(claim.get("holds"), 1))
    Job.objects.filter(pk=job.pk).update(claims=claims)
    # "Cancelled by alice" and "refused: …" say it themselves.
    is_said = state == JobState.CANCELLED and reason
    ending = f"{state.label.lower()}{': ' + reason if reason else ''}"
    tell(job, ENDING[state], reason if is_said else ending)
    after_commit_admit(job.system_id)
    if stage is not None:
        after_commit_closing_reading(job.pk)


def let_go(job: Job, reason: str) -> None:
    """End a job as inconclusive where it hasn't ended, and free its drive in any case (B15)."""
    with transaction.atomic():
        stages = job.stages.filter(state__in=[StageState.RUNNING, StageState.PENDING])
        end_job(job, stages.order_by("position").first(), JobState.UNKNOWN, reason)
        # Nobody is asked for a closing reading who doesn't answer.
        Job.objects.filter(pk=job.pk).update(holds_drive=False, closing_reading_due=False)
        changed([job.drive_id])


def wait(stage: Stage, why: str) -> None:
    """The stage can't go on just now; the next poll tries again."""
    if stage.waiting_for == why:
        return
    with transaction.atomic():
        Stage.objects.filter(pk=stage.pk).update(waiting_for=why[:500])
        changed([stage.job.drive_id])
