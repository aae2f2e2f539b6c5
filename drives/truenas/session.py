"""A logged-in websocket that speaks JSON-RPC 2.0 (25.04 and later), kept open between polls.

A login costs the NAS a hash and a line in its audit log, so one session a key and process is kept.
Calls take turns on it: the NAS allows ten at once. One that broke, as when the middleware restarts,
is opened anew; what it had said of jobs is forgotten there, and nobody here relies on it.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import ssl
import threading
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.sync.client import ClientConnection, connect

from .address import cause, check_may_carry_key
from .types import NasError, NoSuchMethod, NotAllowed, Rejected

OPEN_SECONDS = 10
CALL_SECONDS = 60
PING_AFTER_SECONDS = 45  # nginx ends what was silent for 60 s
PING_SECONDS = 10
BIGGEST_ANSWER_BYTES = 32 * 1024 * 1024
BIGGEST_QUESTION_BYTES = 65536
NO_SUCH_METHOD, INVALID_PARAMS, CALL_FAILED = -32601, -32602, -32001
REFUSED = "the NAS refuses the API key"


@dataclass(frozen=True)
class Login:
    """Where to, and who. `user`: whom the key belongs to; empty where the key alone is enough."""

    base_url: str
    api_key: str = field(repr=False)
    user: str
    verify_tls: bool
    allow_http: bool


class Broken(NasError):
    """The connection ended in mid-call: whether it was done there isn't known."""


class LoggedOut(NasError):
    """The NAS has ended the login, and lets the connection be: nothing was done."""


class Session:
    """One NAS. Every method raises NasError."""

    def __init__(self, login: Login) -> None:
        check_may_carry_key(login.base_url, allow_http=login.allow_http)
        self._login = login
        self._lock = threading.Lock()
        self._ids = itertools.count(1)
        self._socket: ClientConnection | None = None
        self._used_at = 0.0
        self._methods: dict[str, bool] = {}

    def ask(self, method: str, *params: Any) -> Any:
        """Call a method that only reads; it is asked once more where a kept session had died."""
        try:
            return self._call(method, params)
        except (Broken, LoggedOut):
            return self._call(method, params)

    def tell(self, method: str, *params: Any) -> Any:
        """Call a method that changes something, so that it is done once at most."""
        try:
            return self._call(method, params)
        except LoggedOut:
            return self._call(method, params)

    def has(self, method: str) -> bool | None:
        """Whether the NAS knows a method, told once a session; None when it can't be told."""
        if method not in self._methods:
            service = method.rpartition(".")[0]
            try:
                found = self.ask("core.get_methods", service)
            except NasError:
                return None
            if not isinstance(found, dict):
                return None
            self._methods[method] = method in found
        return self._methods[method]

    def close(self) -> None:
        with self._lock:
            self._drop()

    def _call(self, method: str, params: tuple[Any, ...]) -> Any:
        with self._lock:
            try:
                return self._exchange(self._connected(), method, params, CALL_SECONDS)
            except (ConnectionClosed, OSError, WebSocketException) as error:
                self._drop()
                raise Broken(_words(error)) from None
            except LoggedOut:
                self._drop()
                raise
            finally:
                self._used_at = time.monotonic()

    def _connected(self) -> ClientConnection:
        if self._socket is not None and time.monotonic() - self._used_at > PING_AFTER_SECONDS:
            try:
                self._exchange(self._socket, "core.ping", (), PING_SECONDS)
            except (NasError, ConnectionClosed, OSError, WebSocketException):
                self._drop()
        if self._socket is None:
            self._socket = self._open()
        return self._socket

    def _drop(self) -> None:
        socket, self._socket = self._socket, None
        self._methods = {}
        if socket is not None:
            with contextlib.suppress(Exception):
                socket.close_socket()

    def _open(self) -> ClientConnection:
        """1. Connect, following nobody elsewhere. 2. Log in, before anything else is asked."""
        address = urlsplit(self._login.base_url)
        secure = address.scheme == "https"
        context = ssl.create_default_context() if secure else None
        if context is not None and not self._login.verify_tls:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        url = f"{'wss' if secure else 'ws'}://{address.netloc}/api/current"
        try:
            # The plain connection: it follows no redirect, so the key goes nowhere else.
            socket = connect(
                url,
                ssl=context,
                proxy=None,
                compression=None,
                open_timeout=OPEN_SECONDS,
                close_timeout=1,
                max_size=BIGGEST_ANSWER_BYTES,
                legacy=True,
            )
        except InvalidStatus as error:
            # A NAS from before 25.04 has no such route, and answers with a page or a redirect.
            status = error.response.status_code
            kind = NasError if status in (401, 403, 429) or status >= 500 else NoSuchMethod
            raise kind(f"HTTP {status} to /api/current") from None
        except (OSError, WebSocketException, TimeoutError) as error:
            raise NasError(_words(error)) from None
        try:
            self._log_in(socket)
        except BaseException as error:
            with contextlib.suppress(Exception):
                socket.close_socket()
            if isinstance(error, ConnectionClosed | OSError | WebSocketException):
                raise NasError(_words(error)) from None
            raise
        return socket

    def _log_in(self, socket: ClientConnection) -> None:
        """By key and user where the user is known; else by the key alone."""
        with contextlib.suppress(NasError):
            options = {"py_exceptions": False}
            self._exchange(socket, "core.set_options", (options,), OPEN_SECONDS)
        key, user = self._login.api_key, self._login.user
        if user:
            try:
                self._log_in_as(socket, key, user)
                return
            except NoSuchMethod:
                pass
        try:
            answer = self._exchange(socket, "auth.login_with_api_key", (key,), CALL_SECONDS)
        except NoSuchMethod:
            words = "the NAS wants to know whom the API key belongs to: give the key’s user"
            raise NasError(words) from None
        if answer is not True:
            raise NasError(REFUSED)

    def _log_in_as(self, socket: ClientConnection, key: str, user: str) -> None:
        how = {"mechanism": "API_KEY_PLAIN", "username": user, "api_key": key}
        answer = self._exchange(socket, "auth.login_ex", (how,), CALL_SECONDS)
        said = answer.get("response_type") if isinstance(answer, dict) else None
        if said != "SUCCESS":
            why = {
                "AUTH_ERR": f"is it {user}’s?",
                "EXPIRED": "it has expired or was revoked",
                "DENIED": f"{user} may not log in that way",
                "OTP_REQUIRED": f"{user} needs a second factor, which a program can’t give",
                "REDIRECT": "another address answers for it",
            }.get(str(said), "without a reason")
            raise NasError(f"{REFUSED}: {why}")

    def _exchange(
        self, socket: ClientConnection, method: str, params: tuple[Any, ...], seconds: float
    ) -> Any:
        number, end = next(self._ids), time.monotonic() + seconds
        question = {"jsonrpc": "2.0", "id": number, "method": method, "params": list(params)}
        content = json.dumps(question)
        if len(content) > BIGGEST_QUESTION_BYTES:
            raise NasError(f"the question for {method} is bigger than the NAS takes")
        socket.send(content)
        while (left := end - time.monotonic()) > 0:
            try:
                message = socket.recv(timeout=left)
            except TimeoutError:
                break
            try:
                answer = json.loads(message)
            except (ValueError, RecursionError):
                raise self._garbled(method) from None
            if not isinstance(answer, dict):
                raise self._garbled(method)
            if answer.get("id") == number:
                return _result(answer, method)
            # Else an event, or the late answer to a question that was given up.
        self._drop()
        raise NasError(f"no answer to {method} within {seconds:g} s")

    def _garbled(self, method: str) -> NasError:
        self._drop()
        return NasError(f"the answer to {method} is not whole JSON")


def _result(answer: dict[str, Any], method: str) -> Any:
    if "error" not in answer:
        if "result" not in answer:
            raise NasError(f"the answer to {method} holds neither result nor error")
        return answer["result"]
    error = answer["error"] if isinstance(answer["error"], dict) else {}
    code, data = error.get("code"), error.get("data")
    data = data if isinstance(data, dict) else {}
    reason = " ".join(str(data.get("reason") or error.get("message") or "no reason").split())[:200]
    if code == NO_SUCH_METHOD:
        raise NoSuchMethod(f"the NAS has no method {method}")
    if code == INVALID_PARAMS:
        raise Rejected(f"the NAS rejects {method}: {_attributes(data) or reason}")
    refusals = {"ENOTAUTHENTICATED": LoggedOut, "EACCES": NotAllowed}
    if code == CALL_FAILED and (refused := refusals.get(str(data.get("errname")))):
        raise refused(f"the NAS refuses {method}: {reason}")
    raise NasError(f"{method}: {reason}")


def _attributes(data: dict[str, Any]) -> str:
    """-32602 says in `extra` what is wrong with which parameter: [[attribute, message, errno]]."""
    extra = data.get("extra")
    rows = [row for row in extra if isinstance(row, list)] if isinstance(extra, list) else []
    words = "; ".join(str(row[1]) for row in rows if len(row) > 1)
    return " ".join(words.split())[:200]


def _words(error: BaseException) -> str:
    if isinstance(error, ConnectionClosed):
        return "it cut the connection"
    return cause(error)


_kept: dict[Login, Session] = {}
_keeping = threading.Lock()


def kept(login: Login) -> Session:
    """The session of this process for that login."""
    with _keeping:
        # Of one NAS only the newest login is kept: a key that was changed is used no more.
        for other in [one for one in _kept if one.base_url == login.base_url and one != login]:
            _kept.pop(other).close()
        if login not in _kept:
            _kept[login] = Session(login)
        return _kept[login]


def forget_all() -> None:
    """Close every session of this process."""
    with _keeping:
        while _kept:
            _kept.popitem()[1].close()
