"""The webhook: JSON by POST (N3). Redirects are never followed: what is posted is for that address.

The other side can tell a second try of the same by Idempotency-Key, and by X-Burnin-Signature that
it comes from us: `sha256=` and the HMAC of the body under WEBHOOK_SECRET, in hex. The headers of
Template to Message are for ntfy, which then shows the sentence in place of the JSON.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import requests
import urllib3
from django.conf import settings

from config.runtime import Runtime

from . import WAIT_SECONDS, Answer, Message, NotSent, cut_off, shown
from .peers import LocalAddress, Session

ANSWER_BYTES = 2000
RETRY_AFTER_MAX = 3600.0


def send(message: Message, runtime: Runtime) -> str:
    """Post it. What the other side answered, in one line. Raises NotSent."""
    body = json.dumps(message.payload).encode()
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "burnin-webhook",
        "Idempotency-Key": message.key,
        "X-Burnin-Event": str(message.payload["event"]),
        "X-Template": "yes",
        "X-Title": "{{.title}}",
        "X-Message": "{{.text}}",
    }
    if runtime.webhook_secret:
        headers["X-Burnin-Signature"] = signature(body, runtime.webhook_secret)
    return _post(runtime.webhook_url, body, headers, allow_local=runtime.webhook_allow_local)


def signature(body: bytes, secret: str) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def send_test(runtime: Runtime) -> Answer:
    """The payload of an event named `test`."""
    if not runtime.webhook_url:
        return Answer(False, "Fill in the URL first.")
    words = f"The webhook of Burn-in at {settings.APP_URL} works"
    payload = {
        "event": "test", "job_id": None, "devname": "", "serial": "", "model": "", "state": "",
        "operator": "", "error_text": "", "title": "Test", "text": words, "content": words,
        "at": datetime.now(UTC).isoformat(),
    }  # fmt: skip
    began = time.monotonic()
    try:
        said = send(Message(f"test-{time.time_ns()}", payload), runtime)
    except NotSent as error:
        return Answer(False, str(error), time.monotonic() - began)
    return Answer(True, said, time.monotonic() - began)


def _post(url: str, body: bytes, headers: dict[str, str], *, allow_local: bool) -> str:
    # A host alone: the rest of the address often holds a token.
    host = urlsplit(url).hostname or "?"
    try:
        with Session(allow_local=allow_local) as session, cut_off(session.sock):
            answer = session.post(
                url,
                data=body,
                headers=headers,
                timeout=WAIT_SECONDS,
                allow_redirects=False,
                stream=True,
            )
            words = answer.raw.read(ANSWER_BYTES, decode_content=True)
    except LocalAddress as error:
        raise NotSent(
            f"{host} is {error}, an address of this machine or its link; nothing was sent. "
            "Allow local addresses if that is meant"
        ) from None
    except requests.exceptions.SSLError:
        raise NotSent(f"The certificate of {host} isn’t trusted, or it speaks no TLS") from None
    except requests.exceptions.ConnectTimeout:
        raise NotSent(f"{host} can’t be reached within {WAIT_SECONDS} s") from None
    except (requests.exceptions.Timeout, urllib3.exceptions.TimeoutError, TimeoutError):
        raise NotSent(f"{host} doesn’t answer within {WAIT_SECONDS} s") from None
    except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
        raise NotSent(f"{host}: {_why(error)}") from None
    except ValueError as error:
        raise NotSent(f"{host} is no address: {error}") from None
    return _judge(host, answer, words)


def _judge(host: str, answer: requests.Response, words: bytes) -> str:
    status = answer.status_code
    said = shown(f"{status} {words.decode(errors='replace') or answer.reason}")
    if 200 <= status < 300:
        return said
    if 300 <= status < 400:
        to = urlsplit(answer.headers.get("Location", "")).hostname or "elsewhere"
        raise NotSent(f"{host} answered {status}, go to {to}: enter the address it leads to")
    raise NotSent(
        f"{host} answered {said}",
        retry_after=_seconds(answer.headers.get("Retry-After", "")),
        # It doesn't like this message; it may like the next.
        all_of_channel=status == 429 or status >= 500 or status in (401, 403),
    )


def _seconds(text: str) -> float | None:
    """Retry-After: seconds or a date; nothing above an hour is obeyed."""
    try:
        seconds = float(text)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds()
        except (TypeError, ValueError):
            return None
    return min(max(seconds, 0.0), RETRY_AFTER_MAX) if seconds == seconds else None


def _why(error: BaseException) -> str:
    """The innermost reason: what wraps it quotes addresses and objects."""
    inner: BaseException | None = error
    while inner is not None:
        if isinstance(inner, urllib3.exceptions.NameResolutionError):
            return "the name is not known"
        if isinstance(inner, OSError) and inner.strerror:
            return inner.strerror
        args = [arg for arg in inner.args if isinstance(arg, BaseException)]
        reason = getattr(inner, "reason", None)
        following = reason if isinstance(reason, BaseException) else (args[0] if args else None)
        inner = following or inner.__context__
    return "it closed the connection without an answer"
