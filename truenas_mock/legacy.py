"""The websocket of old, /websocket, in every release: {"msg": "connect"}, then methods, pings and
subscriptions."""

from __future__ import annotations

import errno
import json
import traceback
from typing import Any

from . import errors
from .connection import INTERNAL_ERROR, INVALID_TEXT, WAITING, Connection
from .errors import CallError, InstanceNotFound, Invalid, NotFound
from .jobs import Job

VERSION = "1"


class Legacy(Connection):
    _connected = False

    def handle(self, text: str) -> None:
        try:
            message = json.loads(text)
        except ValueError as error:
            self.wire.close(INVALID_TEXT, str(error)[:100])
            return
        try:
            kind = message["msg"]
        except (TypeError, KeyError) as error:
            self.wire.close(INTERNAL_ERROR, str(error)[:100])
            return
        if kind == "connect":
            self._connected = message.get("version") == VERSION
            if self._connected:
                self.send({"msg": "connected", "session": self.session.id})
                return
        if not self._connected:
            self.send({"msg": "failed", "version": VERSION})
            return
        call_id = message.get("id")
        match kind:
            case "method":
                self._method(call_id, message)
            case "ping":
                self.send({"msg": "pong"} | ({"id": call_id} if "id" in message else {}))
            case "sub" | "unsub" if self.session.credentials is None and self._is_core:
                self.send(self._error(call_id, errno.EACCES, "Not authenticated"))
            case "sub" if self.session.credentials is None:
                self.send(self._error(call_id, errno.EACCES, "Not authorized"))
            case "sub":
                self._subscribe(call_id, str(message.get("name")))
            case "unsub":
                self.events.unsubscribe(self, call_id)

    @property
    def _is_core(self) -> bool:
        return self.release.system == "FreeBSD"

    def _subscribe(self, call_id: Any, name: str) -> None:
        """CORE gives one connection the progress of one drive once."""
        if self._is_core and ":" in name and self.events.has(self, name):
            self.send({"msg": "nosub", "id": call_id, "error": {"error": "Already subscribed"}})
            return
        self.send({"msg": "ready", "subs": [call_id]})
        self.events.subscribe(self, call_id, name)

    def _method(self, call_id: Any, message: dict[str, Any]) -> None:
        name = message.get("method")
        if not isinstance(name, str):
            words = "Message is malformed: 'method' is absent."
            self.send(self._error(call_id, errno.EINVAL, words))
            return
        try:
            method = self.middleware.method(name)
        except CallError as error:
            self.send(self.failure(call_id, error))
            return
        if not method.no_auth and self.session.credentials is None:
            self.send(self._error(call_id, self.release.not_authenticated, "Not authenticated"))
            return
        if not self.middleware.may_call(self.session, method):
            self.send(self._error(call_id, errno.EACCES, "Not authorized"))
            return
        params = message.get("params") or []
        if not isinstance(params, list) and self.release.has("24.10"):
            self.send(self._error(call_id, errno.EINVAL, "`params` must be a list."))
            return
        self.call(call_id, name, lambda: self.middleware.call(self.session, method, params))

    def document(self, call_id: Any, result: Any) -> dict[str, Any]:
        shown = result.id if isinstance(result, Job) else result
        return {"id": call_id, "msg": "result", "result": shown}

    def failure(self, call_id: Any, error: Exception) -> dict[str, Any]:
        trace = trace_of(error)
        if self._is_core:
            del trace["repr"]
        if isinstance(error, Invalid):
            extra = [list(one) for one in error.errors]
            alone = isinstance(error, InstanceNotFound)
            number = error.errors[0][2] if alone else errno.EAGAIN
            return self._error(call_id, number, str(error), trace, kind="VALIDATION", extra=extra)
        if isinstance(error, CallError):
            return self._error(call_id, error.number, str(error), trace, extra=error.extra)
        words = str(error)
        if not self._is_core:
            words = words or ("MatchNotFound()" if isinstance(error, NotFound) else repr(error))
        return self._error(call_id, errno.EINVAL, words, trace)

    def too_many(self, call_id: Any) -> dict[str, Any]:
        words = f"Maximum number of concurrent calls ({WAITING}) has exceeded."
        return self._error(call_id, errno.ETOOMANYREFS, words)

    def _error(
        self,
        call_id: Any,
        number: int,
        reason: str,
        trace: Any = None,
        kind: str | None = None,
        extra: Any = None,
    ) -> dict[str, Any]:
        told = {"error": number, "type": kind, "reason": reason, "trace": trace, "extra": extra}
        if not self._is_core:
            told["errname"] = errors.name(number)
        return {"msg": "result", "id": call_id, "error": told}

    def event(self, kind: str, name: str, **more: Any) -> None:
        self.send({"msg": kind.lower(), "collection": name, **more})

    def unsubscribed(self, name: str, error: Exception | None) -> None:
        if error is None and ":" not in name:
            return  # who takes a subscription back hears nothing of it
        told = self.failure(None, error)["error"] if error else None
        self.send({"msg": "nosub", "collection": name} | ({"error": told} if told else {}))


def trace_of(error: Exception) -> dict[str, Any]:
    """Without the frames, which nobody outside reads."""
    return {
        "class": errors.class_of(error),
        "frames": [],
        "formatted": "".join(traceback.format_exception(error)),
        "repr": repr(error),
    }
