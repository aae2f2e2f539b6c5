"""Commands on a host over SSH: pinned host key, one kept connection a host, a limit on every call.

asyncssh lives in one event loop in a thread of its own; callers are plain threads.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Coroutine
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar

import asyncssh

CONNECT_SECONDS = 10
BIGGEST_ANSWER_BYTES = 64 * 1024 * 1024
#: At first contact the first of them that the host has is the one that is shown and pinned.
KEY_TYPES = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
)
T = TypeVar("T")


class HostError(Exception):
    """The host could not be asked, or its answer can't be believed. The text is for people."""


class NoSuchRun(HostError):
    """The host was asked and knows no run of that id."""


class HostKeyChanged(HostError):
    """Who answers there has another key than the pinned one: nothing was sent to it.

    `offered` is its public key; empty where it has none of a type that we know.
    """

    def __init__(self, offered: str = "") -> None:
        found = f": it shows {fingerprint(offered)}" if offered else ", nor one of a known type"
        super().__init__(f"its host key is not the one that was pinned{found}")
        self.offered = offered


@dataclass(frozen=True)
class Target:
    """Where a host's shell is. `host_key`: its public key as OpenSSH writes it; no other passes.

    The login is by `key_file`, or by `password` where that is empty.
    """

    host: str
    port: int
    user: str
    key_file: str
    host_key: str
    password: str = field(default="", repr=False)

    @property
    def where(self) -> str:
        return self.host

    def run(self, command: str, *, stdin: bytes = b"", timeout: float = 30) -> Completed:
        """See `run` of this module."""
        return run(self, command, stdin=stdin, timeout=timeout)


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


class _Pinned(asyncssh.SSHClient):
    """Our end of a connection. It is asked only about a key that is not the pinned one."""

    offered = ""

    def validate_host_public_key(
        self, host: str, addr: str, port: int, key: asyncssh.SSHKey
    ) -> bool:
        self.offered = key.export_public_key().decode().strip()
        return False


async def _connect(target: Target) -> asyncssh.SSHClientConnection:
    trusted = _public_key(target.host_key)
    client = _Pinned()
    # Its own type first; the others only so that another key is seen, and refused by its name.
    own = [name.decode() for name in trusted.sig_algorithms]
    try:
        return await asyncssh.connect(
            target.host,
            target.port,
            username=target.user,
            client_keys=[_private_key(target.key_file)] if target.key_file else None,
            password=target.password or None,
            known_hosts=([trusted], [], []),
            server_host_key_algs=[*own, *(name for name in KEY_TYPES if name not in own)],
            client_factory=lambda: client,
            config=None,
            agent_path=None,
            connect_timeout=CONNECT_SECONDS,
            login_timeout=CONNECT_SECONDS,
            keepalive_interval=15,
            keepalive_count_max=3,
        )
    except asyncssh.HostKeyNotVerifiable:
        raise HostKeyChanged(client.offered) from None
    except asyncssh.KeyExchangeFailed as error:
        if "host key" in str(error):
            raise HostKeyChanged from None
        raise
    except asyncssh.PermissionDenied:
        what = "SSH key" if target.key_file else "password"
        raise HostError(f"it refuses {target.user}’s {what}") from None


def _public_key(text: str) -> asyncssh.SSHKey:
    try:
        return asyncssh.import_public_key(text)
    except asyncssh.KeyImportError:
        raise HostError("the pinned host key can’t be read") from None


def _private_key(file: str) -> asyncssh.SSHKey:
    try:
        return asyncssh.read_private_key(file)
    except asyncssh.KeyEncryptionError:
        raise HostError(f"the key file {file} has a passphrase: make one without") from None
    except asyncssh.KeyImportError as error:
        wants = "passphrase" in str(error).lower()
        why = "has a passphrase: make one without" if wants else "holds no private SSH key"
        raise HostError(f"the key file {file} {why}") from None
    except OSError as error:
        raise HostError(f"the key file {file} can’t be read: {error.strerror}") from None


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
    _, connections = _loop()

    async def limited() -> Completed:
        try:
            async with asyncio.timeout(timeout):
                return await connections.run(target, command, stdin)
        except TimeoutError:
            connections.drop(target)
            raise HostError(f"no answer within {timeout:g} s") from None

    return _wait_for(limited(), timeout)


def offered_host_key(host: str, port: int) -> str:
    """The public key that the host shows at this moment, for somebody to confirm.

    Nobody logs in and nothing is sent. Raises HostError.
    """

    async def limited() -> asyncssh.SSHKey | None:
        async with asyncio.timeout(CONNECT_SECONDS):
            return await asyncssh.get_server_host_key(
                host, port, config=None, server_host_key_algs=list(KEY_TYPES)
            )

    key = _wait_for(limited(), CONNECT_SECONDS)
    if key is None:
        raise HostError("it shows no host key")
    return key.export_public_key().decode().strip()


def fingerprint(host_key: str) -> str:
    """SHA256:…, as `ssh-keygen -lf` prints it. Raises HostError where it is no public key."""
    return str(_public_key(host_key).get_fingerprint())


def _wait_for(work: Coroutine[Any, Any, T], timeout: float) -> T:
    """Do it in the loop's thread; whatever goes wrong there is a HostError."""
    future = asyncio.run_coroutine_threadsafe(work, _loop()[0])
    try:
        return future.result(timeout + CONNECT_SECONDS)
    except HostError:
        raise
    except TimeoutError:
        future.cancel()
        raise HostError(f"no answer within {timeout:g} s") from None
    except (asyncssh.Error, OSError) as error:
        raise HostError(_cause(error)) from None


def _cause(error: BaseException) -> str:
    if isinstance(error, ConnectionRefusedError) or "refused" in str(error):
        return "SSH connection refused"
    return f"SSH: {' '.join(str(error).split())[:200] or type(error).__name__}"
