"""Chat services through Apprise, against a receiver of its plain JSON service."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from django.utils import timezone

from audit.models import AuditEvent
from config import runtime
from notifications import outbox, sending, transports
from notifications.models import Delivery
from tests.integration.notifications.servers import Receiver

pytestmark = pytest.mark.django_db
Ends = Callable[..., AuditEvent]


def deliver() -> None:
    outbox.read(timezone.now())
    Delivery.objects.filter(state="waiting").update(next_try_at=timezone.now())
    for name in sending.channels_with_work(timezone.now()):
        sending.work(name)


def chat(hook: Receiver) -> str:
    return hook.url.replace("http://", "json://")


def test_each_address_is_a_channel_of_its_own(ends: Ends, hook: Receiver) -> None:
    dead = "json://127.0.0.1:1/token-that-is-secret"
    changes = {"webhook_url": "", "apprise_urls": [chat(hook), dead]}
    runtime.update(changes, by="ada")
    for number in range(4):
        ends("failed", f"sd{number}", error_text="12 bad sectors")
    deliver()
    deliver()
    ((_, _, body),) = hook.got  # one for all four, and not again because the other is dead
    told = json.loads(body)
    assert told["title"] == "4 burn-ins ended: 4 failed"
    assert told["message"].count("12 bad sectors") == 4
    assert told["type"] == "failure"
    waiting = Delivery.objects.filter(state="waiting")
    assert waiting.count() == 4
    assert "token-that-is-secret" not in "".join(row.said + row.channel for row in waiting)
    assert all(row.said for row in waiting)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0.0.0.0"])
def test_this_machine_takes_an_admins_explicit_choice(
    ends: Ends, hook: Receiver, host: str
) -> None:
    address = chat(hook).replace("127.0.0.1", host)
    changes = {"webhook_url": "", "apprise_urls": address, "webhook_allow_local": False}
    runtime.update(changes, by="ada")
    ends("failed")
    deliver()
    assert hook.got == []
    (row,) = Delivery.objects.filter(channel__startswith="chat-")
    assert "nothing was sent" in row.said


def test_a_redirect_is_not_followed(ends: Ends, hook: Receiver) -> None:
    """Not even where the address asks for it: it would lead past the look at the host."""
    address = f"{chat(hook)}?redirect=yes"
    runtime.update({"webhook_url": "", "apprise_urls": address}, by="ada")
    hook.answers = [(302, "", {"Location": "/elsewhere"})]
    ends("failed")
    deliver()
    assert [path for path, _, _ in hook.got] == ["/hook"]
    (row,) = Delivery.objects.filter(channel__startswith="chat-")
    assert (row.state, "302" in row.said) == ("waiting", True)


def test_who_hangs_is_left_also_where_the_address_lifts_the_limits(
    ends: Ends, hook: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notifications.transports.chat.WHOLE_SECONDS", 0.3)
    address = f"{chat(hook)}?rto=100000&cto=100000"
    runtime.update({"webhook_url": "", "apprise_urls": address}, by="ada")
    hook.hang = 30
    answer = transports.chat.send_test(runtime.current())
    assert (answer.ok, answer.words) == (False, "Address 1 (json): It was not done after 0.3 s")


def test_an_address_that_was_taken_away_is_skipped(ends: Ends, hook: Receiver) -> None:
    runtime.update({"webhook_url": "", "apprise_urls": chat(hook)}, by="ada")
    ends("failed")
    outbox.read(timezone.now())
    runtime.update({"apprise_urls": ""}, by="ada")
    deliver()
    (row,) = Delivery.objects.filter(channel__startswith="chat-")
    assert (row.state, row.said) == ("skipped", "this address was taken away")
