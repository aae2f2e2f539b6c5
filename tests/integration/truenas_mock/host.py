"""The NAS's host over SSH, by asyncssh's client; and the agent on it, as anybody would call it."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import asyncssh
from jsonschema import Draft202012Validator

from agent.build import build
from launcher.environment import ROOT
from tests.nas import MockNas

SECONDS = 15


@cache
def schema() -> Draft202012Validator:
    return Draft202012Validator(json.loads((ROOT / "agent/protocol.schema.json").read_text()))


@dataclass(frozen=True)
class Done:
    status: int | None
    out: bytes
    errors: bytes


class Host:
    """A context: connected at the first command, again after a break."""

    def __init__(self, nas: MockNas, user: str = "root", key_file: Path | None = None) -> None:
        self.nas, self.user = nas, user
        self.key_file = key_file or nas.key_file
        self.zipapp = nas.state_dir / "bin" / "agent-test.pyz"
        self._loop = asyncio.new_event_loop()
        self._connection: asyncssh.SSHClientConnection | None = None

    def __enter__(self) -> Host:
        return self

    def __exit__(self, *_: object) -> None:
        if self._connection:
            self._connection.abort()
            self._loop.run_until_complete(self._connection.wait_closed())
        self._loop.close()

    def run(self, command: str | None, stdin: bytes = b"") -> Done:
        """Raises asyncssh.Error or OSError when the connection breaks."""
        return self._loop.run_until_complete(asyncio.wait_for(self._run(command, stdin), SECONDS))

    async def _run(self, command: str | None, stdin: bytes) -> Done:
        if self._connection is None or self._connection.is_closed():
            self._connection = await self._connect()
        try:
            process = await self._connection.create_process(command, encoding=None)
        except (asyncssh.Error, OSError):
            # It broke while nobody looked; nothing was run.
            self._connection = await self._connect()
            process = await self._connection.create_process(command, encoding=None)
        async with process:
            out, errors = await process.communicate(stdin)
        return Done(process.exit_status, out, errors)

    async def _connect(self) -> asyncssh.SSHClientConnection:
        return await asyncssh.connect(
            "127.0.0.1", self.nas.ssh_port, username=self.user,
            client_keys=[str(self.key_file)], config=None, agent_path=None,
            known_hosts=([asyncssh.import_public_key(self.nas.host_key)], [], []),
        )  # fmt: skip

    def ship(self) -> None:
        """Put the agent where `agent` calls it."""
        folder, file = self.zipapp.parent, self.zipapp
        done = self.run(f"mkdir -p {folder} && cat > {file}.partial && mv {file}.partial {file}",
                        build())  # fmt: skip
        assert done.status == 0, done.errors

    def agent(self, *argv: str, stdin: bytes = b"", status: int | None = 0) -> Any:
        """Its answer, which holds to the protocol's schema. `status` None takes any."""
        words = " ".join(f"'{word}'" for word in argv)
        done = self.run(
            f'PATH="$PATH:/usr/local/bin" exec python3 -I -B {self.zipapp} {words}', stdin
        )
        assert done.out, done.errors
        answer = json.loads(done.out)
        schema().validate(answer)
        assert status is None or done.status == status, answer
        return answer

    def run_dir(self, run_id: str) -> str:
        return str(self.nas.state_dir / "runs" / run_id)

    def device(self, name: str) -> dict[str, Any]:
        (found,) = [one for one in self.agent("probe")["devices"] if one["name"] == name]
        return dict(found)

    def start(self, name: str, run_id: str, *more: str, **options: Any) -> Any:
        """Start a surface run of that drive."""
        device = self.device(name)
        return self.agent(
            "surface", "start", "--state", self.run_dir(run_id), "--device", device["path"],
            f"--expect-serial={device['serial']}", f"--expect-size={device['size_bytes']}", *more,
            **options,
        )  # fmt: skip

    def head(self, run_id: str) -> dict[str, Any]:
        return dict(self.agent("surface", "status", "--state", self.run_dir(run_id))["run"])
