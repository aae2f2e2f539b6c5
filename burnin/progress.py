"""How far a job is, from its own stages weighted by how long each takes."""

from __future__ import annotations

from collections.abc import Sequence

from .curve import USUAL_RATE
from .models import Job, Stage, StageKind, StageState

USUAL_SECONDS = 60.0


def job_percent(job: Job, stages: Sequence[Stage] | None = None) -> float:
    """0 to 100. A stage that has passed counts whole, one in progress by its own percent.

    The weights are what each stage was expected to take at the request: they never change, so a
    border between stages or phases is no step.
    """
    stages = list(job.stages.all()) if stages is None else stages
    total = done = 0.0
    for stage in stages:
        if stage.state == StageState.SKIPPED and stage.finished_at is not None:
            continue  # the drive can't do it; what a job's end skips has no end of its own
        weight = stage.expected_seconds or _usual_seconds(stage, job)
        total += weight
        done += weight * (100.0 if stage.state == StageState.PASSED else stage.percent) / 100
    return min(100.0, 100 * done / total) if total else 0.0


def _usual_seconds(stage: Stage, job: Job) -> float:
    """Of stages that were asked for before that was kept."""
    whole_disk = job.size_bytes / USUAL_RATE
    return {
        StageKind.LONG_SMART: whole_disk,
        StageKind.SURFACE_VALIDATE: 2 * job.passes * whole_disk,
    }.get(StageKind(stage.kind), USUAL_SECONDS)


def current_stage(job: Job, stages: Sequence[Stage] | None = None) -> Stage | None:
    """The stage that runs, or is next; None when all have ended."""
    stages = list(job.stages.all()) if stages is None else stages
    for state in (StageState.RUNNING, StageState.PENDING):
        for stage in stages:
            if stage.state == state:
                return stage
    return None
