"""How far a job is, from its own stages weighted by how long each takes."""

from __future__ import annotations

from collections.abc import Sequence

from .models import Job, Stage, StageKind, StageState

# Bytes per second, averaged over the disk: what today's hard disks do.
READ_RATE = 170_000_000
INSTANT_SECONDS = 10.0
SHORT_SECONDS = 120.0


def expected_seconds(kind: str, size_bytes: int, passes: int) -> float:
    """A plain guess from the capacity; good enough to weight stages against one another."""
    whole_disk = size_bytes / READ_RATE
    return {
        StageKind.SHORT_SMART: SHORT_SECONDS,
        StageKind.LONG_SMART: max(SHORT_SECONDS, whole_disk),
        StageKind.SURFACE_VALIDATE: max(SHORT_SECONDS, 2 * passes * whole_disk),
    }.get(StageKind(kind), INSTANT_SECONDS)


def job_percent(job: Job, stages: Sequence[Stage] | None = None) -> float:
    """0 to 100. A stage that has passed counts whole, one in progress by its own percent."""
    stages = list(job.stages.all()) if stages is None else stages
    total = done = 0.0
    for stage in stages:
        weight = expected_seconds(stage.kind, job.size_bytes, job.passes)
        total += weight
        done += weight * (100.0 if stage.state == StageState.PASSED else stage.percent) / 100
    return min(100.0, 100 * done / total) if total else 0.0


def current_stage(job: Job, stages: Sequence[Stage] | None = None) -> Stage | None:
    """The stage that runs, or is next; None when all have ended."""
    stages = list(job.stages.all()) if stages is None else stages
    for state in (StageState.RUNNING, StageState.PENDING):
        for stage in stages:
            if stage.state == state:
                return stage
    return None
