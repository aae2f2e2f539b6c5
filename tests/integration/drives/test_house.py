"""What is done each minute: the watchdog of polls, old measurements, daily readings."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from audit.models import AuditEvent, Kind
from burnin.tasks import keep_house, poll_systems
from drives import poll, routine, selftests, thinning, watchdog
from drives.models import Drive, SmartReading, SmartTest, System, TemperatureSample
from drives.smart.reading import Reading, SelfTestEntry, SelfTests
from tests.integration.rows import a_drive, a_system, now, system_of
from tests.nas import MockNas

pytestmark = pytest.mark.django_db
PASSED = SelfTestEntry("short", "passed", 990, "Completed without error", None)
FAILED = SelfTestEntry("short", "failed", 998, "Completed: read failure", 7)
LONG = SelfTestEntry("long", "aborted", 700, "Aborted by host", None)
NOTHING = Reading(
    protocol="ata", serial="SER-sda", model="", size_bytes=None, logical_sector_bytes=None,
    physical_sector_bytes=None, form="", zoned="", locked=None, health=Drive.Health.OK,
    warnings=(), power_on_hours=1000, temperature_c=None, temperature_limit_c=None,
    temperature_critical_c=None, counters={}, tests=SelfTests(),
)  # fmt: skip


def saying(*entries: SelfTestEntry) -> Reading:
    """A reading whose log has these, newest first."""
    return replace(NOTHING, tests=SelfTests(entries=entries, running=False))


# --- tests that ran for others (D3) ------------------------------------------------------------
def test_what_the_drive_ran_for_others_is_picked_up_from_its_log() -> None:
    drive, at = a_drive(a_system()), now()
    selftests.pick_up(drive, saying(PASSED, LONG), at)
    short, long = SmartTest.objects.order_by("-type")
    assert (short.state, short.finished_at) == ("passed", at - timedelta(hours=10))
    assert (long.state, long.error_text) == ("aborted", "The drive says: Aborted by host")
    assert not AuditEvent.objects.exists(), "its past is no event"
    selftests.pick_up(drive, saying(PASSED, LONG), at)
    assert not AuditEvent.objects.exists()
    selftests.pick_up(drive, saying(FAILED, PASSED, LONG), at)
    short.refresh_from_db()
    assert short.state == "failed" and short.log_entry is not None
    assert "outside" in AuditEvent.objects.get(kind=Kind.SMART_FINISHED).note


def test_what_we_run_or_have_cancelled_stays_as_it_is() -> None:
    drive, at = a_drive(a_system()), now()
    log = [PASSED.as_json()]
    test = SmartTest.objects.create(drive=drive, type="short", state="running", log_before=log)
    selftests.pick_up(drive, saying(FAILED, PASSED), at)
    test.refresh_from_db()
    assert test.state == "running"
    SmartTest.objects.update(state="aborted", error_text="Cancelled by olga", finished_at=at)
    own = SelfTestEntry("short", "aborted", 999, "Aborted by host", None)
    selftests.pick_up(drive, saying(own, PASSED), at)
    test.refresh_from_db()
    assert test.error_text == "Cancelled by olga", "that entry is its own"
    selftests.pick_up(drive, saying(FAILED, own, PASSED), at)
    test.refresh_from_db()
    assert test.state == "failed", "that one came later"


# --- the watchdog and the pace of polls (D5, D6) -----------------------------------------------
def test_a_poll_that_does_not_end_is_told_once_and_shown(
    caplog: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = a_system(poll_finished_at=now() - timedelta(minutes=5))
    a_system("fine", poll_finished_at=now())
    a_system("new")
    ago = now() - timedelta(minutes=2)
    a_system("away", poll_finished_at=ago, next_poll_at=now() - timedelta(seconds=9))
    monkeypatch.setattr(watchdog, "_begun", time.monotonic() - 3)
    assert watchdog.look(now()) == [], "it has only just begun"
    monkeypatch.setattr(watchdog, "_begun", time.monotonic() - 100)
    with caplog.at_level(logging.CRITICAL):
        assert watchdog.look(now()) == [late]
        watchdog.look(now())
    assert [record.levelname for record in caplog.records] == ["CRITICAL"] * 2
    late.refresh_from_db()
    assert "no poll of it has finished" in late.last_error and late.failing_since is not None
    assert AuditEvent.objects.get().kind == Kind.SYSTEM_FAILING


def test_a_nas_that_does_not_answer_is_asked_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    away, fine = a_system(), a_system("fine")
    waits = []
    for _ in range(8):
        poll.run(away.pk)
        away.refresh_from_db()
        at = away.next_poll_at
        waits.append(0.0 if at is None else (at - now()).total_seconds())
    assert away.poll_failures == 8 and away.poll_finished_at is not None
    failed_at = poll.Observation(now(), None, "connection refused", None, "")
    assert waits[:3] == [0, 0, 0] and 0 < waits[3] <= 24 and 35 < waits[7] <= 60
    delays = {poll._backoff(away, failed_at).get("next_poll_at") for _ in range(20)}
    assert len(delays) > 10, "those that failed at the same moment are asked at others"
    asked: list[Any] = []
    monkeypatch.setattr("burnin.tasks.send", lambda task, *args, **_: asked.append(args))
    poll_systems()
    assert asked == [(fine.pk,)]
    System.objects.filter(pk=away.pk).update(next_poll_at=now() - timedelta(seconds=1))
    poll_systems()
    assert (away.pk,) in asked[1:]


def test_the_house_is_kept_each_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    drive = a_drive(a_system())
    asked: list[Any] = []
    monkeypatch.setattr("burnin.tasks.send", lambda task, *args, **_: asked.append(args))
    keep_house()
    assert asked == [(drive.system_id,)], "it was never read"
    Drive.objects.update(smart_read_at=now())
    keep_house()
    assert len(asked) == 1


# --- old measurements --------------------------------------------------------------------------
def test_old_temperatures_and_reports_get_fewer() -> None:
    drive, at = a_drive(a_system()), now()
    start = (at - timedelta(days=40)).replace(minute=0, second=0, microsecond=0)
    TemperatureSample.objects.bulk_create(
        TemperatureSample(drive=drive, celsius=30, taken_at=start + timedelta(minutes=n))
        for n in range(180)
    )
    fresh = TemperatureSample.objects.create(drive=drive, celsius=31, taken_at=at)
    for days in (90, 60, 45, 1):
        SmartReading.objects.create(
            drive=drive, taken_at=at - timedelta(days=days), health="ok", raw={"big": 1}
        )
    assert thinning.thin_some(at, drive.pk + 1) == 0, "it is another's turn"
    assert thinning.thin_some(at, drive.pk) == 177
    assert TemperatureSample.objects.count() == 4 and fresh in TemperatureSample.objects.all()
    kept = [bool(reading.raw) for reading in SmartReading.objects.order_by("taken_at")]
    assert kept == [True, False, False, True], "the first and the last stay whole"


# --- daily readings ----------------------------------------------------------------------------
def test_each_drive_is_read_when_it_is_first_seen_and_once_a_day(
    mock_nas: Callable[..., MockNas],
) -> None:
    nas = mock_nas()
    system = system_of(nas)
    poll.run(system.pk)
    system.refresh_from_db()
    count = Drive.objects.count()
    assert routine.read(system, now()) == routine.AT_ONCE
    assert routine.read(system, now()) == count - routine.AT_ONCE
    assert routine.due(system, now()) == []
    assert not Drive.objects.filter(smart_health=Drive.Health.UNKNOWN).exists()
    tomorrow = now() + routine.READ_EVERY + timedelta(minutes=1)
    assert len(routine.due(system, tomorrow)) == routine.AT_ONCE
    System.objects.update(host_error="away")
    system.refresh_from_db()
    assert routine.due(system, tomorrow) == []
