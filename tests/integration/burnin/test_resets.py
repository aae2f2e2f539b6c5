"""The reset commands (B15): each with --dry-run and an audit event, and none loses what runs."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from audit.models import AuditEvent, Kind
from burnin.models import Job, JobState, StageKind, StageState
from drives.models import Drive, HostRun, SmartReading, SmartTest, System, TemperatureSample
from launcher.environment import ROOT
from tests.integration.rows import a_drive, a_job, a_system, now

pytestmark = pytest.mark.django_db


@pytest.fixture
def drive() -> Drive:
    return a_drive(a_system())


def call(*words: str) -> str:
    said = StringIO()
    call_command(*words, stdout=said)
    return said.getvalue()


def twice(*words: str) -> str:
    """First with --dry-run, which changes nothing and tells no event; then in earnest."""
    before = snapshot()
    dry = call(*words, "--dry-run")
    assert "Nothing was changed" in dry and snapshot() == before
    said = call(*words)
    assert dry.splitlines()[:-1] == said.splitlines()[:-1], "it does what it said"
    event = AuditEvent.objects.get(kind=Kind.RESET)
    assert event.note.startswith(words[0]) and event.actor == "command line"
    return said


def snapshot() -> dict[str, list[object]]:
    """Every row of every table."""
    with connection.cursor() as cursor:
        tables = {}
        for name in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{name}" ORDER BY 1')
            tables[name] = cursor.fetchall()
    return tables


def test_cancel_stuck_cancels_what_makes_no_progress_and_nothing_else(drive: Drive) -> None:
    stuck = a_job(drive, state=JobState.RUNNING, started_at=now())
    stuck.stages.filter(position=0).update(state=StageState.RUNNING, idle_seconds=7200)
    healthy = a_job(a_drive(drive.system, "sdb"), state=JobState.RUNNING, started_at=now())
    queued = a_job(a_drive(drive.system, "sdc"))
    left = a_job(a_drive(drive.system, "sdd"), state=JobState.UNKNOWN, finished_at=now())
    said = twice("cancel_stuck", "--hours=1")
    assert f"Burn-in {stuck.pk}" in said and f"Burn-in {left.pk}" in said
    wanted = Job.objects.exclude(cancel_requested_at=None).order_by("pk")
    assert list(wanted) == [stuck, left]
    assert healthy not in wanted and queued not in wanted


@pytest.mark.parametrize(
    "words",
    [
        ("cancel_stuck", "--hours=0"),
        ("cancel_stuck", "--hours=-1"),
        ("cancel_stuck", "--hours=nan"),
        ("prune_readings", "--days=0"),
        ("prune_readings", "--days=99999999999"),
    ],
)
def test_a_span_that_would_take_in_everything_is_refused(
    drive: Drive, words: tuple[str, str]
) -> None:
    healthy = a_job(drive, state=JobState.RUNNING, started_at=now())
    healthy.stages.filter(position=0).update(state=StageState.RUNNING)
    with pytest.raises(CommandError, match="must be"):
        call(*words)
    assert not Job.objects.exclude(cancel_requested_at=None).exists()


def test_clear_drive_state_lets_go_of_a_drive_whose_host_is_gone(drive: Drive) -> None:
    job = a_job(drive, state=JobState.RUNNING, started_at=now())
    job.stages.filter(position=0).update(state=StageState.RUNNING)
    SmartTest.objects.create(drive=drive, type="long", state="running")
    run = HostRun.objects.create(
        run_id="job1-a", system=drive.system, drive=drive, alive=True, seen_at=now()
    )
    with pytest.raises(CommandError, match="goes on there"):
        call("clear_drive_state", drive.serial)
    HostRun.objects.filter(pk=run.pk).update(seen_at=now() - timedelta(hours=1))
    twice("clear_drive_state", drive.serial)
    job.refresh_from_db()
    run.refresh_from_db()
    assert (job.state, job.holds_drive) == (JobState.UNKNOWN, False)
    assert (run.is_open, run.alive) == (True, True), "it may still write; it is stopped later"
    assert "Cleared by command line" in job.error_text
    assert "isn’t waited for" in call("clear_drive_state", drive.serial, "--host-is-gone")
    run.refresh_from_db()
    assert not run.is_open
    assert SmartTest.objects.get().state == "unknown"
    with pytest.raises(CommandError, match="No drive has the serial"):
        call("clear_drive_state", "NOTHING")


def test_delete_mock_drives_leaves_real_ones_alone(drive: Drive) -> None:
    job = a_job(drive)
    real = a_drive(a_system("nas-2"), "da0")
    System.objects.filter(name="nas-2").update(kind=System.Kind.TRUENAS)
    with pytest.raises(CommandError, match="not over"):
        call("delete_mock_drives")
    Job.objects.filter(pk=job.pk).update(state=JobState.PASSED, holds_drive=False)
    twice("delete_mock_drives")
    assert list(Drive.objects.all()) == [real] and not Job.objects.exists()


def test_prune_readings_keeps_what_a_verdict_rests_on(drive: Drive) -> None:
    old = now() - timedelta(days=400)
    readings = [
        SmartReading.objects.create(drive=drive, taken_at=old + timedelta(days=n), health="ok")
        for n in range(4)
    ]
    TemperatureSample.objects.create(drive=drive, taken_at=old, celsius=30)
    TemperatureSample.objects.create(drive=drive, taken_at=now(), celsius=31)
    precheck = a_job(drive).stages.filter(kind=StageKind.PRECHECK)
    precheck.update(evidence={"reading_id": readings[2].pk})
    assert "1 SMART readings, 1 temperatures" in twice("prune_readings", "--days=365")
    assert set(SmartReading.objects.all()) == {readings[0], readings[2], readings[3]}
    assert TemperatureSample.objects.get().celsius == 31


def test_rebuild_percent_works_it_out_from_what_is_known(drive: Drive) -> None:
    job = a_job(drive, state=JobState.RUNNING)
    job.stages.filter(position=0).update(state=StageState.PASSED, percent=3)
    surface = job.stages.filter(kind=StageKind.SURFACE_VALIDATE)
    surface.update(state=StageState.RUNNING, run_id="job1-a", percent=0)
    HostRun.objects.create(
        run_id="job1-a", system=drive.system, drive=drive, head={"percent": 41.5}
    )
    twice("rebuild_percent")
    assert job.stages.get(position=0).percent == 100 and surface.get().percent == 41.5
    assert all(stage.expected_seconds for stage in job.stages.all())


def test_reset_database_is_refused_while_something_runs(drive: Drive) -> None:
    test = SmartTest.objects.create(drive=drive, type="long", state="running")
    run = HostRun.objects.create(run_id="job1-a", system=drive.system, drive=drive)
    job = a_job(drive)
    with pytest.raises(CommandError, match="1 burn-ins are not over"):
        call("reset_database", "--yes")
    Job.objects.filter(pk=job.pk).update(holds_drive=False, state=JobState.PASSED)
    with pytest.raises(CommandError, match="1 surface runs may go on"):
        call("reset_database", "--yes")
    HostRun.objects.filter(pk=run.pk).update(is_open=False)
    with pytest.raises(CommandError, match="1 self-tests run"):
        call("reset_database", "--yes")
    SmartTest.objects.filter(pk=test.pk).update(state="passed")
    before = snapshot()
    assert "Nothing was changed" in call("reset_database")
    assert "Nothing was changed" in call("reset_database", "--yes", "--dry-run")
    assert snapshot() == before


def test_reset_database_leaves_a_backup_and_an_empty_database(tmp_path: Path) -> None:
    env = os.environ | {
        "DB_PATH": str(tmp_path / "app.db"),
        "DATABASE_URL": "",
        "DJANGO_SETTINGS_MODULE": "burnin_site.settings",
    }

    def manage(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=ROOT, env=env, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    manage("prepare")
    with sqlite3.connect(tmp_path / "app.db") as database:
        database.execute("INSERT INTO config_freeze (at, by, only_one) VALUES (1, 'olga', 1)")
    manage("reset_database", "--yes")
    (backup,) = (tmp_path / "backups").iterdir()
    assert backup.stat().st_mode & 0o077 == 0
    freezes = "SELECT count(*) FROM config_freeze"
    assert sqlite3.connect(backup).execute(freezes).fetchone() == (1,)
    fresh = sqlite3.connect(tmp_path / "app.db")
    assert fresh.execute(freezes).fetchone() == (0,)
    events = fresh.execute("SELECT kind, note FROM audit_auditevent WHERE kind = 'reset'")
    ((_, note),) = events.fetchall()
    assert str(backup) in note
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        fresh.execute("DELETE FROM audit_auditevent")
