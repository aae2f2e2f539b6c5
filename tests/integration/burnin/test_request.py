"""Requests, refusals, the queue and cancelling what has not begun: all that needs no NAS."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from audit.models import AuditEvent, Kind
from burnin import orchestrator
from burnin.models import Job, JobState, Stage, StageKind, StageState
from burnin.orchestrator import NotActive, NotConfirmed, RequestRefused
from burnin.orchestrator.endings import end_job
from burnin.plan import Plan
from drives.models import Drive, SmartTest, System
from tests.integration.rows import a_drive, a_job, a_system, an_operator, now

pytestmark = pytest.mark.django_db
SHORT = Plan.from_choice(["short_smart"], 2)
SURFACE = Plan.from_choice(["surface_validate"], 2)


@pytest.fixture
def nas() -> System:
    return a_system()


@pytest.fixture
def drive(nas: System) -> Drive:
    return a_drive(nas)


def ask(drive: Drive, plan: Plan = SHORT, typed: str | None = None) -> Job:
    return orchestrator.request(drive, plan, operator=an_operator(), typed_serial=typed)


def test_a_request_queues_a_job_with_its_stages_in_order(drive: Drive) -> None:
    job = ask(drive, Plan.from_choice(["long_smart", "short_smart"], 2))
    assert job.state == JobState.QUEUED
    assert [stage.kind for stage in job.stages.all()] == [
        "precheck", "long_smart", "short_smart", "final_check",
    ]  # fmt: skip
    assert {stage.state for stage in job.stages.all()} == {StageState.PENDING}
    event = AuditEvent.objects.get(kind=Kind.BURNIN_QUEUED)
    assert (event.actor, event.drive_serial, event.job_id) == ("olga", drive.serial, job.pk)


@pytest.mark.parametrize("typed", [None, "", "SER", "ser-sda", "SER-sdb"])
def test_a_destructive_request_without_the_serial_creates_nothing(
    drive: Drive, typed: str | None
) -> None:
    with pytest.raises(NotConfirmed):
        ask(drive, SURFACE, typed)
    assert not Job.objects.exists()


def test_a_serial_that_another_system_lists_too_is_refused_on_both(drive: Drive) -> None:
    """By another lunid it is another drive, and still nobody can say which one was meant."""
    other = a_system("nas-2")
    twin = a_drive(other, "da7", serial=drive.serial)
    for one, elsewhere in ((drive, "nas-2"), (twin, "nas-1")):
        with pytest.raises(RequestRefused, match=f"{elsewhere} lists a drive with this serial"):
            ask(one)
    System.objects.filter(pk=other.pk).update(last_polled_at=now() - timedelta(hours=1))
    assert ask(drive).state == JobState.QUEUED, "it has not listed it lately"


def test_a_destructive_request_that_the_host_does_not_answer_is_refused(drive: Drive) -> None:
    with pytest.raises(RequestRefused, match="can’t be asked"):
        ask(drive, SURFACE, drive.serial)
    assert not Job.objects.exists()
    assert AuditEvent.objects.get(kind=Kind.BURNIN_REFUSED).actor == "olga"


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"present": False}, "doesn’t list this drive"),
        ({"use_reason": "In pool tank · mirror-0"}, "In pool tank"),
        ({"serial": ""}, "no serial"),
        ({"size_bytes": 0}, "size isn’t known"),
        ({"temperature_c": 51}, "51 °C"),
    ],
    ids=str,
)
def test_what_the_record_says_against_it_refuses(
    nas: System, facts: dict[str, Any], words: str
) -> None:
    with pytest.raises(RequestRefused, match=words):
        ask(a_drive(nas, **facts))
    assert not Job.objects.exists()


@pytest.mark.parametrize("polled", [None, 46])
def test_a_stale_record_refuses(polled: int | None) -> None:
    at = None if polled is None else now() - timedelta(seconds=polled)
    with pytest.raises(RequestRefused, match="not answered lately"):
        ask(a_drive(a_system("old", last_polled_at=at)))


def test_a_running_self_test_refuses(drive: Drive) -> None:
    SmartTest.objects.create(drive=drive, type="long", state="running")
    with pytest.raises(RequestRefused, match="self-test runs"):
        ask(drive)


def test_every_reason_is_given(nas: System) -> None:
    with pytest.raises(RequestRefused) as caught:
        ask(a_drive(nas, present=False, temperature_c=60, use_reason="Boot disk of the NAS"))
    assert len(caught.value.reasons) == 3


def test_one_job_a_drive_by_code_and_by_the_database(drive: Drive) -> None:
    job = ask(drive)
    with pytest.raises(RequestRefused, match="not over"):
        ask(drive)
    with pytest.raises(IntegrityError), transaction.atomic():
        a_job(drive)
    with pytest.raises(IntegrityError), transaction.atomic():
        Job.objects.filter(pk=job.pk).update(holds_drive=False)


def test_one_running_stage_a_job_by_the_database(drive: Drive) -> None:
    job = a_job(drive)
    with pytest.raises(IntegrityError), transaction.atomic():
        job.stages.filter(position__in=[0, 1]).update(state=StageState.RUNNING)


def test_jobs_start_in_their_order_while_there_is_room(nas: System, settings: Any) -> None:
    jobs = [a_job(a_drive(nas, f"sd{letter}")) for letter in "abcd"]
    other = a_job(a_drive(a_system("nas-2"), "sdz"))

    def states() -> list[str]:
        return [Job.objects.get(pk=job.pk).state for job in jobs]

    orchestrator.admit(nas.pk)
    assert states() == ["running", "running", "queued", "queued"]
    orchestrator.admit(nas.pk)
    assert states() == ["running", "running", "queued", "queued"]
    settings.MAX_PARALLEL_BURNINS = 3
    orchestrator.admit(nas.pk)
    assert states() == ["running", "running", "running", "queued"]
    orchestrator.cancel(jobs[3], by="olga")
    orchestrator.admit(nas.pk)
    assert states() == ["running", "running", "running", "cancelled"]
    other.refresh_from_db()
    assert other.state == "queued", "another system's queue is its own"


def test_a_queued_job_is_cancelled_at_once_and_only_once(drive: Drive) -> None:
    job = ask(drive)
    orchestrator.cancel(job, by="olga")
    job.refresh_from_db()
    assert (job.state, job.error_text) == (JobState.CANCELLED, "Cancelled by olga")
    assert not job.holds_drive
    assert {stage.state for stage in job.stages.all()} == {StageState.SKIPPED}
    with pytest.raises(NotActive):
        orchestrator.cancel(job, by="olga")
    assert AuditEvent.objects.filter(kind=Kind.BURNIN_CANCELLED).count() == 1
    assert ask(drive).pk != job.pk, "the drive is free again"


def test_a_running_job_with_a_host_that_is_away_stays_cancelling(drive: Drive) -> None:
    """B6: the wish is recorded, and done first when the host answers."""
    job = a_job(drive, state=JobState.RUNNING, started_at=now())
    job.stages.filter(kind=StageKind.PRECHECK).update(state=StageState.PASSED)
    stage = job.stages.get(kind=StageKind.LONG_SMART)
    Stage.objects.filter(pk=stage.pk).update(state=StageState.RUNNING, evidence={"before": []})
    orchestrator.cancel(job, by="olga")
    orchestrator.step(stage.pk)
    job.refresh_from_db()
    stage.refresh_from_db()
    assert job.state == JobState.RUNNING and job.cancel_requested_by == "olga"
    assert stage.waiting_for.startswith("Cancelling, waiting for nas-1")


def test_a_stuck_run_is_inconclusive_and_keeps_its_drive(nas: System, drive: Drive) -> None:
    """B8: only time in which the host answered counts."""
    job = a_job(drive, state=JobState.RUNNING, started_at=now(), size_bytes=10**12)
    stage = job.stages.get(kind=StageKind.LONG_SMART)
    Stage.objects.filter(pk=stage.pk).update(
        state=StageState.RUNNING,
        checked_at=now() - timedelta(seconds=12),
        idle_seconds=24 * 3600 - 5,
        percent=40,
        evidence={"before": []},
    )
    SmartTest.objects.create(drive=drive, type="long", state="running", percent=40, log_before=[])
    System.objects.update(host_error="no answer")
    orchestrator.advance(nas.pk)
    job.refresh_from_db()
    assert job.state == JobState.RUNNING, "while the host is away the clock stands still"
    System.objects.update(host_error="")
    Stage.objects.filter(pk=stage.pk).update(checked_at=now() - timedelta(seconds=12))
    orchestrator.advance(nas.pk)
    job.refresh_from_db()
    assert (job.state, job.holds_drive) == (JobState.UNKNOWN, True)
    assert "no progress for 24.0 h" in job.error_text
    with pytest.raises(RequestRefused, match="not over"):
        ask(drive)

    SmartTest.objects.update(percent=50)
    orchestrator.advance(nas.pk)
    job.refresh_from_db()
    assert job.state == JobState.RUNNING, "it turned up again, so it goes on"
    assert AuditEvent.objects.filter(kind=Kind.BURNIN_REATTACHED).count() == 1


def test_a_stage_whose_step_leads_nowhere_is_stuck_too(nas: System, drive: Drive) -> None:
    job = a_job(drive, state=JobState.RUNNING, started_at=now(), size_bytes=10**12)
    stage = job.stages.get(kind=StageKind.PRECHECK)
    Stage.objects.filter(pk=stage.pk).update(
        checked_at=now() - timedelta(seconds=12), idle_seconds=24 * 3600 - 5
    )
    System.objects.update(last_error="no answer")
    orchestrator.advance(nas.pk)
    job.refresh_from_db()
    assert job.state == JobState.RUNNING, "only hours in which it answered count"
    System.objects.update(last_error="")
    Stage.objects.filter(pk=stage.pk).update(checked_at=now() - timedelta(seconds=12))
    orchestrator.advance(nas.pk)
    job.refresh_from_db()
    assert (job.state, job.holds_drive) == (JobState.UNKNOWN, False), "nothing of it runs there"
    assert AuditEvent.objects.filter(kind=Kind.BURNIN_STUCK).count() == 1


def test_a_reason_is_never_overwritten_by_a_vaguer_one(nas: System, drive: Drive) -> None:
    """B9"""
    job = a_job(drive, state=JobState.RUNNING, started_at=now())
    stage = job.stages.get(kind=StageKind.LONG_SMART)
    Stage.objects.filter(pk=stage.pk).update(state=StageState.RUNNING)
    reason = "SMART long failed. The drive says: read failure, first error at LBA 7"
    with transaction.atomic():
        end_job(job, stage, JobState.FAILED, reason, keeps_drive=True)
    orchestrator.cancel(job, by="olga")
    with transaction.atomic():
        end_job(job, stage, JobState.UNKNOWN, "It gave no result")
    job.refresh_from_db()
    stage.refresh_from_db()
    assert job.error_text == stage.error_text == reason
    assert (job.state, stage.state) == (JobState.FAILED, StageState.FAILED)
