"""The NAS's SSH server: one authorized key, commands run by a real sh on this machine.

Where the drives are simulated, a command that calls the agent's zipapp is answered here instead.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
from pathlib import Path

import asyncssh

from . import agent, host
from .faults import Faults
from .nas import Nas


class Shell:
    """`start` listens on loopback."""

    def __init__(self, nas: Nas, faults: Faults, authorized_key: Path) -> None:
        self.nas, self.faults = nas, faults
        self.authorized_key = authorized_key
        self.host_key = self._kept_host_key()
        self.port = 0

    @property
    def public_key(self) -> str:
        return self.host_key.export_public_key().decode().strip()

    def _kept_host_key(self) -> asyncssh.SSHKey:
        file = self.nas.data / "ssh_host_ed25519_key"
        if not file.is_file():
            key = asyncssh.generate_private_key("ssh-ed25519")
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as out:
                out.write(key.export_private_key())
        return asyncssh.read_private_key(str(file))

    async def start(self, port: int) -> None:
        server = await asyncssh.create_server(
            asyncssh.SSHServer,
            "127.0.0.1",
            port,
            server_host_keys=[self.host_key],
            authorized_client_keys=str(self.authorized_key),
            password_auth=False,
            process_factory=self._handle,
            encoding=None,
        )
        self.port = server.sockets[0].getsockname()[1]

    async def _handle(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        fault = self.faults.take("ssh")
        if fault and fault.what in ("refuse", "cut"):
            process.channel.get_connection().abort()
            return
        if fault and fault.what == "hang":
            await asyncio.sleep(fault.seconds)
            process.channel.get_connection().abort()
            return
        if fault and fault.what == "garbage":
            process.stdout.write(b"\x00\xffnot what you asked for\n")
            process.exit(0)
            return
        try:
            stdin = await process.stdin.read()
            command = process.command or ""
            argv = _agent_arguments(command)
            if argv is not None and not self.nas.media:
                status, output = await asyncio.to_thread(agent.answer, self.nas, argv, stdin)
                process.stdout.write(output.encode())
            else:
                status = await self._run(process, command, stdin)
            process.exit(status)
        except (OSError, asyncssh.Error):
            with contextlib.suppress(OSError, asyncssh.Error):
                process.exit(255)

    async def _run(
        self, process: asyncssh.SSHServerProcess[bytes], command: str, stdin: bytes
    ) -> int:
        """As sshd does: the login shell with -c, in a session of its own."""
        self.nas.read()
        child = await asyncio.create_subprocess_exec(
            "/bin/sh", "-c", command,
            env=host.environment(self.nas),
            cwd=self.nas.data / "home",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )  # fmt: skip
        stdout, stderr = await child.communicate(stdin)
        process.stdout.write(stdout)
        process.stderr.write(stderr)
        return child.returncode if child.returncode is not None and child.returncode >= 0 else 255


def _agent_arguments(command: str) -> list[str] | None:
    """What follows the zipapp in a command line; None where it calls something else."""
    try:
        words = shlex.split(command)
    except ValueError:
        return None
    for place, word in enumerate(words):
        if word.endswith(".pyz") and place and words[place - 1] == "-B":
            return words[place + 1 :]
    return None
