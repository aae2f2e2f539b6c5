"""From an audit event to somebody's mailbox: once, whatever runs twice, fails or is killed."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from audit.events import record
from audit.models import AuditEvent, Kind
from config import runtime
from drives.models import System
from notifications import outbox, sending
from notifications.models import Cursor, Delivery
from notifications.tasks import deliver, send_channel
from notifications.transports import NotSent
from tests.integration.notifications.deliveries import read, states
from tests.integration.notifications.servers import MailServer, Receiver
from tests.integration.rows import a_system

pytestmark = pytest.mark.django_db
Ends = Callable[..., AuditEvent]
State = Delivery.State


def test_the_webhook_gets_the_fields_that_were_promised(ends: Ends, hook: Receiver) -> None:
    event = ends("failed", "sdn", error_text="12 sectors could not be read back")
    read()
    sending.work("webhook")
    ((_, headers, body),) = hook.got
    told = json.loads(body)
    sentence = "sdn failed: ST12000NM0008 SER-sdn (nas-1). 12 sectors could not be read back"
    assert told == {
        "event": "burnin_failed",
        "job_id": event.job_id,
        "devname": "sdn",
        "serial": "SER-sdn",
        "model": "ST12000NM0008",
        "state": "failed",
        "operator": "olga",
        "error_text": "12 sectors could not be read back",
        "text": sentence,
        "content": sentence,
        "title": "sdn failed",
        "system": "nas-1",
        "location": "",
        "size_bytes": 12 * 10**12,
        "at": event.at.isoformat(),
        "url": f"http://localhost:8080/history/{event.job_id}",
    }
    row = Delivery.objects.get(channel="webhook")
    assert (row.state, row.said, headers["Idempotency-Key"]) == ("sent", "200 ok", row.key)


def test_reading_and_sending_twice_sends_once(ends: Ends, hook: Receiver) -> None:
    ends("passed")
    for _ in range(3):
        read()
        sending.work("webhook")
    assert len(hook.got) == 1


@pytest.mark.django_db(transaction=True)
def test_ten_tasks_at_once_send_once(ends: Ends, hook: Receiver) -> None:
    read()  # another test's end may have emptied the table of the cursor
    for number in range(5):
        ends("passed", f"sd{number}")
    hook.hang = 0.05

    def task(_: int) -> None:
        try:
            read()
            sending.work("webhook")
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as pool:
        list(pool.map(task, range(10)))
    sending.work("webhook")
    jobs = [json.loads(body)["job_id"] for _, _, body in hook.got]
    assert len(jobs) == len(set(jobs)) == 5
    assert Delivery.objects.filter(channel="webhook").count() == 5


def test_what_comes_up_late_with_a_lower_number_is_not_passed_over(
    ends: Ends, hook: Receiver
) -> None:
    """An event has its number before its transaction commits."""
    early, late = ends("passed", "sda"), ends("failed", "sdb")
    with transaction.atomic():
        Cursor.objects.update(position=0)
        hidden = AuditEvent.objects.filter(pk=early.pk)
        facts = hidden.values().get()
        with connection.cursor() as cursor:
            cursor.execute("DROP TRIGGER IF EXISTS audit_no_delete" + (
                " ON audit_auditevent" if connection.vendor == "postgresql" else ""))  # fmt: skip
        hidden.delete()
        read()
        assert Delivery.objects.filter(source=f"event-{late.pk}").exists()
        AuditEvent.objects.bulk_create([AuditEvent(**facts)])
    read()
    assert Delivery.objects.filter(source=f"event-{early.pk}").exists()


def test_the_cursor_passes_what_is_settled(ends: Ends) -> None:
    event = ends("passed")
    read()
    assert Cursor.objects.get().position < event.pk
    outbox.read(timezone.now() + outbox.SETTLED * 2)
    assert Cursor.objects.get().position == event.pk


def test_more_than_can_be_read_at_once_are_read_in_turns(
    ends: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the cursor waits for them, however old they are."""
    monkeypatch.setattr(outbox, "AT_ONCE", 2)
    events = [ends("passed", f"sd{number}") for number in range(5)]
    before = Cursor.objects.get().position
    later = timezone.now() + outbox.SETTLED * 2
    for read_by_then in (2, 4):
        outbox.read(later)
        assert Delivery.objects.filter(channel="webhook").count() == read_by_then
        assert Cursor.objects.get().position == before
    outbox.read(later)
    assert Delivery.objects.filter(channel="webhook").count() == 5
    assert Cursor.objects.get().position == events[-1].pk


def test_a_channel_that_is_switched_on_later_is_not_told_of_the_past(
    ends: Ends, hook: Receiver
) -> None:
    runtime.update({"webhook_url": ""}, by="ada")
    ends("failed")
    read()
    runtime.update({"webhook_url": hook.url}, by="ada")
    read()
    sending.work("webhook")
    assert (states("webhook"), hook.got) == (["skipped"], [])


def test_quiet_rules(ends: Ends, hook: Receiver, mail_at: Callable[..., MailServer]) -> None:
    mail_at()
    loud, quiet = a_system("loud"), a_system("quiet")
    changes = {
        "notify_quiet_systems": "quiet",
        "webhook_events": "burnin_failed",
        "apprise_urls": hook.url.replace("http://", "json://"),
        "apprise_events": "burnin_unknown",
    }
    runtime.update(changes, by="ada")
    said: dict[tuple[str, str], str] = {}
    for system in (loud, quiet):
        for state in ("passed", "failed", "unknown"):
            event = ends(state, f"{system.name}-{state}", system=system)
            read()
            for row in Delivery.objects.filter(source=f"event-{event.pk}"):
                channel = row.channel.split("-")[0]
                said[f"{system.name} {state}", channel] = row.said or "waits"
    assert said == {
        ("loud passed", "mail"): "not wanted for this event",
        ("loud failed", "mail"): "waits",
        ("loud unknown", "mail"): "waits",
        ("quiet passed", "mail"): "quiet is quiet",
        ("quiet failed", "mail"): "quiet is quiet",
        ("quiet unknown", "mail"): "quiet is quiet",
        ("loud passed", "webhook"): "not wanted for this event",
        ("loud failed", "webhook"): "waits",
        ("loud unknown", "webhook"): "not wanted for this event",
        ("quiet passed", "webhook"): "quiet is quiet",
        ("quiet failed", "webhook"): "quiet is quiet",
        ("quiet unknown", "webhook"): "quiet is quiet",
        ("loud passed", "chat"): "not wanted for this event",
        ("loud failed", "chat"): "not wanted for this event",
        ("loud unknown", "chat"): "waits",
        ("quiet passed", "chat"): "quiet is quiet",
        ("quiet failed", "chat"): "quiet is quiet",
        ("quiet unknown", "chat"): "quiet is quiet",
    }
    runtime.update({"smtp_alert_on_fail": False, "smtp_alert_on_pass": True}, by="ada")
    for state, wanted in (("passed", "waits"), ("failed", "not wanted for this event"),
                          ("unknown", "not wanted for this event")):  # fmt: skip
        event = ends(state, f"later-{state}", system=loud)
        read()
        row = Delivery.objects.get(source=f"event-{event.pk}", channel="mail")
        assert (row.said or "waits") == wanted, state


def test_who_asks_for_time_gets_it(ends: Ends, hook: Receiver) -> None:
    hook.answers = [(429, "slow down", {"Retry-After": "1800"})]
    for name in ("sda", "sdb"):
        ends("failed", name)
    read()
    began = timezone.now()
    sending.work("webhook")
    assert len(hook.got) == 1
    waits = [row.next_try_at - began for row in Delivery.objects.filter(channel="webhook")]
    assert all(timedelta(seconds=1800) <= wait < timedelta(seconds=1830) for wait in waits)


def test_two_that_hang_leave_the_rest_of_the_worker_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A worker of eight threads never has more than two of them wait for somebody's server."""
    here, go = threading.Semaphore(0), threading.Event()
    asked: list[str] = []

    def hang(name: str) -> None:
        asked.append(name)
        here.release()
        go.wait(30)

    monkeypatch.setattr(sending, "work", hang)
    with ThreadPoolExecutor(2) as pool:
        hanging = [pool.submit(send_channel, name) for name in ("mail", "webhook")]
        assert here.acquire(timeout=30) and here.acquire(timeout=30)
        send_channel("chat-1")  # comes back at once
        assert sorted(asked) == ["mail", "webhook"]
        go.set()
        for each in hanging:
            each.result(30)
    send_channel("chat-1")
    assert asked[-1] == "chat-1"


def test_what_fails_waits_longer_each_time_and_holds_the_others_of_its_channel(
    ends: Ends, hook: Receiver
) -> None:
    hook.answers = [(503, "down", {})]
    for name in ("sda", "sdb"):
        ends("failed", name)
    read()
    began = timezone.now()
    sending.work("webhook")
    assert len(hook.got) == 1  # the second isn't tried on a receiver that is down
    first, second = Delivery.objects.filter(channel="webhook")
    assert (first.state, first.said) == ("waiting", "127.0.0.1 answered 503 down")
    assert timedelta(seconds=23) < first.next_try_at - began < timedelta(seconds=60)
    assert second.next_try_at == first.next_try_at
    assert [round(sending.wait(n) / 30 / 2 ** (n - 1)) for n in (1, 3, 6)] == [1, 1, 1]
    assert sending.wait(15) <= 3600 * 1.2
    assert len({sending.wait(3) for _ in range(20)}) > 10, "not all at the same moment"


def test_one_message_that_is_refused_doesnt_hold_the_others(ends: Ends, hook: Receiver) -> None:
    hook.answers = [(400, "not this one", {}), (200, "ok", {})]
    for name in ("sda", "sdb"):
        ends("failed", name)
    read()
    sending.work("webhook")
    assert states("webhook") == ["waiting", "sent"]


def test_after_the_last_try_it_is_told_and_can_be_sent_again(ends: Ends, hook: Receiver) -> None:
    hook.answers = [(500, "broken", {})]
    ends("failed", "sdn")
    read()
    Delivery.objects.filter(channel="webhook").update(attempts=sending.MOST_ATTEMPTS - 1)
    sending.work("webhook")
    row = Delivery.objects.get(channel="webhook")
    assert row.state == "failed"
    note = AuditEvent.objects.get(kind=Kind.NOTIFICATION_FAILED).note
    assert note == ("Webhook gave up on “sdn failed” after 15 tries: 127.0.0.1 answered 500 broken")
    assert list(sending.troubled()) == [row]
    hook.answers = [(200, "ok", {})]
    assert sending.send_again(row.pk)
    sending.work("webhook")
    assert states("webhook") == ["sent"]
    assert not sending.send_again(row.pk)
    assert len(hook.got) == 2


def test_a_sender_that_was_killed_leaves_a_claim_that_is_taken_up_later(
    ends: Ends, hook: Receiver
) -> None:
    """As after kill -9 between the receiver's OK and our mark: sent again, with the same key."""
    ends("failed")
    read()
    sending.work("webhook")
    row = Delivery.objects.filter(channel="webhook")
    row.update(state=State.SENDING, claimed_at=timezone.now())
    sending.work("webhook")
    assert len(hook.got) == 1  # whoever holds it may still be at it
    row.update(claimed_at=timezone.now() - sending.CLAIM * 1.1)
    sending.work("webhook")
    assert len(hook.got) == 2
    keys = {headers["Idempotency-Key"] for _, headers, _ in hook.got}
    assert len(keys) == 1
    assert states("webhook") == ["sent"]


def test_a_server_that_is_being_asked_is_asked_by_nobody_else(ends: Ends, hook: Receiver) -> None:
    """Also of another message: one that hangs would take up all that may send."""
    for name in ("sda", "sdb"):
        ends("failed", name)
    read()
    first, _ = rows = Delivery.objects.filter(channel="webhook")
    rows.filter(pk=first.pk).update(state=State.SENDING, claimed_at=timezone.now())
    sending.work("webhook")
    assert (states("webhook"), hook.got) == (["sending", "waiting"], [])


def test_who_was_taken_over_marks_nothing(ends: Ends, hook: Receiver, nas: System) -> None:
    ends("failed")
    read()
    row = Delivery.objects.get(channel="webhook")
    channel = sending.channel_of("webhook", runtime.current())
    assert channel is not None
    claimed = sending._claim(channel, timezone.now())
    Delivery.objects.filter(pk=row.pk).update(claim="somebody else")
    sending._failed(channel, claimed, NotSent("too late"))
    row.refresh_from_db()
    assert (row.state, row.said) == ("sending", "")


def test_switched_off_meanwhile_is_not_sent(ends: Ends, hook: Receiver) -> None:
    ends("failed")
    read()
    runtime.update({"webhook_url": ""}, by="ada")
    sending.work("webhook")
    row = Delivery.objects.get(channel="webhook")
    assert (row.state, row.said, hook.got) == ("skipped", "Webhook was switched off", [])


def test_without_its_job_the_event_is_still_told(nas: System, hook: Receiver) -> None:
    with transaction.atomic():
        record(Kind.BURNIN_FAILED, "it failed", system=nas, job_id=4711)
    read()
    sending.work("webhook")
    assert json.loads(hook.got[0][2])["text"] == "A drive failed: (nas-1)"


def test_the_beat_task_starts_what_has_work(
    ends: Ends, hook: Receiver, settings: Any, valkey: str
) -> None:
    """The task puts the channel's own task on the queue of the notifications."""
    import redis

    from burnin.tasks import poll_systems, send
    from burnin_site.celery import app

    ends("failed")
    deliver()
    send(poll_systems)
    queue = redis.Redis.from_url(valkey)
    assert (queue.llen("notifications"), queue.llen("celery")) == (1, 1)
    # A worker that is told nothing takes both.
    assert set(app.amqp.queues.consume_from) == {"celery", "notifications"}
    send_channel("webhook")
    assert len(hook.got) == 1


def test_a_report_that_can_not_be_made_holds_up_nothing_else(
    ends: Ends, hook: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr("notifications.tasks.send", lambda task, *args, **_: asked.append(args))

    def fail(now: Any) -> bool:
        raise ZeroDivisionError

    monkeypatch.setattr("notifications.report.make_if_due", fail)
    ends("failed")
    with pytest.raises(ZeroDivisionError):  # it stands in the log
        deliver()
    assert asked == [("webhook",)]
