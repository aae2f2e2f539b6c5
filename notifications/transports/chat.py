"""Chat services through Apprise, which knows how each of them wants it: `tgram://…`, `matrix://…`.

Apprise keeps its own time limits (4 s to connect, 4 s for an answer) and tells in its log alone
what went wrong.
"""

from __future__ import annotations

import logging
import re
import socket
import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.conf import settings

from config.runtime import Runtime

from . import Answer, Message, NotSent, shown
from .mail import digest_title
from .peers import is_local

if TYPE_CHECKING:
    from apprise import NotifyBase

COLOURS = {"burnin_failed": "failure", "burnin_unknown": "warning", "burnin_passed": "success"}


def send(messages: Sequence[Message], url: str, runtime: Runtime) -> str:
    """One message for all of them. Raises NotSent."""
    # Imported late: it takes a while, and most have no chat service.
    import apprise

    payloads = [message.payload for message in messages]
    service = apprise.Apprise.instantiate(url, suppress_exceptions=True)
    if service is None:
        raise NotSent("Apprise doesn’t understand this address")
    _look_at_host(service, runtime)
    events = [payload["event"] for payload in payloads]
    colour = next((COLOURS[event] for event in COLOURS if event in events), "info")
    complaints = _Complaints()
    apprise.logger.addHandler(complaints)
    try:
        sent = service.notify(
            title=digest_title(payloads),
            body="\n".join(payload["text"] for payload in payloads),
            notify_type=apprise.NotifyType(colour),
        )
    except Exception as error:  # a plug-in's own
        raise NotSent(f"Apprise: {type(error).__name__}") from None
    finally:
        apprise.logger.removeHandler(complaints)
    if not sent:
        raise NotSent("; ".join(complaints.words) or "Apprise says no more than: not sent")
    return "Taken by the service"


def send_test(runtime: Runtime) -> Answer:
    """A message to each address; the first one that fails is told."""
    if not runtime.apprise_urls:
        return Answer(False, "Fill in an address first.")
    words = f"Chat works. What has ended on {settings.APP_URL} will come this way."
    payload = {"event": "test", "title": "Burn-in", "text": words}
    began = time.monotonic()
    for number, url in enumerate(runtime.apprise_urls, 1):
        try:
            send([Message("test", payload)], url, runtime)
        except NotSent as error:
            where = f"Address {number} ({urlsplit(url).scheme})"
            return Answer(False, f"{where}: {error}", time.monotonic() - began)
    count = len(runtime.apprise_urls)
    return Answer(True, f"taken by {count} of {count}", time.monotonic() - began)


def _look_at_host(service: NotifyBase, runtime: Runtime) -> None:
    """The rule of the webhook, for services at an address of their own. Apprise looks the name up
    once more, so it is weaker: an admin entered it."""
    host: Any = getattr(service, "host", None)
    if runtime.webhook_allow_local or not isinstance(host, str) or not host or host.isdecimal():
        return  # a number is the name of a bot
    try:
        found = {str(one[4][0]) for one in socket.getaddrinfo(host, None)}
    except OSError:
        return  # no host, or one that Apprise will not find either
    if any(map(is_local, found)):
        raise NotSent(f"{host} is an address of this machine or its link; nothing was sent")


class _Complaints(logging.Handler):
    """Catches Apprise's log of this thread; addresses in it may hold tokens."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.words: list[str] = []
        self._thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread and len(self.words) < 3:
            self.words.append(shown(re.sub(r"\w+://\S+", "[address]", record.getMessage())))
