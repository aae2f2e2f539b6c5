"""Mail over SMTP: STARTTLS, TLS from the start, or plain; never less than what was asked for."""

from __future__ import annotations

import smtplib
import socket
import ssl
import time
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from email.utils import formatdate, parseaddr
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

from config.runtime import Runtime

from . import WAIT_SECONDS, WHOLE_SECONDS, Answer, Message, NotSent, cut_off, shown


def is_on(runtime: Runtime) -> bool:
    return bool(runtime.smtp_host and runtime.smtp_to)


def send(messages: Sequence[Message], runtime: Runtime) -> str:
    """One mail for all of them to SMTP_TO. What the server said. Raises NotSent.

    The Message-ID is made of the first key, so that a second try of the same can be told.
    """
    subject, text, html = render(messages)
    return _send(subject, text, html, messages[0].key, runtime)


def render(messages: Sequence[Message]) -> tuple[str, str, str]:
    """Subject, plain text and HTML of what has ended, or of a report that was rendered already."""
    first = messages[0].payload
    if first["event"] == "report":
        return first["title"], first["text"], first["html"]
    payloads = [message.payload for message in messages]
    order = {"burnin_failed": 0, "burnin_unknown": 1, "burnin_passed": 2}
    payloads.sort(key=lambda payload: order.get(payload["event"], 3))
    title = digest_title(payloads)
    context = {"payloads": payloads, "home": settings.APP_URL, "title": title}
    return (
        title,
        render_to_string("notifications/ended.txt", context),
        render_to_string("notifications/ended.html", context),
    )


def digest_title(payloads: Sequence[dict[str, Any]]) -> str:
    """`sdn failed`, or of several: `12 burn-ins ended: 1 failed, 11 passed`."""
    if len(payloads) == 1:
        return str(payloads[0]["title"])
    words = {"burnin_failed": "failed", "burnin_unknown": "inconclusive", "burnin_passed": "passed"}
    events = [payload["event"] for payload in payloads]
    parts = [f"{events.count(name)} {word}" for name, word in words.items() if name in events]
    return f"{len(payloads)} burn-ins ended: {', '.join(parts)}"


def send_test(runtime: Runtime) -> Answer:
    """A mail that says that mail works."""
    if not is_on(runtime):
        return Answer(False, "Fill in server and recipient first.")
    text = f"Mail works. What has ended on {settings.APP_URL} will come this way."
    began = time.monotonic()
    try:
        said = _send("Mail from Burn-in works", text, "", f"test-{time.time_ns()}", runtime)
    except NotSent as error:
        return Answer(False, str(error), time.monotonic() - began)
    return Answer(True, said, time.monotonic() - began)


def test_connection(runtime: Runtime) -> Answer:
    """Connect, secure, log in and leave: nothing is sent."""
    if not runtime.smtp_host:
        return Answer(False, "Fill in the server first.")
    began = time.monotonic()
    try:
        with _connected(runtime) as (server, said):
            if not runtime.smtp_user:
                said = _words(server.noop())
    except NotSent as error:
        return Answer(False, str(error), time.monotonic() - began)
    return Answer(True, said, time.monotonic() - began)


def sender(runtime: Runtime) -> str:
    """SMTP_FROM; else the user where that is an address, else burnin@ this product's host."""
    if runtime.smtp_from:
        return runtime.smtp_from
    if "@" in runtime.smtp_user:
        return runtime.smtp_user
    return f"burnin@{urlsplit(settings.APP_URL).hostname or 'localhost'}"


def _send(subject: str, text: str, html: str, key: str, runtime: Runtime) -> str:
    mail = EmailMultiAlternatives(
        " ".join(subject.split()),
        text,
        sender(runtime),
        list(runtime.smtp_to),
        headers={
            "Message-ID": f"<{key}@{urlsplit(settings.APP_URL).hostname or 'localhost'}>",
            "Date": formatdate(localtime=True),
            "Auto-Submitted": "auto-generated",
        },
    )
    if html:
        mail.attach_alternative(html, "text/html")
    with _connected(runtime) as (server, _):
        lines = mail.message().as_bytes().splitlines()
        return _hand_over(server, b"\r\n".join([*lines, b""]), runtime)


def _hand_over(server: smtplib.SMTP, mail: bytes, runtime: Runtime) -> str:
    """The dialogue by hand, because `sendmail` keeps the server's last word for itself.

    Raises NotSent when nobody gets it. Who is refused while others get it is named in the answer.
    """
    _expect(server.mail(parseaddr(sender(runtime))[1]), "refuses the sender")
    refused = []
    for address in runtime.smtp_to:
        code, words = server.rcpt(parseaddr(address)[1])
        if code not in (250, 251):
            refused.append(f"{address}: {_words((code, words))}")
    if len(refused) == len(runtime.smtp_to):
        raise NotSent(f"The server refuses every recipient: {'; '.join(refused)}")
    # Many look for spam and viruses before they say yes; who leaves early sends it once more.
    if server.sock is not None:
        server.sock.settimeout(WHOLE_SECONDS)
    said = _expect(server.data(mail), "doesn’t take the mail")
    return f"{said}. Not to {'; '.join(refused)}" if refused else said


class _Listed:
    """Mixed into a server: it is in the list before it hears a word, because its constructor waits
    for the greeting already, and that may drip as anything else."""

    def __init__(self, servers: list[Any], *args: Any, **kwargs: Any) -> None:
        servers.append(self)
        super().__init__(*args, **kwargs)


class _Plain(_Listed, smtplib.SMTP):
    pass


class _Secure(_Listed, smtplib.SMTP_SSL):
    pass


@contextmanager
def _connected(runtime: Runtime) -> Iterator[tuple[smtplib.SMTP, str]]:
    """A server that was greeted, secured and logged in to, and what it said to the login.

    Everything that goes wrong with it, also inside of the block, comes out as NotSent.
    """
    host, port, secure = runtime.smtp_host, runtime.smtp_port, ssl.create_default_context()
    where = f"{host} port {port}"
    servers: list[smtplib.SMTP] = []
    try:
        with cut_off(lambda: servers[0].sock if servers else None):
            server: smtplib.SMTP
            if runtime.smtp_mode == "ssl":
                server = _Secure(servers, host, port, timeout=WAIT_SECONDS, context=secure)
            else:
                server = _Plain(servers, host, port, timeout=WAIT_SECONDS)
            server.ehlo()
            if runtime.smtp_mode == "starttls":
                server.starttls(context=secure)
                server.ehlo()
            said = ""
            if runtime.smtp_user:
                said = _log_in(server, runtime.smtp_user, runtime.smtp_password)
            yield server, said
    except smtplib.SMTPAuthenticationError as error:
        words = _words((error.smtp_code, error.smtp_error))
        raise NotSent(f"{host} refuses the login: {words}") from None
    except smtplib.SMTPNotSupportedError as error:
        raise NotSent(f"{host}: {error}") from None
    except smtplib.SMTPResponseException as error:
        raise NotSent(f"{host}: {_words((error.smtp_code, error.smtp_error))}") from None
    except smtplib.SMTPException as error:
        raise NotSent(f"{where}: {error}") from None
    except ssl.SSLCertVerificationError as error:
        raise NotSent(f"The certificate of {host} isn’t trusted: {error.verify_message}") from None
    except ssl.SSLError as error:
        raise NotSent(f"{where} doesn’t speak TLS like that: {error.reason or error}") from None
    except socket.gaierror as error:
        raise NotSent(f"The name {host} is not known: {error.strerror}") from None
    except TimeoutError:
        raise NotSent(f"{where} doesn’t answer within {WAIT_SECONDS} s") from None
    except (OSError, UnicodeError, ValueError) as error:
        raise NotSent(f"{where}: {getattr(error, 'strerror', None) or error}") from None
    finally:
        for server in servers:
            server.close()


def _log_in(server: smtplib.SMTP, user: str, password: str) -> str:
    """What the server said. smtplib knows ASCII alone, and tries a wrong password by each way."""
    ways = server.esmtp_features.get("auth", "").upper().split()
    if "PLAIN" in ways:
        answer = server.docmd("AUTH", f"PLAIN {_base64(f'{chr(0)}{user}{chr(0)}{password}')}")
    elif "LOGIN" in ways:
        answer = server.docmd("AUTH", f"LOGIN {_base64(user)}")
        if answer[0] == 334:
            answer = server.docmd(_base64(password))
    else:
        answer = server.login(user, password)
    if answer[0] not in (235, 503):
        raise smtplib.SMTPAuthenticationError(*answer)
    return _words(answer)


def _base64(text: str) -> str:
    return b64encode(text.encode()).decode()


def _expect(answer: tuple[int, bytes], trouble: str) -> str:
    if not 200 <= answer[0] < 300:
        raise NotSent(f"The server {trouble}: {_words(answer)}")
    return _words(answer)


def _words(answer: tuple[int, bytes | str]) -> str:
    code, words = answer
    return shown(f"{code} {words.decode(errors='replace') if isinstance(words, bytes) else words}")
