"""Cancel, pause and freeze reach what runs on the host, and what is about to."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import pytest

from audit.models import AuditEvent, Kind
from burnin import orchestrator
from burnin.models import Job, JobState, StageState
from burnin.stages import surface_run
from drives.hosts.agent import AgentHost
from drives.models import HostRun, SmartTest
from tests.nas import MockNas
from tests.waiting import wait_for

from .conftest import Site
from .runs import (
    FULL_SPEED_MBPS,
    MIB,
    Sites,
    agent_processes,
    at_full_speed,
    digest,
    medium,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]


def test_cancelling_a_surface_run_ends_it_on_the_host(caught: tuple[Site, Job]) -> None:
    here, job = caught
    assert agent_processes(here)
    orchestrator.cancel(job, by="olga")
    job = here.until_over(job)
    assert (job.state, job.error_text) == (JobState.CANCELLED, "Cancelled by olga")
    assert here.stage(job, "surface_validate").state == StageState.CANCELLED
    assert here.stage(job, "final_check").state == StageState.SKIPPED
    assert not job.holds_drive
    wait_for(lambda: not agent_processes(here), 10, "the agent's process ends")
    job = here.until(job, lambda now: not now.closing_reading_due, "the closing reading is taken")
    assert job.claims


@pytest.fixture
def begun_unheard(
    media_nas: MockNas, site: Sites, settings: Any, lost_answers: list[str]
) -> tuple[Site, Job]:
    """A run that has begun on the host, and the answer that says so was lost."""
    settings.SURFACE_RATE_LIMIT_MBPS = 4
    here = site(media_nas)
    lost_answers.append("surface start")
    job = here.start("da0", "surface_validate")
    return here, here.until(job, lambda now: agent_processes(here), "the run has begun on the host")


def test_a_start_whose_answer_was_lost_is_stopped_when_it_is_cancelled(
    begun_unheard: tuple[Site, Job],
) -> None:
    here, job = begun_unheard
    here.until(job, lambda now: here.stage(now, "surface_validate").waiting_for, "it is not known")
    orchestrator.cancel(job, by="olga")
    job = here.until_over(job)
    assert job.state == JobState.CANCELLED and not job.holds_drive
    wait_for(lambda: not agent_processes(here), 10, "the agent's process ends")


def test_a_refusal_after_a_lost_answer_stops_the_run_before_the_drive_is_free(
    begun_unheard: tuple[Site, Job],
) -> None:
    here, job = begun_unheard
    here.nas.debug("drive/da0", {"pool": "tank"})
    job = here.until(job, lambda now: not now.holds_drive, "the drive is free")
    assert job.state == JobState.CANCELLED and "tank" in job.error_text
    wait_for(lambda: not agent_processes(here), 10, "the agent's process ends")
    here.until(job, lambda now: not HostRun.objects.get().is_open, "the host is left alone")


@pytest.mark.parametrize("wish", ["cancel", "freeze", "pause"])
def test_a_wish_that_comes_while_the_drive_is_looked_up_is_heard_before_the_start(
    media_nas: MockNas, site: Sites, monkeypatch: pytest.MonkeyPatch, wish: str
) -> None:
    here = site(media_nas)
    before = digest(medium(media_nas, "FILE0001"))
    really_locate = surface_run.locate

    def locate(*args: Any, **options: Any) -> Any:
        found = really_locate(*args, **options)
        job = Job.objects.get()
        if wish == "freeze":
            orchestrator.freeze_all(by="olga")
        elif job.cancel_requested_at is None:
            getattr(orchestrator, wish)(job, by="olga")
        return found

    monkeypatch.setattr(surface_run, "locate", locate)
    job = here.start("da0", "surface_validate")
    if wish == "cancel":
        assert here.until_over(job).state == JobState.CANCELLED
    else:
        here.until(job, lambda now: here.stage(now, "surface_validate").waiting_for, "it waits")
    assert not agent_processes(here)
    assert digest(medium(media_nas, "FILE0001")) == before


def test_a_run_that_nobody_holds_any_more_is_stopped(caught: tuple[Site, Job]) -> None:
    here, job = caught
    Job.objects.filter(pk=job.pk).update(state=JobState.CANCELLED, holds_drive=False)
    here.until(job, lambda now: not agent_processes(here), "the agent's process ends")
    here.until(job, lambda now: not HostRun.objects.get().is_open, "the host is left alone")


def test_cancelling_a_self_test_ends_it_on_the_drive(
    mock_nas: Callable[..., MockNas], site: Sites
) -> None:
    here = site(mock_nas(speed=1))
    job = here.start("sdc", "long_smart")
    here.until(job, lambda now: here.stage(now, "long_smart").state == "running", "it runs")
    orchestrator.cancel(job, by="olga")
    job = here.until_over(job)
    assert job.state == JobState.CANCELLED
    test = SmartTest.objects.get(drive=job.drive, type="long")
    assert (test.state, test.error_text) == ("aborted", "Cancelled by olga")
    again = here.start("sdc", "short_smart")
    here.until(again, lambda now: here.stage(now, "short_smart").state == "running", "it is free")


def test_a_freeze_holds_every_run_still_until_the_thaw(
    caught: tuple[Site, Job], media_nas: MockNas, settings: Any
) -> None:
    here, job = caught
    waiting = here.start("da1", "surface_validate")
    orchestrator.freeze_all(by="olga")

    def paused(job: Job) -> Any:
        return here.stage(job, "surface_validate").progress.get("paused")

    job = here.until(job, paused, "the run holds still")
    assert "Frozen by olga" in paused(job)["reason"]
    file = medium(media_nas, "FILE0001")
    before = digest(file)
    (process,) = agent_processes(here)
    os.kill(process, signal.SIGKILL)
    here.until(
        job,
        lambda now: here.stage(now, "surface_validate").waiting_for == "Frozen by olga",
        "it is not started again",
    )
    for _ in range(3):
        here.poll()
    assert not agent_processes(here)
    assert digest(file) == before
    assert not here.stage(waiting, "surface_validate").run_id, "nothing new writes either"
    settings.SURFACE_RATE_LIMIT_MBPS = FULL_SPEED_MBPS
    orchestrator.thaw_all(by="olga")
    assert here.until_over(job).state == JobState.PASSED, here.describe(job)
    assert here.until_over(waiting).state == JobState.PASSED, here.describe(waiting)


def test_a_freeze_while_the_host_is_asked_to_start_holds_the_run_at_once(
    media_nas: MockNas, site: Sites, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The guard of a start may take minutes, in which nobody else may touch the stage."""
    settings.SURFACE_RATE_LIMIT_MBPS = 4
    here = site(media_nas)
    really_start, frozen = AgentHost.start_surface, []

    def start(host: AgentHost, *args: Any, **options: Any) -> Any:
        started = really_start(host, *args, **options)
        if not frozen:
            orchestrator.freeze_all(by="olga")
            frozen.append(True)
        return started

    monkeypatch.setattr(AgentHost, "start_surface", start)
    job = here.start("da0", "surface_validate")
    here.until(
        job,
        lambda now: here.stage(now, "surface_validate").progress.get("paused"),
        "the run holds still",
    )
    assert HostRun.objects.get().head["bytes_written"] < 32 * MIB
    orchestrator.thaw_all(by="olga")
    here.until(
        job,
        lambda now: not here.stage(now, "surface_validate").progress.get("paused"),
        "it goes on",
    )
    orchestrator.cancel(job, by="olga")
    assert here.until_over(job).state == JobState.CANCELLED, here.describe(job)


def test_a_pause_holds_one_job_still(caught: tuple[Site, Job]) -> None:
    here, job = caught
    orchestrator.pause(job, by="olga")
    here.until(
        job, lambda now: here.stage(now, "surface_validate").progress.get("paused"), "it pauses"
    )
    orchestrator.resume(job, by="olga")
    job = here.until_over(at_full_speed(here, job))
    assert job.state == JobState.PASSED, here.describe(job)
    told = list(AuditEvent.objects.filter(job_id=job.pk).values_list("kind", flat=True))
    assert told.count(Kind.BURNIN_PAUSED) == told.count(Kind.BURNIN_RESUMED) == 1
