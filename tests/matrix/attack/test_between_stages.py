"""The whole product: what happens to a drive after its precheck, before its surface run begins, and
while a run's process is gone."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from burnin import orchestrator
from burnin.models import Job, JobState
from tests import needs
from tests.integration.burnin.conftest import Site, caught, site, worker
from tests.integration.burnin.runs import Sites, agent_processes, digest, medium
from tests.nas import MockNas
from tests.waiting import wait_for

__all__ = ["caught", "site", "worker"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]


def make_a_file_system(here: Site, file: Path) -> None:
    subprocess.run([needs.need("mkfs"), "-q", "-F", str(file)], check=True)


def join_a_pool(here: Site, file: Path) -> None:
    here.nas.debug(f"drive/{file.stem}", {"pool": "tank"})


def be_another(here: Site, file: Path) -> None:
    here.nas.debug(f"drive/{file.stem}", {"serial": "OTHER001"})


def held_before_its_surface_run(here: Site, devname: str) -> Job:
    """Its precheck and a self-test are over, days ago maybe."""
    job = here.start(devname, "long_smart", "surface_validate")
    here.until(job, lambda now: here.stage(now, "long_smart").state == "running", "it is tested")
    orchestrator.pause(job, by="olga")
    return here.until(job, lambda now: here.stage(now, "long_smart").state == "passed", "it passed")


@pytest.mark.needs("mkfs")
@pytest.mark.parametrize(
    ("strike", "named"),
    [(join_a_pool, "tank"), (make_a_file_system, "ext at byte"), (be_another, "FILE0002")],
)
def test_what_happens_between_two_stages_is_refused_before_the_first_write(
    media_nas: MockNas, site: Sites, strike: Callable[[Site, Path], None], named: str
) -> None:
    here = site(media_nas)
    file = medium(media_nas, "FILE0002")
    job = held_before_its_surface_run(here, "da1")
    strike(here, file)
    before = digest(file)
    orchestrator.resume(job, by="olga")
    if strike is be_another:  # the drive isn't there: it may come back
        words = here.until(job, lambda now: "FILE0002" in here.stage(
            now, "surface_validate").waiting_for, "it is missed")  # fmt: skip
        assert here.stage(words, "surface_validate").state == "pending"
        orchestrator.cancel(job, by="olga")
        here.until_over(job)
    else:
        job = here.until_over(job)
        assert job.state == JobState.CANCELLED
        assert job.error_text.startswith("refused: ") and named in job.error_text
    assert digest(file) == before


def test_names_that_change_places_before_the_start_mislead_nobody(
    media_nas: MockNas, site: Sites
) -> None:
    """As after a reboot of the NAS. Written is the drive that was meant."""
    here = site(media_nas)
    meant, other = medium(media_nas, "FILE0001"), medium(media_nas, "FILE0002")
    job = held_before_its_surface_run(here, "da0")
    before = digest(other)
    for name in ("", ".drive.json"):
        one, two = (file.with_name(file.name + name) for file in (meant, other))
        kept = one.rename(one.with_name("kept"))
        two.rename(one)
        kept.rename(two)
    here.nas.debug("drive/da0", {"rename": "da9"})
    here.nas.debug("drive/da1", {"rename": "da0"})
    here.nas.debug("drive/da9", {"rename": "da1"})
    assert medium(media_nas, "FILE0001") == other
    orchestrator.resume(job, by="olga")
    job = here.until_over(job)
    assert job.state == JobState.PASSED, here.describe(job)
    assert digest(medium(media_nas, "FILE0002")) == before
    assert digest(medium(media_nas, "FILE0001")) != before


@pytest.mark.needs("mkfs")
@pytest.mark.parametrize(
    ("strike", "named"), [(join_a_pool, "tank"), (make_a_file_system, "ext at byte")]
)
def test_what_happens_while_a_run_s_process_is_gone_is_refused_at_the_resume(
    caught: tuple[Site, Job],
    media_nas: MockNas,
    strike: Callable[[Site, Path], None],
    named: str,
) -> None:
    here, job = caught
    file = medium(media_nas, "FILE0001")
    (process,) = agent_processes(here)
    os.kill(process, signal.SIGKILL)
    wait_for(lambda: not agent_processes(here), 10, "it is gone")
    strike(here, file)
    before = digest(file)
    job = here.until_over(job)
    assert job.state == JobState.CANCELLED, here.describe(job)
    assert job.error_text.startswith("refused: ") and named in job.error_text
    assert not agent_processes(here)
    assert digest(file) == before
