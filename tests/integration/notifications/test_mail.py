"""Mail to a real server, by each mode, and the server's own words when it doesn't want it."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from config import runtime
from notifications import transports
from notifications.transports import Message, NotSent, mail
from tests.integration.notifications.servers import USER, MailServer, dripping

MailAt = Callable[..., MailServer]
pytestmark = pytest.mark.django_db

PAYLOAD = {
    "event": "burnin_failed",
    "title": "sdn failed",
    "error_text": "12 sectors could not be read back\r\nBcc: x@example.org",
    "model": "FAIL001",
    "serial": "<b>SER</b>",
    "system": "nas-1",
    "location": "bay 7",
    "operator": "olga",
    "url": "http://localhost:8080/history/7",
    "job_id": 7,
}


@pytest.mark.parametrize("mode", ["plain", "starttls", "ssl"])
def test_each_mode_logs_in_and_sends(mode: str, mail_at: MailAt) -> None:
    server = mail_at(mode, smtp_to="ops@example.org, Alice <alice@example.org>")
    said = mail.send([Message("k1", PAYLOAD)], runtime.current())
    assert said == "250 2.0.0 Ok: queued as 4711"
    (got,) = server.mails
    assert server.logins == [USER]
    assert got["X-Envelope-To"] == "ops@example.org,alice@example.org"
    assert got["X-Secure"] == str(mode != "plain")
    assert (got["Subject"], got["From"], got["Bcc"]) == ("sdn failed", USER, None)
    assert got["Message-ID"] == "<k1@localhost>"
    text, html = [part.get_payload(decode=True).decode() for part in got.get_payload()]
    assert "http://localhost:8080/history/7" in text
    assert "&lt;b&gt;SER" in html


@pytest.mark.parametrize("mode", ["plain", "starttls", "ssl"])
def test_the_connection_is_tested_without_sending(mode: str, mail_at: MailAt) -> None:
    server = mail_at(mode, smtp_to="")
    answer = mail.test_connection(runtime.current())
    assert answer.ok, answer.words
    assert answer.words.startswith("235 2.7.0 Authentication successful")
    assert server.mails == []


def test_a_wrong_password_is_told_in_the_servers_words_and_nobody_elses(mail_at: MailAt) -> None:
    mail_at("starttls", smtp_password="wrong and secret")
    answer = mail.test_connection(runtime.current())
    assert not answer.ok
    assert answer.words.startswith("localhost refuses the login: 535 5.7.8")
    assert "wrong and secret" not in answer.words


@pytest.mark.parametrize("mode", ["starttls", "ssl"])
def test_a_certificate_that_nobody_vouches_for_ends_it(mode: str, mail_at: MailAt) -> None:
    server = mail_at(mode, trusted=False)
    answer = mail.test_connection(runtime.current())
    assert "certificate of localhost isn’t trusted" in answer.words
    assert server.logins == []


def test_starttls_never_falls_back_to_plain(
    mail_at: MailAt, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = mail_at("plain")
    monkeypatch.setitem(runtime.SMTP_MODES, "starttls", ("STARTTLS", server.port))
    runtime.update({"smtp_mode": "starttls"}, by="ada")
    answer = mail.test_connection(runtime.current())
    assert "STARTTLS" in answer.words and not answer.ok
    assert server.logins == []


def test_one_refused_recipient_is_named_and_the_others_get_it(mail_at: MailAt) -> None:
    server = mail_at(smtp_to="ops@example.org, gone@example.org")
    server.refuse = {"gone@example.org"}
    said = mail.send([Message("k", PAYLOAD)], runtime.current())
    assert "Not to gone@example.org: 550 5.1.1 no such mailbox here" in said
    assert len(server.mails) == 1
    server.refuse = {"gone@example.org", "ops@example.org"}
    with pytest.raises(NotSent, match="refuses every recipient"):
        mail.send([Message("k", PAYLOAD)], runtime.current())


def test_a_server_that_takes_no_mail_now_is_quoted(mail_at: MailAt) -> None:
    mail_at().answer = "452 4.3.1 insufficient storage"
    with pytest.raises(NotSent, match="452 4.3.1 insufficient storage"):
        mail.send([Message("k", PAYLOAD)], runtime.current())


def test_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(runtime.SMTP_MODES, "plain", ("Plain", 1))
    runtime.update(
        {"smtp_host": "127.0.0.1", "smtp_mode": "plain", "smtp_to": "a@b.example"}, by="a"
    )
    answer = mail.send_test(runtime.current())
    assert (answer.ok, answer.words) == (False, "127.0.0.1 port 1: Connection refused")


@pytest.mark.parametrize("said", [b"", b"220 hello\r\n", b"220 hello\r\n250-ok\r\n"])
def test_who_keeps_it_alive_by_a_byte_now_and_then_is_cut_off(
    said: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the first byte on: the greeting may drip too."""
    monkeypatch.setattr(mail, "cut_off", lambda sock: transports.cut_off(sock, 0.3))
    with dripping(said) as port:
        monkeypatch.setitem(runtime.SMTP_MODES, "plain", ("Plain", port))
        changes = {"smtp_host": "127.0.0.1", "smtp_mode": "plain", "smtp_to": "a@b.example"}
        runtime.update(changes, by="a")
        began = time.monotonic()
        with pytest.raises(NotSent, match="took longer than 0.3 s and was cut off"):
            mail.send([Message("k", PAYLOAD)], runtime.current())
        assert time.monotonic() - began < 10


def test_a_server_that_thinks_about_a_mail_is_waited_for(
    mail_at: MailAt, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Spam filters take a while; to leave before the answer means to send it again."""
    mail_at().thinks = 2.0
    monkeypatch.setattr(mail, "WAIT_SECONDS", 1.0)
    assert mail.send([Message("k", PAYLOAD)], runtime.current()).startswith("250")


def test_many_that_end_together_are_one_mail(mail_at: MailAt) -> None:
    server = mail_at()
    passed = PAYLOAD | {"event": "burnin_passed", "title": "sda passed", "error_text": ""}
    mail.send([Message("b", passed), Message("b", PAYLOAD)], runtime.current())
    (got,) = server.mails
    assert got["Subject"] == "2 burn-ins ended: 1 failed, 1 passed"
    text = got.get_payload()[0].get_payload(decode=True).decode()
    assert text.index("sdn failed") < text.index("sda passed")
