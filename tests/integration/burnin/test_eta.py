"""When jobs, the queue and everything are done."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bench import eta as bench
from burnin import eta
from burnin.models import Job, JobState, Stage, StageKind, StageState
from burnin.plan import Plan
from burnin.progress import job_percent
from config.models import Freeze
from drives.models import System
from tests.integration.rows import a_drive, a_job, a_system, now

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def nas() -> System:
    return a_system()


def a_job_that_takes(nas: System, name: str, hours: float, *, running: bool = False) -> Job:
    """Its surface stage takes that long from now on, all others nothing."""
    job = a_job(a_drive(nas, name))
    job.stages.update(expected_seconds=0.001)
    surface = job.stages.filter(kind=StageKind.SURFACE_VALIDATE)
    surface.update(expected_seconds=hours * 3600)
    if running:
        Job.objects.filter(pk=job.pk).update(state=JobState.RUNNING, started_at=now())
        job.stages.filter(position__lt=surface.get().position).update(state=StageState.PASSED)
        surface.update(
            state=StageState.RUNNING,
            eta_at=now() + hours * HOUR,
            progress={"spread_seconds": 600},
        )
    return Job.objects.get(pk=job.pk)


def test_the_queue_starts_when_there_is_room(nas: System) -> None:
    for name, hours in (("sda", 5), ("sdb", 2)):
        a_job_that_takes(nas, name, hours, running=True)
    first, second = a_job_that_takes(nas, "sdc", 4), a_job_that_takes(nas, "sdd", 1)
    at = now()
    starts = eta.budget(at).starts
    assert abs(starts[first.pk].ends_at - at - 2 * HOUR) < timedelta(minutes=1)
    assert abs(starts[second.pk].ends_at - at - 5 * HOUR) < timedelta(minutes=1)
    budget = eta.budget(at)
    assert (budget.running, budget.queued) == (2, 2)
    assert budget.all_done is not None
    assert abs(budget.all_done.ends_at - at - 6 * HOUR) < timedelta(minutes=1)
    assert budget.all_done.spread_seconds > 600
    Freeze.objects.create(by="olga")
    assert eta.budget(at).all_done is None, "nobody knows how long it stays frozen"


def test_what_is_held_can_not_be_told(nas: System) -> None:
    job = a_job_that_takes(nas, "sda", 5, running=True)
    assert eta.job_estimate(job, list(job.stages.all()), now()) is not None
    job.pause_requested_by = "olga"
    assert eta.job_estimate(job, list(job.stages.all()), now()) is None
    Stage.objects.filter(job=job, state=StageState.RUNNING).update(
        progress={"paused": {"by": "temperature"}}
    )
    fresh = Job.objects.get(pk=job.pk)
    assert eta.job_estimate(fresh, list(fresh.stages.all()), now()) is None
    assert eta.budget(now()).all_done is None


def test_nothing_asked_for_has_no_end() -> None:
    assert eta.budget(now()) == eta.Budget(0, 0, None, {})


def test_an_earlier_run_of_the_model_tells_how_long_it_takes(nas: System) -> None:
    drive = a_drive(nas, size_bytes=bench.DRIVES[0].size)
    plan = Plan.from_choice(["surface_validate"], 2)
    usual = eta.plan_seconds(drive, plan)
    _, end, curve = bench.life(bench.DRIVES[0], None, seed=3)
    a_job(drive).stages.filter(kind=StageKind.SURFACE_VALIDATE).update(
        state=StageState.PASSED, evidence={"curve": curve.as_json()}
    )
    known = eta.plan_seconds(drive, plan)
    assert abs(known - end) < 0.05 * end < abs(usual - end) + 0.05 * end
    assert eta.plan_seconds(drive, Plan.from_choice(["surface_validate"], 1)) < 0.6 * known


def test_the_percent_of_a_job_never_falls_at_a_border(nas: System) -> None:
    job = a_job_that_takes(nas, "sda", 5)
    seen = []
    for stage in job.stages.all():
        for percent in (0, 40, 99.9):
            Stage.objects.filter(pk=stage.pk).update(state=StageState.RUNNING, percent=percent)
            seen.append(job_percent(job))
        Stage.objects.filter(pk=stage.pk).update(state=StageState.PASSED, percent=100)
        seen.append(job_percent(job))
    assert seen == sorted(seen) and seen[-1] == pytest.approx(100)
