"""A stage that goes on: its progress, and whether there is any (B8)."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction

from audit.models import Kind
from config import runtime
from live.changes import changed

from ..models import Job, JobState, Stage, StageState
from ..outcomes import Going
from .endings import end_job, wait
from .holding import hold
from .telling import tell

logger = logging.getLogger(__name__)

# A run on a big drive may stand still for longer while it is healthy: retries take their time.
STUCK_SCALE_BYTES = 20 * 10**12


def keep_going(job: Job, stage: Stage, going: Going, now: datetime) -> None:
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
            wait(stage, going.waiting_for)
            _stuck_if(job, stage, idle)
            return
        begun = Stage.objects.filter(pk=stage.pk, state=StageState.PENDING).update(
            state=StageState.RUNNING, started_at=now, **facts
        )
        if begun:
            tell(job, Kind.STAGE_STARTED, f"{stage.get_kind_display()} started")
        return
    if going.progress.get("paused") != stage.progress.get("paused"):
        # A look that came at the same time may have told of it.
        stage = Stage.objects.select_for_update().get(pk=stage.pk)
    moved = has_moved(stage, going)
    paused = bool(going.progress.get("paused"))
    if moved:
        facts |= {"idle_seconds": 0, "attempts": 0}
    elif not going.waiting_for and not paused:
        facts["idle_seconds"] = _idle(job, stage, now)
    Stage.objects.filter(pk=stage.pk, state=StageState.RUNNING).update(**facts)
    if _stuck_if(job, stage, facts.get("idle_seconds", 0)):
        return
    _tell_pause(job, stage, going)
    if (
        moved
        or going.waiting_for != stage.waiting_for
        or paused != bool(stage.progress.get("paused"))
    ):
        changed([job.drive_id])


def _tell_pause(job: Job, stage: Stage, going: Going) -> None:
    """What its host pauses by itself, for heat; what people ask for was told when they did."""
    if "paused" not in going.progress:
        return  # this look saw nothing of the run
    before, now = stage.progress.get("paused") or {}, going.progress["paused"] or {}
    name, reason = stage.get_kind_display(), now.get("reason")
    if now and now.get("by") not in ("operator", before.get("by")):
        tell(job, Kind.BURNIN_PAUSED, f"{name} is paused: {reason}")
    elif before and not now and before.get("by") != "operator":
        tell(job, Kind.BURNIN_RESUMED, f"{name} goes on")


def keep_waiting(job: Job, stage: Stage, now: datetime) -> None:
    """A stage whose next step is asked for again and again: that may lead nowhere, too (B8)."""
    answers = not (job.system.last_error or job.system.host_error)
    idle = _idle(job, stage, now) if answers else stage.idle_seconds
    with transaction.atomic():
        same = Stage.objects.filter(pk=stage.pk, state=stage.state, checked_at=stage.checked_at)
        if same.update(checked_at=now, idle_seconds=idle):
            _stuck_if(job, stage, idle)


def has_moved(stage: Stage, going: Going) -> bool:
    watched = ("phase", "pass", "bytes_written", "bytes_verified")
    return round(going.percent, 2) != stage.percent or any(
        going.progress.get(name) != stage.progress.get(name) for name in watched
    )


def _idle(job: Job, stage: Stage, now: datetime) -> float:
    """Seconds without progress, counted only while the host answers and nobody holds it."""
    if stage.checked_at is None or job.system.stopped or hold(job):
        return stage.idle_seconds
    elapsed = (now - stage.checked_at).total_seconds()
    return stage.idle_seconds + min(elapsed, 3 * settings.POLL_INTERVAL_SECONDS)


def stuck_after_seconds(job: Job) -> float:
    """So long a burn-in of that drive may make no progress."""
    hours = runtime.current().stuck_job_hours
    return hours * 3600 * max(1.0, job.size_bytes / STUCK_SCALE_BYTES)


def _stuck_if(job: Job, stage: Stage, idle_seconds: float) -> bool:
    if idle_seconds <= stuck_after_seconds(job):
        return False
    hours = idle_seconds / 3600
    reason = (
        f"{stage.get_kind_display()} made no progress for {hours:.1f} h while its host answered"
    )
    if stage.waiting_for:
        reason += f". {stage.waiting_for}"
    logger.critical("%s is stuck: %s", job, reason)
    tell(job, Kind.BURNIN_STUCK, reason)
    end_job(job, stage, JobState.UNKNOWN, reason, keeps_drive=True)
    return True
