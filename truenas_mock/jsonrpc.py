"""JSON-RPC 2.0 over a websocket, /api/current and /api/vN, from 25.04 on."""

from __future__ import annotations

import errno
import json
import secrets
import threading
import time
from typing import Any

from . import errors
from .connection import NOBODY, WAITING, Connection
from .errors import CallError, Invalid, NotFound
from .jobs import FAILED, RUNNING, SUCCESS, Job
from .legacy import trace_of
from .methods import Method

PARSE, REQUEST, METHOD, PARAMS = -32700, -32600, -32601, -32602
TOO_MANY, CALL = -32000, -32001
LOOK_SECONDS = 0.05


class JsonRpc(Connection):
    def handle(self, text: str) -> None:
        try:
            message = json.loads(text)
        except ValueError as error:
            self.send(self._error(None, PARSE, str(error)))
            return
        if not isinstance(message, dict):
            batch = "Batch messages are not supported at this time"
            words = batch if isinstance(message, list) else "Invalid Message Format"
            self.send(self._error(None, PARSE, words))
            return
        call_id = message.get("id", NOBODY)
        if wrong := _wrong(message):
            self.send(self._error(call_id, REQUEST, wrong))
            return
        name = message["method"]
        params = message.get("params", [])
        if name in ("core.subscribe", "core.unsubscribe"):
            self.call(call_id, name, lambda: self._subscription(name, params))
            return
        method = self.middleware.methods.get(name)
        if method is None:
            self.send(self._error(call_id, METHOD, "Method does not exist"))
            return
        self.call(call_id, name, lambda: self._work(call_id, method, params))

    def send(self, document: Any) -> None:
        if document.get("id") is not NOBODY:
            super().send(document)

    def _work(self, call_id: Any, method: Method, params: list[Any]) -> Any:
        if not method.no_auth and self.session.credentials is None:
            raise CallError("Not authenticated", errors.ENOTAUTHENTICATED)
        if not self.middleware.may_call(self.session, method):
            raise CallError("Not authorized", errno.EACCES)
        result = self.middleware.call(self.session, method, params)
        if not isinstance(result, Job):
            return result
        if not self.session.new_jobs:
            return result.id
        if call_id is not NOBODY:
            result.message_ids.append(call_id)
        threading.Thread(target=self._wait, args=(call_id, result), daemon=True).start()
        return self.LATER

    def _wait(self, call_id: Any, job: Job) -> None:
        """The answer to a job's call, once the job is over and its events are told."""
        self.events.look()
        while job.state == RUNNING:
            time.sleep(LOOK_SECONDS)
            with self.middleware.nas.lock:
                job.look(self.middleware.nas, time.time())
        self.events.look()
        if job.state == SUCCESS:
            self.send(self.document(call_id, job.result))
        elif job.state == FAILED and job.exception:
            self.send(self.failure(call_id, job.exception))
        else:
            self.send(self.failure(call_id, CallError("Job aborted")))

    def _subscription(self, name: str, params: list[Any]) -> Any:
        if self.session.credentials is None:
            raise CallError("Not authenticated", errors.ENOTAUTHENTICATED)
        if len(params) != 1 or not isinstance(params[0], str):
            raise errors.invalid("event" if params else "", "Field required")
        if name == "core.unsubscribe":
            self.events.unsubscribe(self, params[0])
            return None
        ident = secrets.token_hex(16)
        self.events.subscribe(self, ident, params[0])
        return ident

    # --- answers ------------------------------------------------------------------------------
    def document(self, call_id: Any, result: Any) -> dict[str, Any]:
        return {"jsonrpc": "2.0", "result": result, "id": call_id}

    def failure(self, call_id: Any, error: Exception) -> dict[str, Any]:
        if isinstance(error, Invalid):
            wrong = [list(one) for one in error.errors]
            data = _data(errno.EINVAL, str(error), wrong, trace_of(error))
            return self._error(call_id, PARAMS, "Invalid params", data)
        number = error.number if isinstance(error, CallError) else errno.EINVAL
        extra = error.extra if isinstance(error, CallError) else None
        reason = "MatchNotFound()" if isinstance(error, NotFound) else str(error) or repr(error)
        data = _data(number, reason, extra, trace_of(error))
        return self._error(call_id, CALL, "Method call error", data)

    def too_many(self, call_id: Any) -> dict[str, Any]:
        words = f"Maximum number of concurrent calls ({WAITING}) has exceeded"
        return self._error(call_id, TOO_MANY, words)

    def _error(self, call_id: Any, code: int, message: str, data: Any = None) -> dict[str, Any]:
        error = {"code": code, "message": message} | ({} if data is None else {"data": data})
        return {"jsonrpc": "2.0", "error": error, "id": call_id}

    # --- notifications ------------------------------------------------------------------------
    def event(self, kind: str, name: str, **more: Any) -> None:
        self._notify("collection_update", {"msg": kind.lower(), "collection": name, **more})

    def unsubscribed(self, name: str, error: Exception | None) -> None:
        told = _data(getattr(error, "number", errno.EINVAL), str(error)) if error else None
        self._notify("notify_unsubscribed", {"collection": name, "error": told})

    def _notify(self, method: str, params: dict[str, Any]) -> None:
        self.send({"jsonrpc": "2.0", "method": method, "params": params})


def _data(number: int, reason: str, extra: Any = None, trace: Any = None) -> dict[str, Any]:
    return {
        "error": number,
        "errname": errors.name(number),
        "reason": reason,
        "trace": trace,
        "extra": extra,
    }


def _wrong(message: dict[str, Any]) -> str:
    """Why it is no request; empty where it is one."""
    if "jsonrpc" not in message:
        return "Missing 'jsonrpc' member"
    if message["jsonrpc"] != "2.0":
        return "'jsonrpc' member must be of type string and must be exactly '2.0'"
    if not isinstance(message.get("id"), str | int | None):
        return "'id' member must be of type null, string or number"
    if "method" not in message:
        return "Missing 'method' member"
    if not isinstance(message["method"], str) or not message["method"]:
        return "'method' member must be of type string"
    if not isinstance(message.get("params", []), list):
        return "'params' member must be of type array"
    return ""
