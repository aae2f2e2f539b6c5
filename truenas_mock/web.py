"""The NAS's web server: the API behind its key, /debug for tests, and the faults on the way."""

from __future__ import annotations

import base64
import json
import threading
import time
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from .api import Api, Refused
from .debug import Debug
from .faults import Fault, Faults

ROOT = "/api/v2.0"
KEY = "mock-key"
BIGGEST_BODY = 1 << 20
ERROR_PAGE = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"


def serve(api: Api, debug: Debug, faults: Faults, port: int) -> ThreadingHTTPServer:
    """Listens on loopback; answers from threads of its own."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            """Nothing: a poll would write seven lines."""

        def handle_any(self) -> None:
            address = urlsplit(self.path)
            raw = self.rfile.read(min(int(self.headers.get("Content-Length") or 0), BIGGEST_BODY))
            if address.path.startswith("/debug/"):
                self._reply(*_debug(debug, self.command, address.path, raw))
                return
            fault = faults.take("api", address.path.removeprefix(ROOT))
            if fault and self._goes_wrong(fault):
                return
            status, answer = self._api(address.path, address.query, raw)
            self._reply(status, answer, half=bool(fault and fault.what == "half"))

        do_GET = do_POST = do_PUT = do_DELETE = handle_any

        def _api(self, path: str, query: str, raw: bytes) -> tuple[int, Any]:
            if not path.startswith(ROOT):
                return 404, {"message": "Not Found"}
            if not _is_known(self.headers.get("Authorization", "")):
                return 401, {"message": "Unauthorized"}
            try:
                body = json.loads(raw) if raw else None
            except ValueError:
                return 400, {"message": "Bad JSON body"}
            path = path.removeprefix(ROOT).rstrip("/") or "/"
            try:
                return 200, api.call(
                    self.command, path, parse_qsl(query, keep_blank_values=True), body
                )
            except Refused as refused:
                return refused.status, refused.body
            except Exception as error:
                return 500, {"message": str(error), "traceback": traceback.format_exc()}

        def _goes_wrong(self, fault: Fault) -> bool:
            """Does what the fault wants; False when an answer is to follow."""
            match fault.what:
                case "500":
                    self._reply(500, {"message": "Internal Server Error", "traceback": ""})
                case "401":
                    self._reply(401, {"message": "Unauthorized"})
                case "429":
                    self._reply(429, {"message": "Rate Limit Exceeded"})
                case "garbage":
                    self._send(200, ERROR_PAGE, "text/html")
                case "cut":
                    self.close_connection = True
                case "hang":
                    time.sleep(fault.seconds)
                    self.close_connection = True
                case "slow":
                    time.sleep(fault.seconds)
                    return False
                case _:
                    return False
            return True

        def _reply(self, status: int, answer: Any, half: bool = False) -> None:
            self._send(status, json.dumps(answer, indent=1).encode(), "application/json", half)

        def _send(self, status: int, content: bytes, kind: str, half: bool = False) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: len(content) // 2] if half else content)
            if half:
                self.close_connection = True

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        allow_reuse_address = True

        def handle_error(self, *_: Any) -> None:
            """A client that hung up is no error of ours."""

    server = Server(("127.0.0.1", port), Handler)
    threading.Thread(target=server.serve_forever, name="web", daemon=True).start()
    return server


def _is_known(authorization: str) -> bool:
    kind, _, secret = authorization.partition(" ")
    if kind == "Bearer":
        return secret == KEY
    if kind == "Basic":
        try:
            return base64.b64decode(secret).decode() == f"root:{KEY}"
        except ValueError:
            return False
    return False


def _debug(debug: Debug, method: str, path: str, raw: bytes) -> tuple[int, Any]:
    try:
        body = json.loads(raw) if raw else {}
        return 200, debug.call(method, path.removeprefix("/debug/"), body)
    except (ValueError, TypeError, KeyError) as error:
        return 422, {"message": f"{type(error).__name__}: {error}"}
    except LookupError as error:
        return 404, {"message": str(error)}
