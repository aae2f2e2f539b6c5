"""A websocket client of a few lines: enough to hear what a page hears."""

from __future__ import annotations

import base64
import json
import os
import socket
import struct
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

TEXT, CLOSE = 1, 8


class Closed(Exception):
    """The server has closed, with this code."""

    def __init__(self, code: int) -> None:
        super().__init__(f"closed with {code}")
        self.code = code


class WebSocket:
    """Connects, and reads one JSON message at a time."""

    def __init__(
        self,
        url: str,
        *,
        cookie: str = "",
        host: str | None = None,
        origin: str | None = None,
        headers: Sequence[str] = (),
        source: str = "",
    ) -> None:
        """`host` and `origin` are the page's own unless given; an empty one isn't sent at all.
        `source`: the own address to connect from."""
        parts = urlsplit(url)
        self._socket = socket.create_connection(
            (parts.hostname or "", parts.port or 80), 10, (source, 0) if source else None
        )
        host = parts.netloc if host is None else host
        origin = f"http://{parts.netloc}" if origin is None else origin
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [
            f"GET {parts.path} HTTP/1.1",
            *([f"Host: {host}"] if host else []),
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {key}",
            "Sec-WebSocket-Version: 13",
            *([f"Origin: {origin}"] if origin else []),
            f"Cookie: {cookie}",
            *headers,
        ]
        self._socket.sendall("\r\n".join([*lines, "", ""]).encode())
        self._buffer = b""
        while b"\r\n\r\n" not in self._buffer:
            self._buffer += self._receive()
        head, self._buffer = self._buffer.split(b"\r\n\r\n", 1)
        self.status = int(head.split()[1])

    def message(self, timeout: float = 15) -> dict[str, Any]:
        """The next one. Raises Closed, or TimeoutError."""
        self._socket.settimeout(timeout)
        while True:
            kind, payload = self._frame()
            if kind == CLOSE:
                raise Closed(struct.unpack(">H", payload[:2])[0] if payload else 1005)
            if kind == TEXT:
                found: dict[str, Any] = json.loads(payload)
                return found

    def until(self, key: str, timeout: float = 20) -> dict[str, Any]:
        """The next message that has this key, and isn't empty there."""
        end = time.monotonic() + timeout
        while True:
            message = self.message(max(0.1, end - time.monotonic()))
            if message.get(key):
                return message

    def close(self) -> None:
        self._socket.close()

    def _frame(self) -> tuple[int, bytes]:
        first, second = self._take(2)
        length = second & 0x7F
        if length == 126:
            length = struct.unpack(">H", self._take(2))[0]
        elif length == 127:
            length = struct.unpack(">Q", self._take(8))[0]
        return first & 0x0F, self._take(length)

    def _take(self, count: int) -> bytes:
        while len(self._buffer) < count:
            self._buffer += self._receive()
        taken, self._buffer = self._buffer[:count], self._buffer[count:]
        return taken

    def _receive(self) -> bytes:
        data = self._socket.recv(65536)
        if not data:
            raise Closed(1006)
        return data
