"""The mock's API of any release inside of the test's process, and clients of it as other people
write them: plain requests, plain websockets."""

from __future__ import annotations

import contextlib
import itertools
import json
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import requests
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from truenas_mock import web
from truenas_mock.debug import Debug
from truenas_mock.faults import Faults
from truenas_mock.middleware import Middleware
from truenas_mock.nas import Nas
from truenas_mock.releases import release
from truenas_mock.tls import Certificate

KEY = "mock-key"
SECONDS = 20


class Site:
    """One NAS: `port` is plain, `tls_port` is not."""

    def __init__(
        self, folder: Path, number: str, speed: float = 60, kinds: Sequence[str] = ()
    ) -> None:
        self.release = release(number)
        folder.mkdir(parents=True, exist_ok=True)
        self.nas = Nas(folder)
        played = self.release
        self.nas.power_on(speed, played.names, None, played.system, played.smartctl, kinds)
        self.faults = Faults()
        self.middleware = Middleware(self.nas, self.release)
        self.debugger = Debug(self.nas, self.middleware, self.faults)
        self.certificate = Certificate(folder)
        answers = web.handler(self.middleware, self.debugger, self.faults)
        self.servers = [
            web.listen(answers, "127.0.0.1", 0),
            web.listen(answers, "127.0.0.1", 0, self.certificate),
        ]
        self.port, self.tls_port = (one.server_address[1] for one in self.servers)

    @property
    def first(self) -> str:
        """Name of the first disk."""
        return "sda" if self.release.names == "sd" else "ada0"

    def debug(self, what: str, **body: Any) -> Any:
        return self.debugger.call("POST", what, body)

    def get(self, path: str, **options: Any) -> requests.Response:
        """GET http://NAS/path with the key."""
        return self.ask("GET", path, **options)

    def ask(self, verb: str, path: str, key: str | None = KEY, **options: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        url = f"http://127.0.0.1:{self.port}/{path}"
        return requests.request(verb, url, headers=headers, timeout=SECONDS, **options)

    def rest(self, verb: str, path: str, body: Any = None) -> Any:
        """The JSON of an answer that went well."""
        answer = self.ask(verb, f"api/v2.0/{path}", **({} if body is None else {"json": body}))
        assert answer.status_code == 200, answer.text
        return answer.json()

    def stop(self) -> None:
        for one in self.servers:
            one.shutdown()
            one.server_close()


class CallFailed(Exception):
    """`error` is the error object as it came."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(error)
        self.error = error


class Socket:
    """A websocket client: one call at a time, what comes beside the answers is in `events`."""

    path = ""

    def __init__(self, site: Site, key: str | None = KEY, path: str = "") -> None:
        url = f"ws://127.0.0.1:{site.port}{path or self.path}"
        self._connected = contextlib.ExitStack()
        opening = connect(url, open_timeout=SECONDS)
        self.socket: ClientConnection = self._connected.enter_context(opening)
        self.events: list[dict[str, Any]] = []
        self._ids = itertools.count(1)
        self.open()
        if key:
            assert self.call("auth.login_with_api_key", key) is True

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        self._connected.close()

    def open(self) -> None:
        """What a client of this kind does first."""

    def send(self, message: Any) -> None:
        self.socket.send(message if isinstance(message, str) else json.dumps(message))

    def receive(self, seconds: float = SECONDS) -> Any:
        return json.loads(self.socket.recv(timeout=seconds))

    def answer(self, call_id: Any) -> Any:
        while True:
            message = self.receive()
            if message.get("id") == call_id and not message.get("collection"):
                return message
            self.events.append(message)

    def wait_for_event(self, fits: Any) -> dict[str, Any]:
        """The first event, of those that have come or will, that `fits`."""
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            for message in self.events:
                if fits(self.of(message)):
                    self.events.remove(message)
                    return self.of(message)
            self.events.append(self.receive())
        raise AssertionError("no such event")

    def of(self, message: dict[str, Any]) -> dict[str, Any]:
        return message

    def call(self, name: str, *params: Any) -> Any:
        raise NotImplementedError

    def closed_with(self) -> int:
        """The code with which the other side closes."""
        try:
            while True:
                self.socket.recv(timeout=SECONDS)
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else 1006

    def failure(self, name: str, *params: Any) -> dict[str, Any]:
        """The error object of a call that must fail."""
        try:
            result = self.call(name, *params)
        except CallFailed as failed:
            return failed.error
        raise AssertionError(f"{name} went well: {result!r}")


class Old(Socket):
    """/websocket"""

    path = "/websocket"

    def open(self) -> None:
        self.send({"msg": "connect", "version": "1", "support": ["1"]})
        assert self.receive()["msg"] == "connected"

    def call(self, name: str, *params: Any) -> Any:
        call_id = str(next(self._ids))
        self.send({"id": call_id, "msg": "method", "method": name, "params": list(params)})
        answer = self.answer(call_id)
        assert answer["msg"] == "result"
        if "error" in answer:
            raise CallFailed(answer["error"])
        return answer["result"]

    def subscribe(self, name: str) -> str:
        ident = f"sub-{next(self._ids)}"
        self.send({"msg": "sub", "id": ident, "name": name})
        ready = self.receive()
        assert ready == {"msg": "ready", "subs": [ident]}
        return ident


class New(Socket):
    """/api/current"""

    path = "/api/current"

    def call(self, name: str, *params: Any) -> Any:
        call_id = next(self._ids)
        self.send({"jsonrpc": "2.0", "id": call_id, "method": name, "params": list(params)})
        answer = self.answer(call_id)
        assert answer["jsonrpc"] == "2.0"
        if "error" in answer:
            raise CallFailed(answer["error"])
        return answer["result"]

    def subscribe(self, name: str) -> str:
        return str(self.call("core.subscribe", name))

    def of(self, message: dict[str, Any]) -> dict[str, Any]:
        assert message["method"] in ("collection_update", "notify_unsubscribed")
        return dict(message["params"], method=message["method"])


@contextlib.contextmanager
def each_release(folders: pytest.TempPathFactory, **how: Any) -> Iterator[Callable[[str], Site]]:
    """Gives the NAS of a release, reset; it runs from the first who asks for it until the end."""
    running: dict[str, Site] = {}

    def site(number: str) -> Site:
        if number not in running:
            running[number] = Site(folders.mktemp("nas"), number, **how)
        running[number].debug("reset")
        return running[number]

    try:
        yield site
    finally:
        for one in running.values():
            one.stop()
