"""The main job against a mock NAS over real HTTP and SSH, with a real worker and broker."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from audit.models import AuditEvent, Kind
from burnin.models import Job, JobState, StageState
from drives.models import HostRun, SmartReading
from tests.nas import MockNas

from .runs import MIB, Sites

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]


def test_a_simulated_drive_goes_all_the_way(mock_nas: Callable[..., MockNas], site: Sites) -> None:
    here = site(mock_nas(speed=60))
    job = here.until_over(here.start("sdc", "short_smart", "long_smart", "surface_validate"))
    assert (job.state, job.error_text) == (JobState.PASSED, ""), here.describe(job)
    assert {stage.state for stage in job.stages.all()} == {StageState.PASSED}
    assert job.claims and all(claim["holds"] is True for claim in job.claims)
    assert not job.holds_drive
    evidence = here.stage(job, "surface_validate").evidence
    assert evidence["verdict"]["bytes_verified"] == job.size_bytes * 2
    assert here.stage(job, "short_smart").evidence["log_entry"]["outcome"] == "passed"
    assert SmartReading.objects.filter(drive=job.drive).count() >= 4, "before, between and after"
    told = list(AuditEvent.objects.filter(job_id=job.pk).values_list("kind", flat=True))
    assert told.count(Kind.STAGE_STARTED) == 3
    assert told.count(Kind.STAGE_FINISHED) == 5
    assert told.count(Kind.BURNIN_PASSED) == 1


def test_a_drive_that_fails_its_self_test_fails_there(
    mock_nas: Callable[..., MockNas], site: Sites
) -> None:
    here = site(mock_nas(speed=60))
    job = here.until_over(here.start("sdn", "short_smart", "surface_validate"))
    assert job.state == JobState.FAILED
    assert "SMART short failed" in job.error_text
    states = [stage.state for stage in job.stages.all()]
    assert states == ["passed", "failed", "skipped", "skipped"]
    assert job.claims[0]["claim"] == "SMART short" and job.claims[0]["holds"] is False
    assert here.stage(job, "short_smart").error_text == job.error_text
    here.until(job, lambda now: not now.closing_reading_due, "the closing reading is taken")


def test_a_real_medium_is_written_and_verified_whole(media_nas: MockNas, site: Sites) -> None:
    here = site(media_nas)
    job = here.until_over(here.start("da0", "short_smart", "surface_validate"))
    assert job.state == JobState.PASSED, here.describe(job)
    verdict = here.stage(job, "surface_validate").evidence["verdict"]
    assert verdict["bytes_verified"] == verdict["bytes_written"] == 2 * 32 * MIB
    assert not HostRun.objects.get().is_open
    assert "2" in next(c["found"] for c in job.claims if c["claim"] == "Every byte was verified")


def test_a_flipped_bit_fails_with_class_and_lba(
    media_nas: MockNas, site: Sites, settings: Any
) -> None:
    settings.SURFACE_RATE_LIMIT_MBPS = 32
    here = site(media_nas)
    job = here.start("da0", "surface_validate")
    here.nas.debug("flip-bit", {"name": "da0", "at_fraction": 0.3})
    job = here.until_over(job)
    assert job.state == JobState.FAILED, here.describe(job)
    (error,) = here.stage(job, "surface_validate").evidence["verdict"]["errors"]
    assert error["class"] == "corrupt"
    assert abs(error["lba"] * 512 - 0.3 * 32 * MIB) < 4096
    assert "came back changed" in job.error_text and f"{error['lba']:,}" in job.error_text


def test_twice_as_many_as_may_run_all_pass_in_their_order(
    mock_nas: Callable[..., MockNas], site: Sites
) -> None:
    here = site(mock_nas(speed=120))
    jobs = [here.start(f"sd{letter}", "short_smart") for letter in "cdef"]
    assert sum(job.state == "queued" for job in jobs) == 4
    for job in jobs:
        here.until_over(job)
    started = Job.objects.order_by("started_at").values_list("pk", flat=True)
    assert list(started) == [job.pk for job in jobs]
    assert set(Job.objects.values_list("state", flat=True)) == {"passed"}
