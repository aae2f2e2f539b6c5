"""The webhook against a real receiver that fails, hangs, redirects or answers 429."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from pathlib import Path
from typing import Any

import pytest

from config import runtime
from notifications import transports
from notifications.transports import Message, NotSent, peers, webhook
from tests.integration.notifications.servers import Receiver, receiver

pytestmark = pytest.mark.django_db
PAYLOAD = {"event": "burnin_failed", "job_id": 7, "text": "sdn failed", "title": "sdn failed"}


def send() -> str:
    return webhook.send(Message("key-1", PAYLOAD), runtime.current())


def test_it_is_posted_as_json_signed_and_with_its_key(hook: Receiver) -> None:
    runtime.update({"webhook_secret": "hush hush"}, by="ada")
    assert send() == "200 ok"
    ((path, headers, body),) = hook.got
    assert (path, json.loads(body)) == ("/hook", PAYLOAD)
    assert headers["Content-Type"] == "application/json"
    assert headers["Idempotency-Key"] == "key-1"
    digest = hmac.new(b"hush hush", body, hashlib.sha256).hexdigest()
    assert headers["X-Burnin-Signature"] == f"sha256={digest}"
    assert headers["X-Burnin-Event"] == "burnin_failed"
    # By these ntfy makes title and message of the JSON.
    shown = {name: headers[f"X-{name}"] for name in ("Template", "Title", "Message")}
    assert shown == {"Template": "yes", "Title": "{{.title}}", "Message": "{{.text}}"}


def test_without_a_secret_it_is_not_signed(hook: Receiver) -> None:
    send()
    assert "X-Burnin-Signature" not in hook.got[0][1]


def test_a_refusal_is_told_in_its_own_words(hook: Receiver) -> None:
    hook.answers = [(403, '{"error":"forbidden"}', {})]
    with pytest.raises(NotSent) as caught:
        send()
    assert str(caught.value) == '127.0.0.1 answered 403 {"error":"forbidden"}'


def test_it_waits_as_long_as_it_is_asked_to(hook: Receiver) -> None:
    hook.answers = [
        (429, "slow down", {"Retry-After": "120"}),
        (503, "", {"Retry-After": "99999999"}),
    ]
    for seconds in (120, 3600):
        with pytest.raises(NotSent) as caught:
            send()
        assert (caught.value.retry_after, caught.value.all_of_channel) == (seconds, True)


def test_a_redirect_is_not_followed(hook: Receiver) -> None:
    hook.answers = [(302, "", {"Location": "http://169.254.169.254/latest/meta-data"})]
    with pytest.raises(NotSent, match="302, go to 169.254.169.254"):
        send()
    assert len(hook.got) == 1


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0.0.0.0", "127.1", "2130706433"]
)
def test_this_machine_takes_an_admins_explicit_choice(hook: Receiver, host: str) -> None:
    url = hook.url.replace("127.0.0.1", host)
    runtime.update({"webhook_url": url, "webhook_allow_local": False}, by="ada")
    with pytest.raises(NotSent) as caught:
        send()
    assert "nothing was sent" in str(caught.value)
    assert hook.got == []


def test_a_certificate_that_nobody_vouches_for_ends_it(cert: Path, db: None) -> None:
    with receiver(cert) as server:
        changes = {"webhook_url": server.url, "webhook_allow_local": True}
        runtime.update(changes, by="ada")
        with pytest.raises(NotSent, match="certificate of localhost isn’t trusted"):
            send()
        assert server.got == []


def test_a_proxy_of_the_environment_is_not_asked(
    hook: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert send() == "200 ok"


@pytest.mark.parametrize(
    ("address", "local"),
    [
        ("127.0.0.9", True), ("::1", True), ("169.254.169.254", True), ("fe80::1%eth0", True),
        ("::ffff:169.254.1.1", True), ("0.0.0.0", True), ("::", True), ("224.0.0.1", True),
        ("192.168.1.9", False), ("10.0.0.1", False), ("fd00::1", False), ("203.0.113.1", False),
    ],
)  # fmt: skip
def test_which_addresses_are_local(address: str, local: bool) -> None:
    assert peers.is_local(address) is local


def test_who_hangs_is_left(hook: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook, "WAIT_SECONDS", 0.2)
    hook.hang = 30
    with pytest.raises(NotSent, match="doesn’t answer within"):
        send()


def test_who_keeps_it_alive_by_a_byte_now_and_then_is_cut_off(
    hook: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def soon(sock: Any) -> Any:
        return transports.cut_off(sock, 0.5)

    monkeypatch.setattr(webhook, "cut_off", soon)
    hook.drip = True
    began = time.monotonic()
    with pytest.raises(NotSent):
        send()
    assert time.monotonic() - began < 10


def test_nobody_is_there() -> None:
    for url, words in (
        ("http://127.0.0.1:1/x?token=hidden", "127.0.0.1: Connection refused"),
        ("http://nobody.invalid/hidden", "nobody.invalid: the name is not known"),
    ):
        runtime.update({"webhook_url": url, "webhook_allow_local": True}, by="ada")
        answer = webhook.send_test(runtime.current())
        assert (answer.ok, answer.words) == (False, words)
