"""The temperature guard (B13): a run pauses, goes on and ends by its drive's temperature."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import transaction

from audit.models import AuditEvent, Kind
from burnin.models import JobState, Stage, StageKind, StageState
from burnin.orchestrator.going import keep_going
from burnin.outcomes import Going
from tests.integration.rows import a_drive, a_job, a_system, now
from tests.nas import MockNas

from .conftest import Site


@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(300)
def test_a_run_pauses_goes_on_and_ends_by_its_drives_temperature(
    mock_nas: Callable[..., MockNas], site: Callable[[MockNas], Site]
) -> None:
    here = site(mock_nas(speed=60, env={"SURFACE_VALIDATE_SECONDS": "36000"}))
    job = here.start("sda", "surface_validate")
    surface = "surface_validate"

    def by() -> str | None:
        paused = here.stage(job, surface).progress.get("paused")
        return paused["by"] if paused else None

    here.until(job, lambda _: here.stage(job, surface).percent > 0, "it writes", timeout=120)
    here.nas.debug("drive/sda", {"temperature": 56})
    here.until(job, lambda _: by() == "temperature", "it pauses", timeout=120)
    stage = here.stage(job, surface)
    why = "56 °C, goes on below 48 °C"
    assert stage.progress["paused"]["reason"] == why and stage.eta_at is None
    here.nas.debug("drive/sda", {"temperature": 50})
    here.poll()
    assert by() == "temperature", "between both limits it stays as it is"
    here.nas.debug("drive/sda", {"temperature": 40})
    here.until(job, lambda _: by() is None, "it goes on", timeout=120)
    turns = (Kind.BURNIN_PAUSED, Kind.BURNIN_RESUMED)
    told = AuditEvent.objects.filter(kind__in=turns).order_by("pk")
    assert [event.note.partition("sda ")[2].partition(": ")[2] for event in told] == [
        f"Surface is paused: {why}",
        "Surface goes on",
    ], "each turn once"
    here.nas.debug("drive/sda", {"temperature": 63})
    job = here.until_over(job, timeout=120)
    assert (job.state, here.stage(job, surface).state) == (JobState.FAILED, StageState.FAILED)
    assert "too hot" in job.error_text and "63 °C" in job.error_text and "62 °C" in job.error_text


@pytest.mark.django_db
def test_two_looks_at_the_same_time_tell_of_a_pause_once() -> None:
    job = a_job(a_drive(a_system()), state=JobState.RUNNING)
    job.stages.filter(kind=StageKind.SURFACE_VALIDATE).update(state=StageState.RUNNING)
    looks = [Stage.objects.get(job=job, kind=StageKind.SURFACE_VALIDATE) for _ in range(2)]
    hot = {"by": "temperature", "reason": "56 °C, goes on below 48 °C"}
    for stage in looks:
        with transaction.atomic():
            keep_going(job, stage, Going(40.0, {"paused": hot}), now())
    assert AuditEvent.objects.filter(job_id=job.pk, kind=Kind.BURNIN_PAUSED).count() == 1
