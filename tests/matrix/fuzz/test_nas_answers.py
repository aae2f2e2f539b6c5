"""A NAS and a host whose answers are garbled on their way, polled over and over while burn-ins run
there: nothing breaks, nothing passes, and no drive of a pool is ever free."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from burnin.models import Job, JobState
from drives.models import Drive, System
from tests.integration.burnin.conftest import Site, site, worker  # noqa: F401
from tests.matrix.fuzz.forms import errors_logged
from tests.matrix.fuzz.garble import GARBLED, Garbler
from tests.nas import MockNas

POLLS = int(os.environ.get("FUZZ_POLLS", "25"))
SEED = int(os.environ.get("FUZZ_SEED", "1"))


@pytest.mark.timeout(300)
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("release", ["13.0", "24.10", "25.10"])
def test_garbled_answers_break_nothing(
    release: str,
    mock_nas: Callable[..., MockNas],
    site: Callable[[MockNas], Site],  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    garbler = Garbler(SEED, 0.3)
    for module in GARBLED:
        monkeypatch.setattr(module, "json", garbler)
    here = site(mock_nas(names="sd", release=release, speed=0.01))
    locked = {drive.serial for drive in Drive.objects.exclude(use_reason="")}
    assert len(locked) >= 2
    jobs = [here.start("sda", "surface_validate"), here.start("sdb", "long_smart")]
    for job in jobs:
        here.until(job, lambda now: now.state == JobState.RUNNING, "it runs")
    garbler.on = True
    with errors_logged() as errors:
        for _ in range(POLLS):
            System.objects.update(next_poll_at=None)
            here.poll()
            assert not errors, errors[0]
            free = Drive.objects.filter(serial__in=locked, present=True, use_reason="", pool="")
            assert not free.exists(), [str(drive.devname) for drive in free]
            assert not Job.objects.filter(state=JobState.PASSED).exists()
        garbler.on = False
        here.poll()
        here.system.refresh_from_db()
        assert (here.system.last_error, errors) == ("", [])
    assert garbler.garbled >= POLLS
    known = Drive.objects.filter(serial__in=locked, present=True).exclude(use_reason="")
    assert {drive.serial for drive in known} == locked
