"""Rows to be found by who guesses their numbers."""

from __future__ import annotations

from django.utils import timezone

from burnin.models import Job, JobState
from drives.models import Drive, SmartReading, SmartTest, System, TemperatureSample
from notifications.models import Delivery
from tests.integration.rows import a_drive, a_job, a_system


def shelf() -> None:
    """A system with an idle drive, one in a queue, one that failed, and what was told of it."""
    system = a_system()
    idle, queued, failed = (
        a_drive(system, name, host_path=f"/dev/{name}") for name in ("sda", "sdb", "sdc")
    )
    now = timezone.now()
    for drive in (idle, failed):
        SmartReading.objects.create(drive=drive, taken_at=now, health="ok", counters={"x": 1})
        TemperatureSample.objects.create(drive=drive, taken_at=now, celsius=35)
    SmartTest.objects.create(drive=idle, type="short", state="running", percent=5)
    a_job(queued)
    a_job(failed, state=JobState.FAILED, holds_drive=False, error_text="broken", finished_at=now)
    Delivery.objects.create(source="event-1", channel="mail", state="failed", next_try_at=now)


def plausible() -> dict[str, list[str]]:
    """What would be right: by the name of a field, its digits as N, or of a part of the address."""
    drives = [str(pk) for pk in Drive.objects.values_list("pk", flat=True)]
    return {
        "drive_id": drives,
        "job_id": [str(pk) for pk in Job.objects.values_list("pk", flat=True)],
        "system_id": [str(pk) for pk in System.objects.values_list("pk", flat=True)],
        "delivery_id": [str(pk) for pk in Delivery.objects.values_list("pk", flat=True)],
        "object_id": ["1", *drives],
        "step": ["api", "host-key", "host"],
        "what": ["connection", "mail", "webhook", "chat"],
        "drives": [",".join(drives), drives[0]],
        "stages": ["surface_validate", "short_smart", "long_smart"],
        "profile": ["", "quick"],
        "passes": ["1", "2", ""],
        "serial": ["SER-sda", "SER-sdb"],
        "serial-N": ["SER-sda", "SER-sdb"],
        "release-N": ["signature:0123456789ab"],
        "confirmed": ["on"],
        "compared": ["on"],
        "job": [str(pk) for pk in Job.objects.values_list("pk", flat=True)],
        "count": ["1"],
        "name": ["nas-9", "a token"],
        "kind": ["truenas", "host", "mock"],
        "base_url": ["http://127.0.0.1:1", "https://127.0.0.1:1"],
        "api_key": ["1-abc"],
        "ssh_host": ["127.0.0.1"],
        "ssh_port": ["1", "22"],
        "ssh_user": ["root"],
        "ssh_password": ["secret"],
        "ssh_host_key": list(System.objects.values_list("ssh_host_key", flat=True)),
        "state_dir": ["/root/.burnin"],
        "is_local": ["", "on"],
        "role": ["viewer", "admin"],
        "expires": ["2030-01-31", "9999-12-31", "0001-01-01", ""],
        "since": ["2026-01-01", "0001-01-01"],
        "until": ["2026-12-31", "9999-12-31"],
        "smtp_host": ["127.0.0.1"],
        "smtp_mode": ["plain", "ssl"],
        "smtp_to": ["a@b.example"],
        "webhook_url": ["http://127.0.0.1:1/x"],
        "apprise_urls": ["json://127.0.0.1:1/x"],
        "shown": ["webhook_events", "smtp_daily_report"],
        "old": ["correct horse"],
        "password": ["a long enough word 7", "correct horse"],
        "again": ["a long enough word 7"],
        "user": ["admin", "olga"],
        "username": ["admin", "olga"],
    }
