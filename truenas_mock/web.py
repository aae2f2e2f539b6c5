"""The NAS's web server: nginx and what stands behind it, /debug for tests, and the faults on the
way. The same on a plain port and on one with TLS."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from .auth import Session
from .connection import Connection
from .debug import Debug
from .events import Events
from .faults import DEEP, FOREVER, SLOW_SECONDS, Fault, Faults
from .jsonrpc import JsonRpc
from .legacy import Legacy
from .middleware import Middleware
from .rest import NOT_FOUND, ROOT, UNAUTHORIZED, Rest, Text
from .tls import Certificate
from .wire import Closed, Wire

BIGGEST_BODY = 1 << 20
IDLE_SECONDS = 120
ERROR_PAGE = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"


def handler(
    middleware: Middleware | None, debug: Debug, faults: Faults
) -> type[BaseHTTPRequestHandler]:
    """What answers. Without a middleware there is only /debug."""
    rest = Rest(middleware) if middleware else None
    events = Events(middleware) if middleware else None

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
            if middleware is None:
                self._reply(404, NOT_FOUND)
                return
            if middleware.accounts.redirects and not getattr(self.server, "certificate", None):
                self._redirect()
                return
            if middleware.is_down:
                self._send(502, ERROR_PAGE, "text/html")
                return
            fault = faults.take("api", address.path.removeprefix(ROOT))
            if fault and self._goes_wrong(fault):
                return
            kind = self._socket(middleware, address.path)
            if kind and self.command == "GET" and "websocket" in self._header("Upgrade").lower():
                self._become(middleware, kind)
                return
            status, answer = self._api(middleware, address.path, address.query, raw)
            self._reply(status, answer, fault.what if fault else "")

        do_GET = do_POST = do_PUT = do_DELETE = handle_any

        def _redirect(self) -> None:
            """nginx with "redirect to HTTPS": what came with the request has crossed in clear."""
            host = self._header("Host").partition(":")[0]
            self.send_response(307)
            self.send_header("Location", f"https://{host}{self.path}")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def _header(self, name: str) -> str:
            return self.headers.get(name, "")

        def _session(self, middleware: Middleware) -> Session:
            certificate = getattr(self.server, "certificate", None)
            return middleware.accounts.session(self.client_address[0], certificate)

        def _socket(self, middleware: Middleware, path: str) -> type[Connection] | None:
            """Which websocket lives there."""
            if path == "/websocket":
                return Legacy
            routes = ("current", *middleware.release.routes) if middleware.release.routes else ()
            return JsonRpc if path.removeprefix("/api/") in routes else None

        def _become(self, middleware: Middleware, kind: type[Connection]) -> None:
            self.close_connection = True
            assert events is not None
            wire = Wire(self.connection)
            session = self._session(middleware)
            try:
                if wire.accept(self.path, self.headers.items()):
                    kind(wire, middleware, events, faults, session).serve()
            except Closed:
                pass

        def _api(
            self, middleware: Middleware, path: str, query: str, raw: bytes
        ) -> tuple[int, Any]:
            release = middleware.release
            if path == "/api/versions" and release.routes:
                return 200, list(release.routes)
            if path == "/api/boot_id" and release.boot_id:
                return 200, middleware.nas.boot_id
            if not path.startswith(ROOT + "/") or rest is None:
                return 404, NOT_FOUND
            session = self._session(middleware)
            return rest.answer(
                session,
                self.command,
                path.removeprefix(ROOT),
                query,
                self._header("Authorization"),
                raw,
            )

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
            if isinstance(answer, Text):
                self._send(status, answer.encode(), "text/plain; charset=utf-8")
                return
            content = json.dumps(answer, indent=1).encode()
            half = content[: len(content) // 2]
            if fault == "half":
                self._send(status, half, "application/json")
            elif fault == "deep":
                self._send(status, DEEP.encode(), "application/json")
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

    return Handler


class Server(ThreadingHTTPServer):
    """`certificate` is in DER."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128
    certificate: bytes | None = None

    def handle_error(self, *_: Any) -> None:
        """A client that hung up is no error of ours."""

    def shutdown_request(self, request: Any) -> None:
        self.close_request(request)  # without shutdown(2), which would spoil a reset


def listen(
    answers: type[BaseHTTPRequestHandler],
    address: str,
    port: int,
    certificate: Certificate | None = None,
) -> Server:
    """Listens; answers from threads of its own."""
    server = Server((address, port), answers)
    if certificate:
        server.certificate = certificate.der
        server.socket = certificate.context().wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    threading.Thread(target=server.serve_forever, args=(0.1,), name="web", daemon=True).start()
    return server


def _debug(debug: Debug, method: str, path: str, raw: bytes) -> tuple[int, Any]:
    try:
        body = json.loads(raw) if raw else {}
        return 200, debug.call(method, path.removeprefix("/debug/"), body)
    except (ValueError, TypeError, KeyError) as error:
        return 422, {"message": f"{type(error).__name__}: {error}"}
    except LookupError as error:
        return 404, {"message": str(error)}
