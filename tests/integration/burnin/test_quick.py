"""The quick profile: a short self-test and a sample of the surface, as destructive as all of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from burnin import orchestrator
from burnin.models import Job, JobState
from burnin.orchestrator import NotConfirmed
from burnin.plan import Plan
from tests.integration.rows import an_operator
from tests.nas import MockNas

from .conftest import Site

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]
Sites = Callable[[MockNas], Site]
MIB = 1024 * 1024


def quick(here: Site, devname: str, serial: str | None = None) -> Job:
    drive = here.drive(devname)
    typed = drive.serial if serial is None else serial
    return orchestrator.request(drive, Plan.quick(), operator=an_operator(), typed_serial=typed)


def test_on_real_media_a_good_drive_passes_and_a_bad_one_fails(
    media_nas: MockNas, site: Sites, settings: Any
) -> None:
    here = site(media_nas)
    with pytest.raises(NotConfirmed):
        quick(here, "da0", "wrong")
    job = here.until_over(quick(here, "da0"), timeout=120)
    assert (job.state, job.profile) == (JobState.PASSED, "quick"), here.describe(job)
    verdict = here.stage(job, "io_validate").evidence["verdict"]
    assert 0 < verdict["bytes_verified"] == verdict["sample"]["bytes"] < 32 * MIB
    claims = {claim["claim"]: claim["holds"] for claim in job.claims}
    assert claims["The sample was verified"] is True and "Every byte was verified" not in claims

    settings.SURFACE_RATE_LIMIT_MBPS = 8  # so that there is time to damage it
    bad = quick(here, "da1")
    here.nas.debug("flip-bit", {"name": "da1", "at_fraction": 0.0})  # the ends are always looked at
    bad = here.until_over(bad, timeout=120)
    assert bad.state == JobState.FAILED, here.describe(bad)
    (error,) = here.stage(bad, "io_validate").evidence["verdict"]["errors"]
    assert error["class"] == "corrupt"


def test_on_a_simulated_drive(mock_nas: Callable[..., MockNas], site: Sites) -> None:
    here = site(mock_nas(speed=60))
    job = here.until_over(quick(here, "sdc"), timeout=120)
    assert job.state == JobState.PASSED, here.describe(job)
    assert here.stage(job, "io_validate").expected_seconds
