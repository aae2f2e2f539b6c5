"""The NAS's web server: the API behind its key, /debug for tests, and the faults on the way."""

from __future__ import annotations

import base64
import json
import re
import socket
import struct
import threading
import time
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from .api import NO_KEY_NEEDED, Api, Refused
from .debug import Debug
from .faults import FOREVER, SLOW_SECONDS, Fault, Faults

ROOT = "/api/v2.0"
KEY = "mock-key"
#: A key of the real form opens too: what is configured for a NAS may be pointed at the mock.
REAL_KEY = re.compile(r"\d+-[A-Za-z0-9]{64}")
BIGGEST_BODY = 1 << 20
IDLE_SECONDS = 120
ERROR_PAGE = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"
UNAUTHORIZED = {"message": "401: Unauthorized"}


def serve(api: Api, debug: Debug, faults: Faults, port: int) -> ThreadingHTTPServer:
    """Listens on loopback; answers from threads of its own."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = IDLE_SECONDS
        disable_nagle_algorithm = True

        def log_message(self, *_: Any) -> None:
            """Nothing: a poll would write seven lines."""

        def handle_any(self) -> None:
            address = urlsplit(self.path)
            length = self.headers.get("Content-Length", "0")
            if not length.isdigit() or int(length) > BIGGEST_BODY:
                self.close_connection = True
                self._reply(413, {"message": "413: Request Entity Too Large"})
                return
            raw = self.rfile.read(int(length))
            if address.path.startswith("/debug/"):
                self._reply(*_debug(debug, self.command, address.path, raw))
                return
            fault = faults.take("api", address.path.removeprefix(ROOT))
            if fault and self._goes_wrong(fault):
                return
            status, answer = self._api(address.path, address.query, raw)
            self._reply(status, answer, fault.what if fault else "")

        do_GET = do_POST = do_PUT = do_DELETE = handle_any

        def _api(self, path: str, query: str, raw: bytes) -> tuple[int, Any]:
            if not path.startswith(ROOT + "/"):
                return 404, {"message": "404: Not Found"}
            path = path.removeprefix(ROOT).rstrip("/")
            authorization = self.headers.get("Authorization", "")
            if path not in NO_KEY_NEEDED and not _is_known(authorization):
                return 401, UNAUTHORIZED
            try:
                body = json.loads(raw) if raw else None
            except ValueError as error:
                return 400, {"message": f"Failed to parse JSON: {error}"}
            pairs = parse_qsl(query, keep_blank_values=True)
            try:
                return 200, api.call(self.command, path, pairs, body)
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
                    self._reply(401, UNAUTHORIZED)
                case "429":
                    self._reply(429, {"message": "429: Too Many Requests"})
                case "garbage":
                    self._send(200, ERROR_PAGE, "text/html")
                case "hang":
                    time.sleep(FOREVER if fault.seconds is None else fault.seconds)
                    self.close_connection = True
                case "slow":
                    time.sleep(SLOW_SECONDS if fault.seconds is None else fault.seconds)
                    return False
                case _:
                    return False
            return True

        def _reply(self, status: int, answer: Any, fault: str = "") -> None:
            content = json.dumps(answer, indent=1).encode()
            half = content[: len(content) // 2]
            if fault == "half":
                self._send(status, half, "application/json")
            elif fault == "cut":
                self._send(status, half, "application/json", length=len(content))
                self._reset_connection()
            else:
                self._send(status, content, "application/json")

        def _send(self, status: int, content: bytes, kind: str, length: int | None = None) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content) if length is None else length))
            self.end_headers()
            self.wfile.write(content)

        def _reset_connection(self) -> None:
            """As when the power fails: RST, no orderly end."""
            self.close_connection = True
            at_once = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        allow_reuse_address = True
        request_queue_size = 128

        def handle_error(self, *_: Any) -> None:
            """A client that hung up is no error of ours."""

        def shutdown_request(self, request: Any) -> None:
            self.close_request(request)  # without shutdown(2), which would spoil a reset

    server = Server(("127.0.0.1", port), Handler)
    threading.Thread(target=server.serve_forever, args=(0.1,), name="web", daemon=True).start()
    return server


def _is_known(authorization: str) -> bool:
    kind, _, secret = authorization.partition(" ")
    if kind == "Bearer":
        return secret == KEY or REAL_KEY.fullmatch(secret) is not None
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
