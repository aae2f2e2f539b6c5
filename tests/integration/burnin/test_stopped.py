"""A system that was stopped for its host key: what runs there waits, and nothing starts."""

from __future__ import annotations

from typing import Any

import pytest

from burnin import orchestrator
from burnin.models import Job, JobState, StageState
from burnin.orchestrator import RequestRefused
from drives import systems
from drives.models import System
from tests.integration.drives.test_host_key import with_another_key
from tests.nas import MockNas

from .conftest import Site
from .runs import agent_processes

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]


def test_a_running_burn_in_waits_until_the_new_key_is_confirmed(
    caught: tuple[Site, Job], media_nas: MockNas, settings: Any
) -> None:
    here, job = caught
    agents = agent_processes(here)
    with_another_key(media_nas)
    job = here.until(
        job,
        lambda now: "host key" in here.stage(now, "surface_validate").waiting_for,
        "the page says what it waits for",
    )
    assert System.objects.get().stopped
    # Waiting for a person is not being stuck, however long it takes.
    settings.STUCK_JOB_HOURS = 0.00001
    for _ in range(3):
        here.poll()
    stage = here.stage(job, "surface_validate")
    assert (stage.state, "goes on there" in stage.waiting_for) == (StageState.RUNNING, True)
    assert agent_processes(here) == agents, "nobody disturbs what runs there"
    with pytest.raises(RequestRefused):
        here.start("da1", "surface_validate")
    orchestrator.cancel(job, by="olga")
    here.until(job, lambda now: "Cancelling" in stage_words(here, now), "cancelling waits as well")
    assert agent_processes(here) == agents

    systems.confirm_host_key(here.system, media_nas.host_key, actor="test")
    job = here.until_over(job)
    assert job.state == JobState.CANCELLED
    assert not agent_processes(here)


def stage_words(here: Site, job: Any) -> str:
    return here.stage(job, "surface_validate").waiting_for
