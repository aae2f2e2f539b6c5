"""What a poll saw, written down: identity, places, absence, temperatures (D2, D9)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from audit.models import AuditEvent, Kind
from drives import apply
from drives.health import is_stale, system_state
from drives.hosts.types import HostStatus
from drives.models import Drive, HostRun, SmartTest, System, TemperatureSample
from drives.truenas.types import NasView, SelfTestJob
from tests.integration.rows import a_nas_drive, a_system, a_view, now

pytestmark = pytest.mark.django_db


@pytest.fixture
def nas() -> System:
    return a_system()


def see(system: System, view: NasView, **at: Any) -> None:
    with transaction.atomic():
        apply.drives(system, view, now() + timedelta(**at))


def test_a_renamed_device_stays_the_same_drive(nas: System) -> None:
    see(nas, a_view(a_nas_drive("sda", serial="A"), a_nas_drive("sdb", serial="B")))
    known = Drive.objects.get(serial="A")
    Drive.objects.filter(pk=known.pk).update(host_path="/dev/sda")
    see(nas, a_view(a_nas_drive("sdc", serial="A"), a_nas_drive("sda", serial="B")))
    known.refresh_from_db()
    assert known.devname == "sdc"
    assert known.host_path == "", "the old path may be another drive's by now"
    assert Drive.objects.count() == 2


def test_a_drive_that_vanishes_is_absent_and_returns(nas: System) -> None:
    see(nas, a_view(a_nas_drive("sda"), a_nas_drive("sdb")))
    see(nas, a_view(a_nas_drive("sda")))
    gone = Drive.objects.get(devname="sdb")
    assert not gone.present and gone.absent_since is not None
    see(nas, a_view(a_nas_drive("sda"), a_nas_drive("sdb")))
    gone.refresh_from_db()
    assert gone.present and gone.absent_since is None
    kinds = list(AuditEvent.objects.filter(drive_id=gone.pk).values_list("kind", flat=True))
    assert sorted(kinds) == [Kind.DRIVE_ABSENT, Kind.DRIVE_RETURNED, Kind.DRIVE_SEEN]


def test_a_drive_that_moves_to_another_system_keeps_its_history(nas: System) -> None:
    other = a_system("nas-2")
    see(nas, a_view(a_nas_drive("sda")))
    see(nas, a_view())
    see(other, a_view(a_nas_drive("da0", serial="SER-sda", lunid="5000SER-sda")))
    drive = Drive.objects.get()
    assert (drive.system, drive.devname, drive.present) == (other, "da0", True)
    assert AuditEvent.objects.filter(kind=Kind.DRIVE_MOVED).count() == 1


def test_two_systems_with_one_serial_lock_the_drive(nas: System) -> None:
    other = a_system("nas-2")
    see(nas, a_view(a_nas_drive("sda")))
    see(other, a_view(a_nas_drive("sda")))
    see(nas, a_view(a_nas_drive("sda")))
    drive = Drive.objects.get()
    assert drive.system == nas
    assert "nas-1 and nas-2 both list" in drive.use_reason, "its own system's poll keeps it"
    see(nas, a_view(a_nas_drive("sda")), seconds=46)
    drive.refresh_from_db()
    assert drive.use_reason == "", "the other has not listed it lately"


def test_two_drives_with_one_serial_on_one_system_lock_it(nas: System) -> None:
    twins = [a_nas_drive(name, serial="TWIN", lunid="") for name in ("sda", "sdb")]
    same = [a_nas_drive(name, serial="TWIN", lunid="5") for name in ("sda", "sdb")]
    see(nas, a_view(*same))
    assert "2 drives of nas-1 report the serial TWIN" in Drive.objects.get().use_reason
    Drive.objects.all().delete()
    see(nas, a_view(*twins))
    assert Drive.objects.count() == 2, "without lunid the NAS's identifier tells them apart"


def test_two_rows_with_one_serial_are_both_locked(nas: System) -> None:
    """Other lunids make them other drives, and still nobody can say which one was meant."""
    see(nas, a_view(*(a_nas_drive(name, serial="TWIN", lunid=name) for name in ("sda", "sdb"))))
    assert [drive.use_reason for drive in Drive.objects.all()] == [
        "2 drives of nas-1 report the serial TWIN"
    ] * 2


def test_a_drive_under_test_stays_where_it_is_tested(nas: System) -> None:
    other = a_system("nas-2")
    see(nas, a_view(a_nas_drive("sda")))
    drive = Drive.objects.get()
    SmartTest.objects.create(drive=drive, type="long", state="running")
    System.objects.filter(pk=nas.pk).update(last_polled_at=now() - timedelta(hours=1))
    see(other, a_view(a_nas_drive("sda")))
    drive.refresh_from_db()
    assert drive.system == nas


def test_a_lunid_that_comes_and_goes_is_one_drive(nas: System) -> None:
    with_it = a_nas_drive("sda")
    without = a_nas_drive("sda", lunid="")
    for entry in (without, with_it, without, with_it):
        see(nas, a_view(entry))
        drive = Drive.objects.get()
        assert drive.present
    assert drive.lunid == with_it.lunid


def test_a_size_that_is_missing_once_is_not_forgotten(nas: System) -> None:
    see(nas, a_view(a_nas_drive("sda")))
    see(nas, a_view(a_nas_drive("sda", size_bytes=0)))
    assert Drive.objects.get().size_bytes == a_nas_drive().size_bytes


def test_use_and_pool_come_and_go(nas: System) -> None:
    uses = {"uses": {"sda": "In pool tank · mirror-0"}, "pools": {"sda": "tank"}}
    see(nas, a_view(a_nas_drive("sda"), **uses))
    drive = Drive.objects.get()
    assert (drive.pool, drive.use_reason) == ("tank", "In pool tank · mirror-0")
    see(nas, a_view(a_nas_drive("sda")))
    drive.refresh_from_db()
    assert (drive.pool, drive.use_reason) == ("", "")


def test_temperatures_are_sampled_once_a_minute(nas: System) -> None:
    for seconds in (0, 12, 24, 61):
        see(nas, a_view(a_nas_drive("sda"), temperatures={"sda": 30}), seconds=seconds)
    assert TemperatureSample.objects.count() == 2
    assert Drive.objects.get().temperature_c == 30


def test_a_poll_that_was_asked_before_a_run_began_does_not_call_it_missing(nas: System) -> None:
    see(nas, a_view(a_nas_drive("sda")))
    asked_at = now()
    run = HostRun.objects.create(
        run_id="job1-x", system=nas, drive=Drive.objects.get(), alive=True, seen_at=now()
    )
    with transaction.atomic():
        apply.runs(nas, HostStatus("boot", (), (), ()), asked_at)
    run.refresh_from_db()
    assert run.alive and run.missing_since is None
    with transaction.atomic():
        apply.runs(nas, HostStatus("boot", (), (), ()), now())
    run.refresh_from_db()
    assert not run.alive and run.missing_since is not None


def test_a_clock_that_was_set_back_blinds_nothing(nas: System) -> None:
    see(nas, a_view(a_nas_drive("sda")))
    later = now() + timedelta(hours=3)
    run = HostRun.objects.create(
        run_id="job1-x", system=nas, drive=Drive.objects.get(), alive=True, seen_at=later
    )
    with transaction.atomic():
        apply.runs(nas, HostStatus("boot", (), (), ()), now())
    run.refresh_from_db()
    assert run.missing_since is not None
    nas.last_polled_at = later
    assert is_stale(nas, now()) and "clock" in system_state(nas, now()).words
    nas.last_polled_at = now() + timedelta(seconds=30)
    assert not is_stale(nas, now()), "the clocks of two machines may differ a little"


@pytest.mark.parametrize("count", [1, 40])
def test_queries_do_not_grow_with_drives_that_did_not_change(
    nas: System, count: int, django_assert_max_num_queries: Any
) -> None:
    view = a_view(*(a_nas_drive(f"da{n}") for n in range(count)))
    see(nas, view)
    with django_assert_max_num_queries(8):
        see(nas, view)


def test_a_self_test_that_somebody_else_started_gets_its_row_and_keeps_its_progress(
    nas: System,
) -> None:
    see(nas, a_view(a_nas_drive("sda")))
    drive = Drive.objects.get()
    for percent in (10.0, 20.0):
        job = SelfTestJob(7, drive.identifier, "short", "RUNNING", percent, now())
        with transaction.atomic():
            apply.jobs(nas, a_view(a_nas_drive("sda"), jobs=(job,)), now())
    test = SmartTest.objects.get()
    assert (test.state, test.percent, test.nas_job_id) == ("running", 20.0, 7)
    assert AuditEvent.objects.filter(kind=Kind.SMART_STARTED).count() == 1
