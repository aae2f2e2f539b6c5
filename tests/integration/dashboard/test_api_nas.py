"""What the API does on a real NAS: self-tests, a look at a system, what a surface run left."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from audit.models import AuditEvent, Kind
from burnin.models import JobState, StageKind
from drives import poll
from drives.models import Drive, SmartTest
from tests.integration.dashboard.test_api import Call, call
from tests.integration.rows import a_drive, a_job, a_system, system_of
from tests.nas import MockNas

__all__ = ["call"]
pytestmark = pytest.mark.django_db(transaction=True)


def test_a_self_test_is_started_and_stopped_and_a_system_looked_at(
    call: Call, mock_nas: Callable[..., MockNas], valkey: str
) -> None:
    nas = mock_nas(names="sd", speed=0.1)
    system = system_of(nas)
    assert poll.run(system.pk)
    drive, pooled = Drive.objects.get(devname="sdc"), Drive.objects.exclude(pool="").first()
    assert pooled is not None
    where = f"drives/{drive.pk}/smart"
    told = {"drive_id": drive.pk, "type": "short"}
    started = call("operator", "post", f"{where}/start", {"type": "short"})
    assert started == (202, told | {"outcome": "started"})
    assert SmartTest.objects.get(drive=drive).state == "running"
    status, problem = call("operator", "post", f"{where}/start", {"type": "long"})
    assert status == 409 and problem["reasons"], problem
    cancelled = call("operator", "post", f"{where}/cancel", {"type": "short"})
    assert cancelled == (202, told | {"outcome": "cancelled"})
    status, problem = call("operator", "post", f"{where}/cancel", {"type": "short"})
    assert status == 409 and problem["reasons"], problem
    for kind in (Kind.SMART_STARTED, Kind.SMART_CANCELLED):
        event = AuditEvent.objects.get(kind=kind, drive_id=drive.pk)
        assert (event.actor, event.source_ip) == ("operator", "127.0.0.1")
    # Nothing is written by it, so a drive of a pool may be tested too.
    assert call("operator", "post", f"drives/{pooled.pk}/smart/start", {"type": "short"})[0] == 202

    status, look = call("admin", "post", f"systems/{system.pk}/test")
    assert status == 200 and look["ready"] is True, look
    assert {finding["state"] for finding in look["findings"]} <= {"ok", "note"}
    nas.stop()
    status, look = call("admin", "post", f"systems/{system.pk}/test")
    assert (status, look["ready"]) == (200, False)
    missing = [finding for finding in look["findings"] if finding["state"] == "MISSING"]
    assert missing and all(finding["step"] for finding in missing), "each says what to do"


def test_the_latest_surface_run_that_left_a_result(call: Call) -> None:
    drive = a_drive(a_system())
    for run, speed in (("job1-a", 150), ("job2-a", 140)):
        job = a_job(drive, state=JobState.PASSED, holds_drive=False)
        stage = job.stages.filter(kind=StageKind.SURFACE_VALIDATE)
        detail = {"regions": [speed]}
        stage.update(run_id=run, evidence={"verdict": {"result": "pass"}, "detail": detail})
    unfinished = a_job(drive, state=JobState.RUNNING)
    assert unfinished.pk > job.pk
    status, found = call("viewer", "get", f"drives/{drive.pk}/surface")
    assert status == 200
    assert found == {
        "job_id": job.pk,
        "run_id": "job2-a",
        "verdict": {"result": "pass"},
        "head": {},
        "detail": {"regions": [140]},
    }


def test_what_all_burn_ins_say(call: Call) -> None:
    system = a_system()
    for name, state in (
        ("sda", "passed"),
        ("sdb", "passed"),
        ("sdc", "failed"),
        ("sdd", "unknown"),
    ):
        a_job(a_drive(system, name), state=state, holds_drive=False, error_text="why")
    _, stats = call("viewer", "get", "stats")
    (model,) = stats["models"]
    assert (model["model"], model["passed"], model["failed"]) == ("ST12000NM0008", 2, 1)
    assert model["pass_rate"] == pytest.approx(66.7, abs=0.1), "inconclusive isn't counted"
    assert stats["counts"]["unknown"] == 1
