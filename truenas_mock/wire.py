"""A websocket on an HTTP connection that asked to become one. No thread of its own: who calls
`receive` reads, anybody may send."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Iterable

from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol

PIECE = 65536
BIGGEST = 4 << 20


class Closed(Exception):
    """The other side is gone, or we have closed."""


class Wire:
    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._protocol = ServerProtocol(max_size=BIGGEST)
        self._lock = threading.Lock()
        self._messages: list[str | bytes] = []
        self._fragments: list[bytes] = []

    def accept(self, path: str, headers: Iterable[tuple[str, str]]) -> bool:
        """Answers the request that was read already; False when it was none for a websocket."""
        lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers), "", ""]
        self._protocol.receive_data("\r\n".join(lines).encode("latin-1"))
        for event in self._protocol.events_received():
            if isinstance(event, Request):
                self._protocol.send_response(self._protocol.accept(event))
        self._flush()
        return self._protocol.state is State.OPEN

    def receive(self, timeout: float) -> str | bytes:
        """The next message: text as str. TimeoutError when none comes; Closed."""
        while not self._messages:
            self._connection.settimeout(timeout)
            try:
                data = self._connection.recv(PIECE)
            except TimeoutError:
                raise
            except OSError:
                raise Closed from None
            with self._lock:
                if data:
                    self._protocol.receive_data(data)
                else:
                    self._protocol.receive_eof()
                self._take()
            self._flush()
            if self._protocol.state is not State.OPEN and not self._messages:
                raise Closed
        return self._messages.pop(0)

    def _take(self) -> None:
        for frame in self._protocol.events_received():
            if not isinstance(frame, Frame) or frame.opcode not in (
                Opcode.TEXT, Opcode.BINARY, Opcode.CONT,
            ):  # fmt: skip
                continue
            if frame.opcode is not Opcode.CONT:
                self._opcode = frame.opcode
            self._fragments.append(bytes(frame.data))
            if frame.fin:
                whole = b"".join(self._fragments)
                self._fragments = []
                is_text = self._opcode is Opcode.TEXT
                self._messages.append(whole.decode(errors="replace") if is_text else whole)

    def send(self, text: str) -> None:
        with self._lock:
            if self._protocol.state is not State.OPEN:
                raise Closed
            self._protocol.send_text(text.encode())
        self._flush()

    def close(self, code: int, reason: str) -> None:
        with self._lock:
            if self._protocol.state is State.OPEN:
                self._protocol.send_close(code, reason)
        self._flush()

    def cut(self, text: str = "") -> None:
        """As when the power fails: half a frame, if there is a text, then RST and no orderly
        end."""
        with self._lock:
            with contextlib.suppress(OSError):
                if text:
                    frame = Frame(Opcode.TEXT, text.encode()).serialize(mask=False)
                    self._connection.sendall(frame[: len(frame) // 2])
                at_once = struct.pack("ii", 1, 0)
                self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
            self._protocol.receive_eof()
            # The reader in another thread holds the descriptor: only this wakes it.
            with contextlib.suppress(OSError):
                self._connection.shutdown(socket.SHUT_RD)

    def _flush(self) -> None:
        with self._lock:
            try:
                for data in self._protocol.data_to_send():
                    if data:
                        self._connection.sendall(data)
            except OSError:
                raise Closed from None
