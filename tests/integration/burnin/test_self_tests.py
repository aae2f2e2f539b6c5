"""Single self-tests outside of a burn-in (D10)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from audit.models import AuditEvent, Kind
from burnin import self_tests
from burnin.orchestrator import NotActive, RequestRefused
from drives import clients, systems
from drives.models import Drive, SmartTest
from tests.integration.rows import a_drive, a_job, a_system, now
from tests.nas import MockNas
from tests.waiting import wait_for

from .conftest import Site

Sites = Callable[[MockNas], Site]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("facts", "words"),
    [({"present": False}, "doesn’t list"), ({"serial": ""}, "no serial")],
    ids=str,
)
def test_what_the_record_says_against_it_refuses(facts: dict[str, Any], words: str) -> None:
    with pytest.raises(RequestRefused, match=words):
        self_tests.start(a_drive(a_system(), **facts), "short", by="olga")


@pytest.mark.django_db
def test_a_burn_in_has_its_drive_for_itself() -> None:
    drive = a_drive(a_system())
    job = a_job(drive)
    with pytest.raises(RequestRefused, match=f"Burn-in {job.pk} has this drive"):
        self_tests.start(drive, "short", by="olga")
    SmartTest.objects.create(drive=drive, type="short", state="running")
    with pytest.raises(RequestRefused, match=f"burn-in {job.pk}: cancel that"):
        self_tests.cancel(drive, "short", by="olga")


@pytest.mark.django_db
def test_a_stale_record_and_a_host_that_is_away_refuse() -> None:
    old = a_system(last_polled_at=now() - timedelta(hours=1))
    with pytest.raises(RequestRefused, match="not answered lately"):
        self_tests.start(a_drive(old), "short", by="olga")
    with pytest.raises(RequestRefused, match="nas-2 can’t be asked"):
        self_tests.start(a_drive(a_system("nas-2"), "sdb"), "short", by="olga")
    assert not SmartTest.objects.exists()
    with pytest.raises(NotActive):
        self_tests.cancel(Drive.objects.earliest("pk"), "long", by="olga")


@pytest.mark.django_db(transaction=True)
def test_started_settled_by_the_drives_log_and_cancelled_on_the_drive(
    mock_nas: Callable[..., MockNas], site: Sites
) -> None:
    here = site(mock_nas(speed=30))
    here.nas.debug("drive/sda", {"pool": "tank"})  # reading a drive of a pool does it no harm
    here.poll()
    drive = here.drive("sda")
    test = self_tests.start(drive, "short", by="olga", source_ip="192.0.2.7")
    assert (test.state, test.nas_job_id is not None) == (SmartTest.State.RUNNING, True)
    event = AuditEvent.objects.get(kind=Kind.SMART_STARTED)
    assert (event.actor, event.source_ip) == ("olga", "192.0.2.7")
    with pytest.raises(RequestRefused, match="runs on it already"):
        self_tests.start(drive, "long", by="olga")

    def passed() -> bool:
        here.poll()
        test.refresh_from_db()
        return test.state == SmartTest.State.PASSED

    wait_for(passed, 60, "the short test has passed")
    assert test.log_entry is not None and test.log_entry["outcome"] == "passed"

    self_tests.start(drive, "long", by="olga")
    self_tests.cancel(drive, "long", by="olga")
    long_test = SmartTest.objects.get(drive=drive, type="long")
    assert (long_test.state, long_test.error_text) == ("aborted", "Cancelled by olga")
    assert AuditEvent.objects.filter(kind=Kind.SMART_CANCELLED, actor="olga").count() == 1
    self_tests.start(drive, "short", by="olga")  # the drive itself is free again
    with pytest.raises(NotActive):
        self_tests.cancel(drive, "long", by="olga")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("release", ["24.10", "25.04"])
def test_a_key_that_may_only_read_is_enough_where_the_host_can(
    mock_nas: Callable[..., MockNas], site: Sites, release: str
) -> None:
    here = site(mock_nas(speed=60, release=release))
    systems.edit(here.system, by="olga", api_key="mock-key-readonly", api_user="root")
    here.poll()
    assert not here.system.last_error
    test = self_tests.start(here.drive("sda"), "short", by="olga")
    assert (test.state, test.nas_job_id) == (SmartTest.State.RUNNING, None)

    def passed() -> bool:
        here.poll()
        test.refresh_from_db()
        return test.state == SmartTest.State.PASSED

    wait_for(passed, 60, "the short test has passed")


@pytest.mark.django_db(transaction=True)
def test_after_a_restart_of_the_middleware_the_job_of_that_number_is_anothers(
    mock_nas: Callable[..., MockNas], site: Sites
) -> None:
    """24.10 stops the drive whose job is aborted."""
    here = site(mock_nas(speed=10, release="24.10"))
    ours, other = here.drive("sda"), here.drive("sdb")
    number = self_tests.start(ours, "long", by="olga").nas_job_id
    here.nas.debug("restart-middleware")
    with clients.nas(here.system) as nas:
        wait_for(lambda: nas.start_self_test(other.identifier, "long").job_id == number, 30, "up")
    self_tests.cancel(ours, "long", by="olga")
    jobs = {job["id"]: job["state"] for job in here.nas.debug("state")["jobs"]}
    assert jobs == {number: "RUNNING"}
    with clients.nas(here.system) as nas:
        nas.forget_self_test(number or 0, other.identifier, "long")
    jobs = {job["id"]: job["state"] for job in here.nas.debug("state")["jobs"]}
    assert jobs == {number: "ABORTED"}
