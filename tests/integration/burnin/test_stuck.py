"""Being stuck is measured by progress, not by age (B8)."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command

from audit.models import AuditEvent, Kind
from burnin import orchestrator
from burnin.models import Job, JobState, Stage, StageKind, StageState
from burnin.orchestrator.going import has_moved
from burnin.outcomes import Going
from config import runtime
from drives.models import Drive, SmartTest
from tests.integration.rows import a_drive, a_job, a_system, now

pytestmark = pytest.mark.django_db
HOUR, TB = 3600.0, 10**12


@pytest.fixture
def drive() -> Drive:
    return a_drive(a_system())


def running(drive: Drive, *, idle: float, size: int = TB) -> tuple[Job, Stage]:
    """A burn-in that began two weeks ago, in its SMART long at 40 %."""
    began = now() - timedelta(days=14)
    job = a_job(drive, state=JobState.RUNNING, started_at=began, size_bytes=size)
    SmartTest.objects.create(drive=drive, type="long", state="running", percent=40, log_before=[])
    stages = job.stages.filter(kind=StageKind.LONG_SMART)
    evidence = {"before": []}
    stages.update(state=StageState.RUNNING, started_at=began, percent=40, evidence=evidence)
    at(stages.get(), idle)
    return job, stages.get()


def at(stage: Stage, idle: float) -> None:
    """Last looked at twelve seconds ago, after so many seconds without progress."""
    before = now() - timedelta(seconds=12)
    Stage.objects.filter(pk=stage.pk).update(checked_at=before, idle_seconds=idle)


def state_after_a_look(job: Job) -> str:
    orchestrator.advance(job.system_id)
    job.refresh_from_db()
    return job.state


def test_what_moves_is_never_stuck_however_old_it_is(drive: Drive) -> None:
    job, stage = running(drive, idle=24 * HOUR - 1)
    SmartTest.objects.update(percent=41)
    assert state_after_a_look(job) == JobState.RUNNING
    stage.refresh_from_db()
    assert (stage.percent, stage.idle_seconds) == (41, 0)


@pytest.mark.parametrize(
    ("progress", "moved"),
    [
        ({"phase": "write", "pass": 1, "bytes_written": 1000, "rate": 7}, False),
        ({"phase": "write", "pass": 1, "bytes_written": 2000}, True),
        ({"phase": "verify", "pass": 1, "bytes_written": 1000}, True),
        ({"phase": "write", "pass": 2, "bytes_written": 1000}, True),
        ({"phase": "write", "pass": 1, "bytes_written": 1000, "bytes_verified": 9}, True),
    ],
)
def test_bytes_count_where_the_percentage_stands(progress: dict[str, Any], moved: bool) -> None:
    """A hundredth of a percent of 20 TB is 2 GB."""
    before = {"phase": "write", "pass": 1, "bytes_written": 1000, "rate": 5}
    stage = Stage(percent=12.0, progress=before)
    assert has_moved(stage, Going(percent=12.004, progress=progress)) is moved


def test_a_bigger_drive_is_given_more_time(drive: Drive) -> None:
    job, stage = running(drive, idle=40 * HOUR, size=40 * TB)
    assert state_after_a_look(job) == JobState.RUNNING
    call_command("cancel_stuck")
    job.refresh_from_db()
    assert job.cancel_requested_at is None, "the command has the same patience"
    at(stage, 48 * HOUR - 1)
    assert state_after_a_look(job) == JobState.UNKNOWN


def test_it_is_told_once_and_loudly(drive: Drive, caplog: pytest.LogCaptureFixture) -> None:
    job, _ = running(drive, idle=24 * HOUR - 1)
    with caplog.at_level(logging.CRITICAL):
        assert state_after_a_look(job) == JobState.UNKNOWN
        state_after_a_look(job)
    (line,) = [each for each in caplog.records if each.levelname == "CRITICAL"]
    assert "is stuck: SMART long made no progress for 24.0 h" in line.getMessage()
    for kind in (Kind.BURNIN_STUCK, Kind.BURNIN_UNKNOWN):
        assert AuditEvent.objects.filter(kind=kind, job_id=job.pk).count() == 1


def test_another_limit_is_in_force_at_the_next_look(drive: Drive) -> None:
    job, _ = running(drive, idle=2 * HOUR)
    assert state_after_a_look(job) == JobState.RUNNING
    runtime.update({"stuck_job_hours": 1}, by="ada")
    assert state_after_a_look(job) == JobState.UNKNOWN


def test_an_error_of_ours_at_each_look_is_no_progress_either(drive: Drive) -> None:
    job, stage = running(drive, idle=0)
    SmartTest.objects.update(state="passed", log_entry={"hours": "what no look can read"})
    assert state_after_a_look(job) == JobState.RUNNING
    stage.refresh_from_db()
    assert stage.waiting_for.startswith("An error of this program")
    at(stage, 24 * HOUR - 1)
    assert state_after_a_look(job) == JobState.UNKNOWN
    assert "made no progress for 24.0 h" in job.error_text
    assert "An error of this program" in job.error_text
