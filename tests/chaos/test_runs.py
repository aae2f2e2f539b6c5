"""A run whose process, host, folder or NAS went away goes on, or is judged by what was seen."""

from __future__ import annotations

import os
import shutil
import signal
from typing import Any

import pytest

from audit.models import AuditEvent, Kind
from burnin.models import Job, JobState
from drives.models import HostRun
from tests.integration.burnin.conftest import Site
from tests.integration.burnin.runs import (
    FULL_SPEED_MBPS,
    MIB,
    Sites,
    agent_processes,
    at_full_speed,
)
from tests.nas import MockNas

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]


def test_a_verdict_that_was_seen_before_the_folder_was_lost_is_judged(
    media_nas: MockNas, site: Sites, lost_answers: list[str]
) -> None:
    here = site(media_nas)
    lost_answers.append("surface detail")
    job = here.start("da0", "surface_validate")
    here.until(job, lambda now: HostRun.objects.filter(is_open=False).exists(), "it is over")
    shutil.rmtree(media_nas.state_dir / "runs")
    lost_answers.clear()
    job = here.until_over(job)
    assert job.state == JobState.PASSED, here.describe(job)


def test_a_killed_agent_is_started_again_from_its_checkpoint(
    caught: tuple[Site, Job], settings: Any
) -> None:
    here, job = caught
    run_id = here.stage(job, "surface_validate").run_id
    for process in agent_processes(here):
        os.kill(process, signal.SIGKILL)
    settings.SURFACE_RATE_LIMIT_MBPS = FULL_SPEED_MBPS
    job = here.until_over(job)
    assert job.state == JobState.PASSED, here.describe(job)
    stage = here.stage(job, "surface_validate")
    assert stage.run_id == run_id
    assert stage.evidence["verdict"]["resumed"] >= 1
    assert AuditEvent.objects.filter(job_id=job.pk, kind=Kind.BURNIN_RESUMED).exists()


def test_a_reboot_of_the_host_resumes_the_run(caught: tuple[Site, Job], settings: Any) -> None:
    here, job = caught
    here.nas.debug("reboot")
    settings.SURFACE_RATE_LIMIT_MBPS = FULL_SPEED_MBPS
    job = here.until_over(job)
    assert job.state == JobState.PASSED, here.describe(job)
    verdict = here.stage(job, "surface_validate").evidence["verdict"]
    assert verdict["bytes_verified"] == 2 * 32 * MIB
    assert verdict["resumed"] >= 1


def test_a_host_that_lost_the_runs_folder_goes_on_from_our_copy(
    caught: tuple[Site, Job], media_nas: MockNas, settings: Any
) -> None:
    here, job = caught
    for process in agent_processes(here):
        os.kill(process, signal.SIGKILL)
    shutil.rmtree(media_nas.state_dir / "runs")
    shutil.rmtree(media_nas.data / "run", ignore_errors=True)
    settings.SURFACE_RATE_LIMIT_MBPS = FULL_SPEED_MBPS
    job = here.until_over(job)
    assert job.state == JobState.PASSED, here.describe(job)
    note = AuditEvent.objects.filter(job_id=job.pk, kind=Kind.BURNIN_RESUMED).first()
    assert note is not None and "from our copy" in note.note


def test_a_nas_that_is_away_is_told_and_the_run_goes_on(caught: tuple[Site, Job]) -> None:
    here, job = caught
    (process,) = agent_processes(here)
    here.nas.kill9()
    job = here.until(
        job,
        lambda now: here.stage(now, "surface_validate").waiting_for,
        "the stage says why nothing is known",
    )
    assert "Can’t reach nas-1" in here.stage(job, "surface_validate").waiting_for
    assert here.system.failing_since is not None
    assert job.state == JobState.RUNNING
    assert agent_processes(here) == [process]
    here.nas.restart()
    job = here.until_over(at_full_speed(here, job))
    assert job.state == JobState.PASSED, here.describe(job)
    assert here.stage(job, "surface_validate").evidence["verdict"]["resumed"] == 0
    assert here.system.failing_since is None
    kinds = AuditEvent.objects.values_list("kind", flat=True)
    assert list(kinds).count(Kind.SYSTEM_FAILING) == 1
    assert list(kinds).count(Kind.SYSTEM_RECOVERED) == 1
