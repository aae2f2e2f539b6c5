"""Commands on a host over SSH: pinned host key, one kept connection a host, a limit on every call.

asyncssh lives in one event loop in a thread of its own; callers are plain threads.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from dataclasses import dataclass
from functools import cache

import asyncssh

CONNECT_SECONDS = 10
BIGGEST_ANSWER_BYTES = 64 * 1024 * 1024


class HostError(Exception):
    """The host could not be asked, or its answer can't be believed. The text is for people."""


class NoSuchRun(HostError):
    """The host was asked and knows no run of that id."""


@dataclass(frozen=True)
class Target:
    """Where a host's shell is. `host_key`: its public key as OpenSSH writes it; no other passes."""

    host: str
    port: int
    user: str
    key_file: str
    host_key: str


@dataclass(frozen=True)
class Completed:
    """What a command left behind."""

    exit_status: int
    stdout: bytes
    stderr: bytes


class _Connections:
    """The kept connections of this process, touched only inside the loop."""

    def __init__(self) -> None:
        self._kept: dict[Target, asyncssh.SSHClientConnection] = {}
        self._locks: dict[Target, asyncio.Lock] = {}

    async def run(self, target: Target, command: str, stdin: bytes) -> Completed:
        connection = await self._connected(target)
        try:
            process = await connection.create_process(command, encoding=None)
        except (asyncssh.Error, OSError):
            # The kept connection had died unseen; nothing was run, so a second try is safe.
            self._drop(target, connection)
            connection = await self._connected(target)
            process = await connection.create_process(command, encoding=None)
        async with process:
            with contextlib.suppress(BrokenPipeError):  # it has ended already; its status tells how
                process.stdin.write(stdin)
                process.stdin.write_eof()
            stdout, stderr = await asyncio.gather(_read(process.stdout), _read(process.stderr))
            await process.wait_closed()
        if process.exit_status is None:
            self._drop(target, connection)
            raise HostError("the connection broke before the command had ended")
        return Completed(process.exit_status, stdout, stderr)

    async def _connected(self, target: Target) -> asyncssh.SSHClientConnection:
        async with self._locks.setdefault(target, asyncio.Lock()):
            connection = self._kept.get(target)
            if connection is None or connection.is_closed():
                connection = self._kept[target] = await _connect(target)
            return connection

    def _drop(self, target: Target, connection: asyncssh.SSHClientConnection) -> None:
        connection.abort()
        if self._kept.get(target) is connection:
            del self._kept[target]

    def drop(self, target: Target) -> None:
        """Forget a connection on which a call ran out of time: it may be half dead."""
        if connection := self._kept.get(target):
            self._drop(target, connection)


async def _read(stream: asyncssh.SSHReader[bytes]) -> bytes:
    parts = bytearray()
    while chunk := await stream.read(65536):
        parts += chunk
        if len(parts) > BIGGEST_ANSWER_BYTES:
            raise HostError("the answer is bigger than 64 MB")
    return bytes(parts)


async def _connect(target: Target) -> asyncssh.SSHClientConnection:
    trusted = asyncssh.import_public_key(target.host_key)
    return await asyncssh.connect(
        target.host,
        target.port,
        username=target.user,
        client_keys=[target.key_file],
        known_hosts=([trusted], [], []),
        server_host_key_algs=_algorithms(trusted),
        config=None,
        agent_path=None,
        connect_timeout=CONNECT_SECONDS,
        login_timeout=CONNECT_SECONDS,
        keepalive_interval=15,
        keepalive_count_max=3,
    )


def _algorithms(key: asyncssh.SSHKey) -> list[str]:
    return [name.decode() for name in key.sig_algorithms]


@cache
def _loop() -> tuple[asyncio.AbstractEventLoop, _Connections]:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="ssh", daemon=True).start()
    return loop, _Connections()


def run(target: Target, command: str, *, stdin: bytes = b"", timeout: float = 30) -> Completed:
    """Run one shell command, feed it `stdin`, wait at most `timeout` seconds.

    The connection is made, or the kept one used. Raises HostError for everything that went wrong
    on the way; a command that failed by itself is a Completed with its exit status.
    """
    loop, connections = _loop()

    async def limited() -> Completed:
        try:
            async with asyncio.timeout(timeout):
                return await connections.run(target, command, stdin)
        except TimeoutError:
            connections.drop(target)
            raise HostError(f"no answer within {timeout:g} s") from None

    future = asyncio.run_coroutine_threadsafe(limited(), loop)
    try:
        return future.result(timeout + CONNECT_SECONDS)
    except HostError:
        raise
    except asyncssh.HostKeyNotVerifiable:
        raise HostError("its host key is not the one that was pinned") from None
    except asyncssh.PermissionDenied:
        raise HostError(f"it refuses {target.user}'s SSH key") from None
    except asyncssh.KeyImportError:
        raise HostError("the pinned host key or the key file can't be read") from None
    except TimeoutError:
        future.cancel()
        raise HostError(f"no answer within {timeout:g} s") from None
    except (asyncssh.Error, OSError) as error:
        raise HostError(_cause(error)) from None


def _cause(error: BaseException) -> str:
    if isinstance(error, ConnectionRefusedError) or "refused" in str(error):
        return "SSH connection refused"
    return f"SSH: {' '.join(str(error).split())[:200] or type(error).__name__}"
