"""The percent of a job (B5)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from burnin.models import Job, Stage, StageKind, StageState
from burnin.progress import current_stage, job_percent

JOB = Job(size_bytes=12 * 10**12, passes=2)


def made(*parts: tuple[StageKind, StageState, float]) -> list[Stage]:
    return [Stage(kind=kind, state=state, percent=percent) for kind, state, percent in parts]


def test_nothing_done_is_0_and_all_passed_is_100() -> None:
    kinds = list(StageKind)
    pending = made(*((kind, StageState.PENDING, 0.0) for kind in kinds))
    passed = made(*((kind, StageState.PASSED, 100.0) for kind in kinds))
    assert job_percent(JOB, pending) == 0
    assert job_percent(JOB, passed) == pytest.approx(100)
    assert job_percent(JOB, []) == 0


def test_stages_weigh_what_they_take() -> None:
    stages = made(
        (StageKind.PRECHECK, StageState.PASSED, 100),
        (StageKind.SHORT_SMART, StageState.PASSED, 100),
        (StageKind.SURFACE_VALIDATE, StageState.RUNNING, 50),
        (StageKind.FINAL_CHECK, StageState.PENDING, 0),
    )
    assert 49.5 < job_percent(JOB, stages) < 50.5


def test_what_the_drive_can_not_do_has_no_weight() -> None:
    stages = made(
        (StageKind.PRECHECK, StageState.PASSED, 100),
        (StageKind.LONG_SMART, StageState.SKIPPED, 0),
        (StageKind.FINAL_CHECK, StageState.PASSED, 100),
    )
    assert job_percent(JOB, stages) < 10, "its job had ended before it"
    stages[1].finished_at = datetime(2026, 1, 1, tzinfo=UTC)
    assert job_percent(JOB, stages) == pytest.approx(100)


def test_the_current_stage_is_the_running_one_else_the_next() -> None:
    stages = made(
        (StageKind.PRECHECK, StageState.PASSED, 100),
        (StageKind.SHORT_SMART, StageState.PENDING, 0),
        (StageKind.FINAL_CHECK, StageState.PENDING, 0),
    )
    assert current_stage(JOB, stages) is stages[1]
    stages[1].state = StageState.RUNNING
    assert current_stage(JOB, stages) is stages[1]
    for stage in stages:
        stage.state = StageState.SKIPPED
    assert current_stage(JOB, stages) is None
