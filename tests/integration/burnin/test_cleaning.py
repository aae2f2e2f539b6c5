"""What a run leaves on the host goes when its evidence is stored, and not before."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from burnin import cleaning, orchestrator
from burnin.models import Job, JobState, Stage
from drives.hosts.agent import AgentHost
from drives.hosts.ssh import HostError
from drives.models import HostRun
from tests.nas import MockNas

from .conftest import Site

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]
Sites = Callable[[MockNas], Site]


def folders(nas: MockNas) -> list[str]:
    return [folder.name for folder in (nas.state_dir / "runs").glob("*")]


def test_the_folder_goes_after_the_job_and_removing_it_twice_is_harmless(
    media_nas: MockNas, site: Sites
) -> None:
    here = site(media_nas)
    job = here.until_over(here.start("da0", "surface_validate"))
    assert job.state == JobState.PASSED, here.describe(job)
    here.until(job, lambda now: HostRun.objects.exclude(removed_at=None).exists(), "it is removed")
    assert folders(media_nas) == []
    assert here.stage(job, "surface_validate").evidence["detail"]["regions"]
    HostRun.objects.update(removed_at=None, removal_tried_at=None)
    here.until(job, lambda now: HostRun.objects.get().removed_at, "it is removed once more")


def test_it_stays_while_anything_is_open(
    caught: tuple[Site, Job], media_nas: MockNas, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, job = caught
    assert not cleaning.is_due(here.system)
    stage = here.stage(job, "surface_validate")
    # Whatever our own rows say of it, the agent doesn't remove a living run.
    really_due = cleaning._due
    monkeypatch.setattr(cleaning, "_due", lambda _: Stage.objects.filter(pk=stage.pk))
    cleaning.sweep(here.system)
    assert folders(media_nas) == [stage.run_id] and not HostRun.objects.get().removed_at
    monkeypatch.setattr(cleaning, "_due", really_due)
    HostRun.objects.update(removal_tried_at=None)
    orchestrator.cancel(job, by="olga")
    here.until_over(job)
    here.until(job, lambda now: not folders(media_nas), "a cancelled run's folder goes too")


def test_an_inconclusive_run_without_a_verdict_keeps_its_folder(
    caught: tuple[Site, Job], media_nas: MockNas
) -> None:
    here, job = caught
    Job.objects.filter(pk=job.pk).update(state=JobState.UNKNOWN, holds_drive=False)
    here.until(job, lambda now: not HostRun.objects.get().is_open, "the run is over")
    assert not cleaning.is_due(here.system)
    assert folders(media_nas)


def test_a_removal_that_fails_is_tried_again_later(
    media_nas: MockNas, site: Sites, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: AgentHost, run_id: str) -> None:
        raise HostError("no answer within 30 s")

    monkeypatch.setattr(AgentHost, "remove_run", fail)
    here = site(media_nas)
    job = here.until_over(here.start("da0", "surface_validate"))
    here.until(job, lambda now: HostRun.objects.exclude(removal_tried_at=None).exists(), "tried")
    assert Job.objects.get(pk=job.pk).state == JobState.PASSED
    assert folders(media_nas) and not cleaning.is_due(here.system)
    monkeypatch.undo()
    HostRun.objects.update(removal_tried_at=timezone.now() - timedelta(minutes=11))
    here.until(job, lambda now: not folders(media_nas), "the folder is gone")
