"""Chat services through Apprise, which knows how each of them wants it: `tgram://…`, `matrix://…`.

Apprise keeps time limits of its own (4 s to connect, 4 s for each byte of an answer), an address
may lift them, and its connections can't be got at: so it works in a thread that is left behind when
it takes too long. What went wrong it tells in its log alone.
"""

from __future__ import annotations

import logging
import re
import socket
import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.conf import settings

from config.runtime import Runtime

from . import WHOLE_SECONDS, Answer, Message, NotSent, shown
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
    # As the webhook: what is sent is for that address, whatever it says.
    service.redirects = False
    _look_at_host(service, runtime)
    events = [payload["event"] for payload in payloads]
    colour = next((COLOURS[event] for event in COLOURS if event in events), "info")
    asked = _Asked(
        service,
        title=digest_title(payloads),
        body="\n".join(payload["text"] for payload in payloads),
        notify_type=apprise.NotifyType(colour),
    )
    asked.start()
    asked.join(WHOLE_SECONDS)
    if asked.is_alive():
        raise NotSent(f"It was not done after {WHOLE_SECONDS:g} s")
    if not asked.sent:
        raise NotSent("; ".join(asked.complaints) or "Apprise says no more than: not sent")
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
            where = f"Address {number} ({url.partition('://')[0]})"
            return Answer(False, f"{where}: {error}", time.monotonic() - began)
    count = len(runtime.apprise_urls)
    return Answer(True, f"taken by {count} of {count}", time.monotonic() - began)


def _look_at_host(service: NotifyBase, runtime: Runtime) -> None:
    """The rule of the webhook, for services at an address of their own. Apprise looks the name up
    once more, so it is weaker: an admin entered it."""
    host: Any = getattr(service, "host", None)
    if runtime.webhook_allow_local or not isinstance(host, str) or not host:
        return
    if service.schema == "tgram":
        return  # that is the number of a bot, where elsewhere 2130706433 is 127.0.0.1
    try:
        found = {str(one[4][0]) for one in socket.getaddrinfo(host, None)}
    except OSError:
        return  # no host, or one that Apprise will not find either
    if any(map(is_local, found)):
        raise NotSent(f"{host} is an address of this machine or its link; nothing was sent")


class _Asked(threading.Thread):
    """One call of Apprise: whether it was sent, and what Apprise complained of."""

    def __init__(self, service: NotifyBase, **message: Any) -> None:
        super().__init__(daemon=True)
        self._service, self._message = service, message
        self.sent = False
        self.complaints: list[str] = []

    def run(self) -> None:
        import apprise

        listener = _Complaints(self.complaints)
        apprise.logger.addHandler(listener)
        try:
            self.sent = bool(self._service.notify(**self._message))
        except Exception as error:  # a plug-in's own
            self.complaints.append(f"Apprise: {type(error).__name__}")
        finally:
            apprise.logger.removeHandler(listener)


class _Complaints(logging.Handler):
    """Catches Apprise's log of this thread; addresses in it may hold tokens."""

    def __init__(self, words: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._words = words
        self._thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread and len(self._words) < 3:
            self._words.append(shown(re.sub(r"\w+://\S+", "[address]", record.getMessage())))
