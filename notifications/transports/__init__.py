"""One file a way of sending. Each has its own time limit, and none of them is trusted with more."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from socket import SHUT_RDWR, socket
from threading import Event, Thread
from typing import Any

from config.redaction import redact

#: One wait for the other side, and all of one sending.
WAIT_SECONDS = 15
WHOLE_SECONDS = 60
WORDS_MAX = 300


@dataclass(frozen=True)
class Message:
    """What is to be sent: `key` is the same at each try, by which the other side can tell."""

    key: str
    payload: dict[str, Any]


class NotSent(Exception):
    """It was not sent, or nobody can tell. Its words are the other side's own where it had any.

    `retry_after`: seconds that the other side asks for. `all_of_channel`: nothing else would go
    through there just now either.
    """

    def __init__(
        self, words: str, *, retry_after: float | None = None, all_of_channel: bool = True
    ) -> None:
        super().__init__(shown(words))
        self.retry_after, self.all_of_channel = retry_after, all_of_channel


@dataclass(frozen=True)
class Answer:
    """What a test button shows: whether it went well, the other side's words, and how long."""

    ok: bool
    words: str
    seconds: float = 0.0


def shown(words: object) -> str:
    """Somebody else's words, for a page: without secrets, control characters and excess."""
    text = words.decode(errors="replace") if isinstance(words, bytes) else str(words)
    text = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    text = redact(text)
    return text if len(text) <= WORDS_MAX else f"{text[:WORDS_MAX]}…"


class CutOff(OSError):
    """The other side kept us for longer than one sending may take."""

    def __init__(self, seconds: float) -> None:
        super().__init__(errno.ETIME, f"it took longer than {seconds:g} s and was cut off")


@contextmanager
def cut_off(sock: Callable[[], socket | None], seconds: float = WHOLE_SECONDS) -> Iterator[None]:
    """Ends a connection that is kept alive by a byte now and then: each byte starts the socket's
    own time limit anew. `sock` tells which one it is by then; where there is none yet, it is ended
    as soon as there is. What the block then raises becomes CutOff."""
    left, cut = Event(), Event()

    def watch() -> None:
        wait = seconds
        while not left.wait(wait):
            cut.set()
            _shut(sock())
            wait = 1.0

    Thread(target=watch, daemon=True).start()
    try:
        yield
    except Exception:
        if cut.is_set():
            raise CutOff(seconds) from None
        raise
    finally:
        left.set()


def _shut(sock: socket | None) -> None:
    if sock is not None:
        with suppress(OSError):
            # Also of an SSL socket the plain one below: that wakes up who waits in it.
            socket.shutdown(sock, SHUT_RDWR)
