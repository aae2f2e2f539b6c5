"""The daily report: at the local hour, once a day, right across daylight saving."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from io import StringIO
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from audit.models import AuditEvent
from burnin.models import Job
from config import runtime
from drives.models import System
from notifications import report, sending
from notifications.models import Delivery
from tests.integration.burnin.test_resets import snapshot
from tests.integration.notifications.servers import MailServer
from tests.integration.rows import a_drive, a_job

pytestmark = pytest.mark.django_db
MailAt = Callable[..., MailServer]
BERLIN = ZoneInfo("Europe/Berlin")


def sent_at(hour: int, first: datetime, last: datetime, step: int = 1800) -> list[str]:
    """The local times at which a beat that ticks all the time makes reports."""
    runtime.update({"smtp_report_hour": hour}, by="ada")
    made, now = [], first
    while now < last:
        with timezone.override(BERLIN):
            if report.make_if_due(now):
                made.append(f"{now.astimezone(BERLIN):%d %H:%M %Z}")
        now += timedelta(seconds=step)
    return made


@pytest.mark.parametrize(
    ("hour", "month", "day", "made"),
    [
        (8, 3, 28, ["28 08:00 CET", "29 08:00 CEST", "30 08:00 CEST"]),
        (2, 3, 28, ["28 02:00 CET", "29 03:00 CEST", "30 02:00 CEST"]),  # 02:00 is left out
        (2, 10, 24, ["24 02:00 CEST", "25 02:00 CEST", "26 02:00 CET"]),  # 02:00 comes twice
        (0, 10, 24, ["24 00:00 CEST", "25 00:00 CEST", "26 00:00 CET"]),
        (23, 10, 24, ["24 23:00 CEST", "25 23:00 CET", "26 23:00 CET"]),
    ],
)
def test_once_a_day_at_the_local_hour(
    hour: int, month: int, day: int, made: list[str], mail_at: MailAt
) -> None:
    mail_at()
    first = datetime(2026, month, day, tzinfo=BERLIN)
    last = datetime(2026, month, day + 3, tzinfo=BERLIN)
    assert sent_at(hour, first.astimezone(UTC), last.astimezone(UTC)) == made


def test_a_day_without_mail_has_none_also_when_it_is_switched_on_later(mail_at: MailAt) -> None:
    noon = datetime(2026, 11, 26, 12, tzinfo=UTC)
    assert not report.make_if_due(noon)
    mail_at()
    assert not report.make_if_due(noon + timedelta(minutes=1))
    assert report.make_if_due(noon + timedelta(days=1))
    runtime.update({"smtp_daily_report": False}, by="ada")
    assert not report.make_if_due(noon + timedelta(days=2))


def test_it_tells_what_ended_what_goes_on_and_what_needs_somebody(
    nas: System, mail_at: MailAt
) -> None:
    server, now = mail_at(), timezone.now()
    for name, facts in {
        "sda": {"state": "passed"},
        "sdb": {"state": "failed", "error_text": "12 <bad> sectors"},
        "sdc": {"state": "unknown", "error_text": "Host rebooted"},
    }.items():
        job = a_job(a_drive(nas, name), holds_drive=False, **facts)
        Job.objects.filter(pk=job.pk).update(finished_at=now - timedelta(hours=2))
    long_ago = a_job(a_drive(nas, "sdd"), state="failed", holds_drive=False)
    Job.objects.filter(pk=long_ago.pk).update(finished_at=now - timedelta(days=2))
    running = a_job(a_drive(nas, "sde"), state="running")
    running.stages.filter(kind="precheck").update(state="passed")
    running.stages.filter(kind="short_smart").update(state="running", percent=50)
    a_job(a_drive(nas, "sdf"))
    a_drive(nas, "sdg", smart_health="failed")
    runtime.update({"smtp_report_hour": 0}, by="ada")
    assert report.make_if_due(now)
    sending.work("mail")
    (mail,) = server.mails
    assert mail["Subject"] == "Burn-in report: 1 failed, 1 inconclusive, 1 passed, 1 running"
    text, html = [part.get_payload(decode=True).decode() for part in mail.get_payload()]
    assert text.index("failed: sdb SER-sdb") < text.index("inconclusive: sdc")
    for words in ("12 <bad> sectors", "sde SER-sde on nas-1: SMART short,", "1 in the queue",
                  "sdg SER-sdg", "nas-1: reachable"):  # fmt: skip
        assert words in text
    assert "sdd" not in text
    assert "12 &lt;bad&gt; sectors" in html and "style=" not in html


def test_the_next_one_tells_since_the_last(nas: System, mail_at: MailAt) -> None:
    mail_at(smtp_report_hour=0)
    now = timezone.now()
    assert report.make_if_due(now)
    Delivery.objects.update(payload={}, created_at=now - timedelta(hours=30))
    assert now - report.last_one_before(now) == timedelta(hours=30)


def test_what_ends_while_one_is_made_is_in_the_next(nas: System, mail_at: MailAt) -> None:
    """Each burn-in is in exactly one report, also one that ends between two heartbeats of it."""
    mail_at(smtp_report_hour=0)
    first = timezone.now() - timedelta(days=1)
    jobs = [a_job(a_drive(nas, f"sd{n}"), state="failed", holds_drive=False) for n in range(3)]
    for job, seconds in zip(jobs, (-60, 5, 3600), strict=True):
        Job.objects.filter(pk=job.pk).update(finished_at=first + timedelta(seconds=seconds))
    assert report.make_if_due(first)
    made = Delivery.objects.filter(source__startswith="report-")
    # Stored ten seconds later: reading what has happened took so long.
    made.update(created_at=first + timedelta(seconds=10))
    assert report.make_if_due(timezone.now())
    texts = list(made.order_by("pk").values_list("payload__text", flat=True))
    said = [[name for name in ("sd0", "sd1", "sd2") if name in text] for text in texts]
    assert said == [["sd0"], ["sd1", "sd2"]]


def test_with_it_what_was_sent_long_ago_is_forgotten(mail_at: MailAt) -> None:
    mail_at(smtp_report_hour=0)
    now, kept = timezone.now(), set()
    for state in Delivery.State.values:
        for age in (report.KEPT - timedelta(days=1), report.KEPT + timedelta(days=1)):
            row = Delivery.objects.create(
                source=f"event-{state}-{age.days}", channel="mail", state=state, next_try_at=now
            )
            Delivery.objects.filter(pk=row.pk).update(created_at=now - age)
            if age < report.KEPT or state in {"waiting", "sending"}:
                kept.add(row.pk)
    assert report.make_if_due(now)
    left = Delivery.objects.filter(source__startswith="event-").values_list("pk", flat=True)
    assert set(left) == kept and len(kept) == 7


@pytest.mark.django_db(transaction=True)
def test_ten_at_once_make_one(nas: System, mail_at: MailAt) -> None:
    server, now = mail_at(smtp_report_hour=0), timezone.now()

    def make(_: int) -> bool:
        try:
            return report.make_if_due(now)
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as pool:
        assert sum(pool.map(make, range(10))) == 1
    sending.work("mail")
    sending.work("mail")
    assert len(server.mails) == 1


def test_the_command_prints_or_sends(nas: System, mail_at: MailAt) -> None:
    out, before = StringIO(), snapshot()
    call_command("send_report", "--dry-run", stdout=out)
    assert snapshot() == before
    assert "To nobody: mail is off" in out.getvalue()
    assert "nothing has happened" in out.getvalue()
    assert not AuditEvent.objects.filter(kind="reset").exists()
    with pytest.raises(CommandError, match="Mail is off"):
        call_command("send_report")
    server = mail_at()
    before = snapshot()
    call_command("send_report", "--dry-run", stdout=out)
    assert "To ops@example.org" in out.getvalue()
    assert (snapshot(), server.mails) == (before, [])
    call_command("send_report", stdout=out)
    assert "Sent to ops@example.org: 250" in out.getvalue()
    assert len(server.mails) == 1
    event = AuditEvent.objects.get(kind="reset")
    assert event.note.startswith("send_report: Sent to ops@example.org: 250")
    assert event.actor == "command line"
    server.answer = "452 4.3.1 insufficient storage"
    with pytest.raises(CommandError, match="452 4.3.1"):
        call_command("send_report")
    assert not AuditEvent.objects.filter(kind="notification_failed").exists()
