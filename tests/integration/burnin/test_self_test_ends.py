"""Self-tests of a burn-in that don't simply go through: each way has its own end, and is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from audit.models import AuditEvent, Kind
from burnin.models import Job, JobState, StageState
from drives import clients
from drives.models import Drive, SmartTest
from tests.nas import MockNas

from .conftest import Site

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(180)]
STAGE = "short_smart"


@pytest.fixture(params=["13.0", "25.10"])
def here(
    request: pytest.FixtureRequest,
    mock_nas: Callable[..., MockNas],
    site: Callable[[MockNas], Site],
    settings: Any,
) -> Site:
    """By the NAS's API, and by smartctl on its host."""
    settings.MAX_PARALLEL_BURNINS = 20
    return site(mock_nas(release=request.param, speed=20, options=["--drive", "nvme-basic"]))


def started_on(here: Site, key: str) -> list[dict[str, Any]]:
    (found,) = [one for one in here.nas.debug("state")["drives"] if one["key"] == key]
    return list(found["tests"])


def interrupted(here: Site, job: Job, key: str) -> None:
    """Once it runs, and the drive has said so."""
    drive = here.drive(key)
    running = SmartTest.objects.filter(drive=drive, state=SmartTest.State.RUNNING)
    here.until(job, lambda _: running.exists(), f"{key} tests")
    here.nas.debug(f"drive/{key}", {"interrupt": True})
    here.until(job, lambda _: not running.exists(), "the interruption is seen")


def test_an_interrupted_one_is_started_once_more_and_no_more_than_once(here: Site) -> None:
    once, twice = here.start("sda", STAGE), here.start("sdb", STAGE)
    before = {key: len(started_on(here, key)) for key in ("sda", "sdb")}
    interrupted(here, once, "sda")
    interrupted(here, twice, "sdb")
    interrupted(here, twice, "sdb")
    once, twice = here.until_over(once), here.until_over(twice)
    assert once.state == JobState.PASSED, here.describe(once)
    told = AuditEvent.objects.filter(job_id=once.pk, kind=Kind.BURNIN_RESUMED).get().note
    assert "interrupted" in told and "reset" in told and "started once more" in told
    assert twice.state == JobState.UNKNOWN, here.describe(twice)
    assert "gave no result" in twice.error_text and "reset" in twice.error_text
    for key in ("sda", "sdb"):
        assert len(started_on(here, key)) == before[key] + 2, "two of ours"


def test_a_drive_that_refuses_makes_it_inconclusive_with_its_words(here: Site) -> None:
    here.nas.debug("drive/sda", {"refuses": True})
    job = here.until_over(here.start("sda", STAGE))
    assert (job.state, here.stage(job, STAGE).state) == (JobState.UNKNOWN, StageState.UNKNOWN)
    assert "could not start the self-test" in job.error_text
    assert "Input/output error" in job.error_text


@pytest.mark.parametrize("here", ["25.10"], indirect=True)
def test_somebody_elses_test_is_waited_for_and_is_not_taken_for_ours(here: Site) -> None:
    """It came after the precheck, which would have refused the drive for it."""
    drive = here.drive("sda")
    host = clients.host(here.system)
    (device,) = [one for one in host.probe() if one.serial == drive.serial]
    job = here.start("sda", "surface_validate", STAGE)
    surface = lambda _: here.stage(job, "surface_validate").state == StageState.RUNNING  # noqa: E731
    here.until(job, surface, "the surface run has begun")
    begun, said = host.start_self_test(device.path, "long", serial=drive.serial)
    assert begun, said
    waiting = lambda _: "Another self-test" in here.stage(job, STAGE).waiting_for  # noqa: E731
    here.until(job, waiting, "the stage waits")
    had = len(started_on(here, "sda"))
    here.nas.debug("complete-all-jobs")
    job = here.until_over(job)
    assert job.state == JobState.PASSED, here.describe(job)
    assert len(started_on(here, "sda")) == had + 1, "a test of its own"


@pytest.mark.parametrize("here", ["25.10"], indirect=True)
@pytest.mark.parametrize("required", [True, False])
def test_a_drive_without_self_tests_skips_them_and_the_policy_decides(
    here: Site, settings: Any, required: bool
) -> None:
    settings.SELF_TESTS_REQUIRED = required
    drive = Drive.objects.get(model__contains="SSDPEKNW512G8")
    job = here.until_over(here.start(drive.devname, STAGE, "surface_validate"))
    assert here.stage(job, STAGE).state == StageState.SKIPPED
    assert here.stage(job, "surface_validate").state == StageState.PASSED
    assert job.state == (JobState.UNKNOWN if required else JobState.PASSED), here.describe(job)
    assert "no self-tests" in here.stage(job, STAGE).error_text
