"""A network between a browser and the web server that can be cut, or fall silent."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator

#: Closes with a reset, as a network does that is suddenly another one.
RESET = struct.pack("ii", 1, 0)


class Relay:
    """Passes bytes on between a port of its own and the server's, until told otherwise."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = ""
        self._up = threading.Event()
        self._up.set()
        self._sockets: set[socket.socket] = set()
        self._websockets: set[socket.socket] = set()
        self._lost: set[socket.socket] = set()

    def cut(self) -> None:
        """All connections end, and nothing new gets through until `mend`."""
        self._up.clear()
        for each in list(self._sockets):
            with contextlib.suppress(OSError):
                each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                each.shutdown(socket.SHUT_RDWR)
                each.close()
        self._sockets.clear()

    def forget(self) -> None:
        """The websockets of now stay open and carry nothing any more, not even their end, as after
        a night's sleep; new ones do."""
        self._lost |= self._websockets

    def mend(self) -> None:
        self._up.set()

    def _take(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            if not self._up.is_set():
                near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                near.close()
                continue
            try:
                far = socket.create_connection(("127.0.0.1", self.port))
            except OSError:
                near.close()
                continue
            self._sockets |= {near, far}
            for pair in ((near, far), (far, near)):
                threading.Thread(target=self._pass_on, args=pair, daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if b"Upgrade: websocket" in data:
                    self._websockets |= {source, target}
                if source not in self._lost:
                    target.sendall(data)
        if source in self._lost:
            return
        for each in (source, target):
            self._sockets.discard(each)
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
                each.close()


@contextlib.contextmanager
def relay(port: int) -> Iterator[Relay]:
    """A relay to that port of this machine, until the context ends."""
    passing = Relay(port)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        passing.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        threading.Thread(target=passing._take, args=(listener,), daemon=True).start()
        yield passing
        listener.shutdown(socket.SHUT_RDWR)
        passing.cut()
