"""The NAS's SSH server: one user, by key or password; commands run by a real sh on this machine.

Where the drives are simulated, a command that calls the agent's zipapp is answered here instead,
provided that the zipapp lies where the command says: it has to be shipped, as to any host.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import signal
from pathlib import Path

import asyncssh

from . import agent, host
from .faults import FOREVER, Fault, Faults
from .nas import Nas

USER = "root"
PIECE = 65536
NOISE = b"\x00\xff\xfenot what you asked for\n"
Process = asyncssh.SSHServerProcess[bytes]


class _Server(asyncssh.SSHServer):
    """One connection."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self._shell.connections.add(conn)

    def connection_lost(self, exc: Exception | None) -> None:
        self._shell.connections.discard(self._connection)

    def begin_auth(self, username: str) -> bool:
        if username == self._shell.user:
            self._connection.set_authorized_keys(str(self._shell.authorized_key))
        return True

    def password_auth_supported(self) -> bool:
        return bool(self._shell.password)

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == (self._shell.user, self._shell.password)


class Shell:
    """`start` listens; the methods without async are for other threads."""

    def __init__(
        self,
        nas: Nas,
        faults: Faults,
        authorized_key: Path,
        user: str = USER,
        password: str | None = None,
        host: str = "127.0.0.1",
    ) -> None:
        self.nas, self.faults, self.host = nas, faults, host
        self.user, self.password = user, password
        self.authorized_key = authorized_key
        self.connections: set[asyncssh.SSHServerConnection] = set()
        self.host_key = self._kept_host_key()
        self.port = 0
        self._acceptor: asyncssh.SSHAcceptor | None = None

    @property
    def public_key(self) -> str:
        """As OpenSSH writes it."""
        return self.host_key.export_public_key().decode().strip()

    def _kept_host_key(self) -> asyncssh.SSHKey:
        file = self.nas.data / "ssh_host_ed25519_key"
        if not file.is_file():
            key = asyncssh.generate_private_key("ssh-ed25519")
            temporary = file.with_name(f"{file.name}.tmp")
            temporary.touch(mode=0o600)
            temporary.write_bytes(key.export_private_key())
            temporary.replace(file)
        return asyncssh.read_private_key(str(file))

    async def start(self, port: int) -> None:
        self._loop = asyncio.get_running_loop()
        self.port = port
        await self._listen()

    async def stop(self) -> None:
        """No connection from now on, and none left."""
        if self._acceptor:
            self._acceptor.close()
            self._acceptor = None
        self._hang_up()

    async def _listen(self) -> None:
        self._acceptor = await asyncssh.create_server(
            lambda: _Server(self),
            self.host,
            self.port,
            server_host_keys=[self.host_key],
            password_auth=bool(self.password),
            kbdint_auth=False,
            agent_forwarding=False,
            process_factory=self._handle,
            encoding=None,
            # sshd of TrueNAS: ClientAliveInterval 15, three times.
            keepalive_interval=15,
            keepalive_count_max=3,
        )
        self.port = self._acceptor.get_port()

    def hang_up(self) -> None:
        """Cut every connection."""
        self._loop.call_soon_threadsafe(self._hang_up)

    def _hang_up(self) -> None:
        for connection in list(self.connections):
            connection.abort()

    def follow_faults(self) -> None:
        """Refuse connections while there is such a fault; in force when this returns."""
        asyncio.run_coroutine_threadsafe(self._follow_faults(), self._loop).result(10)

    async def _follow_faults(self) -> None:
        refuses = self.faults.has("ssh", "refuse")
        if refuses:
            await self.stop()
        elif self._acceptor is None:
            await self._listen()

    async def _handle(self, process: Process) -> None:
        fault = self.faults.take("ssh")
        if fault and fault.what == "hang":
            await asyncio.sleep(FOREVER if fault.seconds is None else fault.seconds)
            process.channel.get_connection().abort()
            return
        output = _Output(process, fault)
        try:
            status = await self._answer(process, output)
        except OSError as error:
            output.error(f"{error}\n".encode())
            status = 255
        await output.end(status)

    async def _answer(self, process: Process, output: _Output) -> int:
        command = process.command
        call = _agent_call(command) if command and not self.nas.media else None
        if call is None:
            return await self._run(process, command, output)
        zipapp, argv = call
        # Only a command that wants its input waits for the end of it.
        stdin = await process.stdin.read() if "--restore" in argv else b""
        if not Path(zipapp).is_file():
            words = f"python3: can't open file '{zipapp}': [Errno 2] No such file or directory\n"
            output.error(words.encode())
            return 2
        status, answer = await asyncio.to_thread(agent.answer, self.nas, argv, stdin)
        await output.write(answer.encode())
        return status

    async def _run(self, process: Process, command: str | None, output: _Output) -> int:
        """As sshd does: the login shell with -c, in a session of its own.

        It ends when the command has ended and nobody holds its output open any more. A command
        whose connection breaks goes on.
        """
        self.nas.read()
        self._learn_root(command or "")
        child = await asyncio.create_subprocess_exec(
            *(["/bin/sh", "-c", command] if command else ["/bin/sh"]),
            env=host.environment(self.nas),
            cwd=self.nas.data / "home",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        assert child.stdin and child.stdout and child.stderr
        feeding = asyncio.create_task(_feed(process, child))
        await asyncio.gather(output.copy(child.stdout), output.copy_errors(child.stderr))
        status = await child.wait()
        feeding.cancel()
        return status

    def _learn_root(self, command: str) -> None:
        """The agent's state folder on this host, as its caller names it."""
        _, words = _agent_call(command) or ("", [])
        for option, value in zip(words, words[1:], strict=False):
            if option in ("--root", "--state"):
                folder = Path(value)
                root = str(folder if option == "--root" else folder.parent.parent)
                if root not in self.nas.roots:
                    with self.nas.change():
                        self.nas.roots = [*self.nas.roots, root]


class _Output:
    """What a command says, on its way to the client; a fault may befall it."""

    def __init__(self, process: Process, fault: Fault | None) -> None:
        self._process = process
        self._fault = fault.what if fault else None
        self._held = b""

    async def write(self, data: bytes) -> None:
        if self._fault:
            self._held += data
            return
        # Once the client has gone, the rest is for nobody.
        with contextlib.suppress(OSError, asyncssh.Error):
            self._process.stdout.write(data)
            await self._process.stdout.drain()

    def error(self, data: bytes) -> None:
        with contextlib.suppress(OSError, asyncssh.Error):
            self._process.stderr.write(data)

    async def copy(self, source: asyncio.StreamReader) -> None:
        while data := await source.read(PIECE):
            await self.write(data)

    async def copy_errors(self, source: asyncio.StreamReader) -> None:
        while data := await source.read(PIECE):
            self.error(data)

    async def end(self, status: int) -> None:
        """The exit status; or what the fault makes of it: the command itself has been done."""
        with contextlib.suppress(OSError, asyncssh.Error):
            half = self._held[: len(self._held) // 2]
            if self._fault == "cut":
                self._process.stdout.write(half)
                await self._process.stdout.drain()
                self._process.channel.get_connection().abort()
                return
            if self._fault == "garbage":
                self._process.stdout.write(half + NOISE)
            if status < 0:
                name = signal.Signals(-status).name.removeprefix("SIG")
                self._process.exit_with_signal(name)
            else:
                self._process.exit(status)


async def _feed(process: Process, child: asyncio.subprocess.Process) -> None:
    """The client's input to the command, until either of them ends; signals too."""
    assert child.stdin
    with contextlib.suppress(OSError, asyncssh.Error):
        while True:
            try:
                data = await process.stdin.read(PIECE)
            except asyncssh.SignalReceived as received:
                os.killpg(child.pid, getattr(signal, f"SIG{received.signal}", signal.SIGTERM))
                continue
            if not data:
                break
            child.stdin.write(data)
            await child.stdin.drain()
    child.stdin.close()


def _agent_call(command: str) -> tuple[str, list[str]] | None:
    """(zipapp, arguments) where a command line is `[NAME=…] [exec] python3 [-…] FILE.pyz …`,
    with `sudo -n --` before it or not, by itself or handed to `sh -c`.
    """
    try:
        words = shlex.split(command)
    except ValueError:
        return None
    while words and (words[0] == "exec" or "=" in words[0].partition("/")[0]):
        words = words[1:]
    if len(words) == 3 and os.path.basename(words[0]) == "sh" and words[1] == "-c":
        return _agent_call(words[2])
    if words[:3] == ["sudo", "-n", "--"]:
        words = words[3:]
    if not words or not os.path.basename(words[0]).startswith("python"):
        return None
    for place, word in enumerate(words[1:], start=1):
        if word in ("-c", "-m"):
            return None
        if not word.startswith("-"):
            return (word, words[place + 1 :]) if word.endswith(".pyz") else None
    return None
