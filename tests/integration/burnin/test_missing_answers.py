"""An answer that is missing makes a stage wait; only a contradiction ends it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError

from burnin import orchestrator
from burnin.models import Job, JobState, Stage, StageKind, StageState
from drives import apply
from drives.models import Drive, SmartTest, System
from tests.integration.rows import a_job, now
from tests.nas import MockNas

from .conftest import Site

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(120)]
CLAIMS = {"claims": [{"claim": "It was done", "holds": True}]}
COUNTERS = dict.fromkeys(
    ("reallocated_sectors", "reported_uncorrectable", "pending_sectors", "udma_crc_errors"), 0
)


@pytest.fixture
def here(mock_nas: Callable[..., MockNas], site: Callable[[MockNas], Site]) -> Site:
    return site(mock_nas(speed=60))


def job_at(here: Site, kind: StageKind) -> Job:
    """A running job whose earlier stages have passed and whose later ones don't exist."""
    job = a_job(here.drive("sdc"), state=JobState.RUNNING, started_at=now())
    stage = job.stages.get(kind=kind)
    job.stages.filter(position__gt=stage.position).delete()
    job.stages.filter(position__lt=stage.position).update(
        state=StageState.PASSED, evidence=CLAIMS | {"counters": COUNTERS}
    )
    return job


@pytest.mark.parametrize("kind", [StageKind.SHORT_SMART, StageKind.FINAL_CHECK])
def test_a_drive_that_is_not_listed_for_a_moment_is_waited_for(here: Site, kind: StageKind) -> None:
    job = job_at(here, kind)
    here.nas.debug("drive/sdc", {"vanished": True})
    for _ in range(3):
        orchestrator.step(here.stage(job, kind).pk)
    stage = here.stage(job, kind)
    assert stage.state == StageState.PENDING
    assert "doesn’t list" in stage.waiting_for
    here.nas.debug("drive/sdc", {"vanished": False})
    job = here.until_over(job)
    assert job.state == JobState.PASSED, here.describe(job)


def test_a_drive_that_does_not_answer_smartctl_is_asked_once_a_minute_and_holds_up_no_other(
    here: Site, settings: Any
) -> None:
    """Each asking takes half a minute there: at each poll it would make the system look stale."""
    jobs = {name: here.start(name, "long_smart") for name in ("sda", "sdb")}
    for name, job in jobs.items():
        here.until(job, lambda _, name=name: runs_there(here, name), f"{name} tests")
    here.nas.debug("drive/sda", {"mute": True})
    settings.SMART_INTERVAL_SECONDS = 60
    Drive.objects.update(smart_read_at=None, smart_asked_at=None)
    asked = []
    for _ in range(2):
        here.poll()
        mute, other = here.drive("sda"), here.drive("sdb")
        asked.append(mute.smart_asked_at)
        assert (mute.smart_read_at, other.smart_read_at is not None) == (None, True)
    assert asked[0] is not None and asked[0] == asked[1]
    settings.SMART_INTERVAL_SECONDS = 0
    assert here.until_over(jobs["sdb"]).state == JobState.PASSED, "though the other is silent"
    assert Job.objects.get(pk=jobs["sda"].pk).state == JobState.RUNNING
    here.nas.debug("drive/sda", {"mute": False})
    assert here.until_over(jobs["sda"]).state == JobState.PASSED


def runs_there(here: Site, name: str) -> bool:
    return here.drive(name).smart_tests.filter(state=SmartTest.State.RUNNING).exists()


def test_waiting_in_vain_ends_as_stuck_and_not_before_its_time(here: Site) -> None:
    job = job_at(here, StageKind.FINAL_CHECK)
    here.nas.debug("drive/sdc", {"vanished": True})
    stage = here.stage(job, StageKind.FINAL_CHECK)
    orchestrator.step(stage.pk)
    Stage.objects.filter(pk=stage.pk).update(
        idle_seconds=24 * 3600 - 1, checked_at=now() - timedelta(seconds=10)
    )
    orchestrator.step(stage.pk)
    job.refresh_from_db()
    assert job.state == JobState.UNKNOWN
    assert "no progress for 24.0 h" in job.error_text


def test_answers_that_can_not_be_stored_are_told_and_hold_up_no_job(
    here: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = here.start("sdd", "long_smart")
    orchestrator.cancel(job, by="olga")

    def fail(*_: object) -> None:
        raise DatabaseError("integer out of range")

    monkeypatch.setattr(apply, "drives", fail)
    here.until_over(job)
    system = System.objects.get(pk=here.system.pk)
    assert "can’t be stored" in system.last_error
    monkeypatch.undo()
    here.poll()
    assert System.objects.get(pk=here.system.pk).last_error == ""
