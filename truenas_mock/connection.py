"""What both kinds of websocket share: reading, calls in threads, their limits, and the faults."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from .auth import Session
from .errors import CallError
from .events import Events
from .faults import DEEP, FOREVER, SLOW_SECONDS, Fault, Faults
from .middleware import Middleware
from .rest import path_of
from .wire import Closed, Wire

#: So many calls run at the same time; twice as many may be there.
RUNNING, WAITING = 10, 20
#: Bytes of one message, before and after the login.
BEFORE_LOGIN, AFTER_LOGIN = 8192, 65536
#: nginx drops a connection that has been silent for so long.
SILENT_SECONDS = 60
LOOK_SECONDS = 0.2
INVALID_TEXT, TOO_BIG, UNSUPPORTED, INTERNAL_ERROR = 1007, 1009, 1003, 1011
#: The id of a call that came without one: nobody waits for its answer.
NOBODY = object()
ERROR_PAGE = "<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"


class Connection(ABC):
    """`serve` returns when it is over."""

    def __init__(
        self, wire: Wire, middleware: Middleware, events: Events, faults: Faults, session: Session
    ) -> None:
        self.wire, self.middleware, self.events = wire, middleware, events
        self.faults, self.session = faults, session
        self.release = middleware.release
        self._pool = ThreadPoolExecutor(RUNNING, thread_name_prefix="call")
        self._calls = 0
        self._lock = threading.Lock()
        self._spoke = time.monotonic()

    @abstractmethod
    def handle(self, text: str) -> None:
        """One message of the client."""

    @abstractmethod
    def event(self, kind: str, name: str, **more: Any) -> None:
        """Tells that something has happened: kind is ADDED, CHANGED or REMOVED."""

    @abstractmethod
    def unsubscribed(self, name: str, error: Exception | None) -> None:
        """A subscription is over."""

    @abstractmethod
    def document(self, call_id: Any, result: Any) -> dict[str, Any]:
        """The answer to a call that went well."""

    @abstractmethod
    def failure(self, call_id: Any, error: Exception) -> dict[str, Any]:
        """The answer to one that didn't."""

    def serve(self) -> None:
        generation = self.middleware.generation
        try:
            while True:
                text: str | bytes | None
                try:
                    text = self.wire.receive(LOOK_SECONDS)
                except TimeoutError:
                    text = None
                silent = text is None and time.monotonic() - self._spoke > SILENT_SECONDS
                if silent or self.middleware.generation != generation:
                    self.wire.cut()
                    return
                if text is None:
                    continue
                if not isinstance(text, str):
                    self.wire.close(UNSUPPORTED, "Invalid websocket message type")
                    return
                if not self._fits(text):
                    return
                self.handle(text)
        except Closed:
            pass
        finally:
            self.events.drop(self)
            self._pool.shutdown(wait=False, cancel_futures=True)

    def _fits(self, text: str) -> bool:
        size = len(text.encode())
        if self.session.credentials is None and size > BEFORE_LOGIN:
            self.wire.close(INVALID_TEXT, "Anonymous connection max message length is 8 kB")
        elif size > AFTER_LOGIN and self.release.has("24.10"):
            self.wire.close(TOO_BIG, "Max message length is 64 kB")
        else:
            return True
        return False

    def send(self, document: Any) -> None:
        self._spoke = time.monotonic()
        with contextlib.suppress(Closed):
            self.wire.send(json.dumps(document))

    def call(self, call_id: Any, name: str, work: Callable[[], Any]) -> None:
        """Does the work in a thread and sends its answer; `too_many` when there are too many."""
        with self._lock:
            if self._calls >= WAITING:
                self.send(self.too_many(call_id))
                return
            self._calls += 1
        with contextlib.suppress(RuntimeError):  # it is being closed
            self._pool.submit(self._call, call_id, name, work)

    @abstractmethod
    def too_many(self, call_id: Any) -> dict[str, Any]:
        """The answer to one call more than there may be."""

    def _call(self, call_id: Any, name: str, work: Callable[[], Any]) -> None:
        fault = self.faults.take("api", path_of(name))
        try:
            try:
                if fault:
                    self._before(fault)
                result = work()
                answer = None if result is self.LATER else self.document(call_id, result)
            except Exception as error:
                answer = self.failure(call_id, error)
            if answer is not None and answer.get("id") is not NOBODY:
                self._deliver(answer, fault)
        finally:
            with self._lock:
                self._calls -= 1

    #: What a call's work returns when the answer comes later.
    LATER = object()

    def _before(self, fault: Fault) -> None:
        match fault.what:
            case "500":
                raise RuntimeError("Internal Server Error")
            case "401":
                self.session.log_out()
                raise CallError("Not authenticated", self.release.not_authenticated)
            case "429":
                raise CallError("Rate Limit Exceeded", 16)
            case "slow":
                time.sleep(SLOW_SECONDS if fault.seconds is None else fault.seconds)
            case "hang":
                time.sleep(FOREVER if fault.seconds is None else fault.seconds)
                raise Closed

    def _deliver(self, document: Any, fault: Fault | None) -> None:
        text = json.dumps(document)
        self._spoke = time.monotonic()
        with contextlib.suppress(Closed):
            match fault.what if fault else "":
                case "garbage":
                    self.wire.send(ERROR_PAGE)
                case "half":
                    self.wire.send(text[: len(text) // 2])
                case "deep":
                    self.wire.send(DEEP)
                case "cut":
                    self.wire.cut(text)
                case "hang":
                    self.wire.cut()
                case _:
                    self.wire.send(text)
