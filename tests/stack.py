"""The whole product in a folder of its own, as `./run demo` runs it; tests kill parts of it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests

from launcher import record
from launcher.client import Client, Drive, Job
from launcher.environment import ROOT
from launcher.product import ADMIN
from tests.waiting import wait_for

#: What the launcher keeps running.
PROCESSES = ("valkey", "nas-1", "nas-2", "web", "worker", "beat")


class Stack:
    """Start, ask, kill -9 a single process by its name or the launcher itself, start again."""

    def __init__(
        self, data: Path, *, speed: float = 20, rate_limit_mbps: int = 0, parallel: int = 4
    ) -> None:
        self.data = data
        self.started_in = 0.0  #: seconds from the command to its "ready"
        self._launcher: subprocess.Popen[bytes] | None = None
        self._client: Client | None = None
        self._options = [
            "--data", str(data), "--port", "0", "--poll-seconds", "1", "--speed", f"{speed:g}",
            "--rate-limit-mbps", str(rate_limit_mbps), "--parallel", str(parallel),
        ]  # fmt: skip

    # --- the launcher -------------------------------------------------------------------------
    def start(self) -> Stack:
        """Run the launcher and return when it says that it is ready."""
        self.data.mkdir(parents=True, exist_ok=True)
        self._client = None
        before = self._ready_lines()
        began = time.monotonic()
        with self.output.open("ab") as output:
            self._launcher = subprocess.Popen(
                [sys.executable, "-m", "launcher", "demo", *self._options],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        wait_for(lambda: self._ready_lines() > before or self._has_ended(), 120, "it is ready")
        assert not self._has_ended(), self.output.read_text()[-3000:]
        self.started_in = time.monotonic() - began
        return self

    def stop(self) -> int:
        """Ctrl-C; the launcher's exit status."""
        if self._launcher is None:
            return 0
        if self._launcher.poll() == -signal.SIGKILL:
            self.start()  # only a new one can end what the killed one left
        launcher, self._launcher = self._launcher, None
        launcher.send_signal(signal.SIGINT)
        return launcher.wait(60)

    def kill_launcher(self) -> None:
        """kill -9 of the launcher alone: what it started goes on without it."""
        assert self._launcher is not None
        self._launcher.kill()
        self._launcher.wait()

    @property
    def output(self) -> Path:
        return self.data / "launcher.log"

    def _ready_lines(self) -> int:
        return self.output.read_text().count("ready after") if self.output.exists() else 0

    def _has_ended(self) -> bool:
        return self._launcher is None or self._launcher.poll() is not None

    # --- its processes ------------------------------------------------------------------------
    def pids(self) -> dict[str, int]:
        """The living processes that the launcher started, by name."""
        return {row["name"]: row["pid"] for row in record.read(self.data)}

    def kill9(self, *names: str) -> dict[str, int]:
        """Kill them at once; gives their process ids."""
        pids = self.pids()
        gone = {name: pids[name] for name in names}
        for pid in gone.values():
            os.kill(pid, signal.SIGKILL)
        return gone

    def kill9_all(self) -> None:
        """The launcher and everything that it started, in one go."""
        self.kill_launcher()
        self.kill9(*self.pids())
        wait_for(lambda: not self.pids(), 10, "all of them are gone")

    def wait_until_back(self, gone: dict[str, int]) -> None:
        """Until the launcher has started each of these processes again."""

        def are_back() -> bool:
            now = self.pids()
            return all(now.get(name, pid) != pid for name, pid in gone.items())

        wait_for(are_back, 60, f"{', '.join(gone)} run again")

    def leftovers(self) -> list[str]:
        """Command lines of all processes, agents on the mocks' hosts too, that name our folder."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                words = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                if str(self.data) in words and int(folder.name) != os.getpid():
                    found.append(f"{folder.name}: {words}")
        return found

    def agent(self, run_id: str) -> int | None:
        """The process id of the agent that works on this run on its host; None when none does."""
        found = [line for line in self.leftovers() if ".pyz" in line and f"/{run_id}" in line]
        return int(found[0].partition(":")[0]) if found else None

    def state_folder(self, run_id: str) -> Path:
        """The run's folder on the host of nas-2."""
        return self.data / "nas-2" / "home" / ".burnin" / "runs" / run_id

    def run_state(self, run_id: str) -> dict[str, Any]:
        """The run as it is stored on the host: as of its last checkpoint."""
        head: dict[str, Any] = json.loads((self.state_folder(run_id) / "state.json").read_text())
        return head["head"]

    def unlimit(self, run_id: str) -> None:
        """Let this run work as fast as it can from now on."""
        (agent,) = (self.data / "nas-2" / "home" / ".burnin" / "bin").glob("agent-*.pyz")
        command = ["surface", "limit", "--state", str(self.state_folder(run_id)), "--rate", "0"]
        subprocess.run(
            [sys.executable, "-I", "-B", str(agent), *command],
            # Where that host keeps what changes fast; see truenas_mock.
            env=os.environ | {"BURNIN_MEMORY_DIR": str(self.data / "nas-2" / "run")},
            stdout=subprocess.DEVNULL,
            check=True,
        )

    # --- the product --------------------------------------------------------------------------
    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port('web')}"

    def _port(self, name: str) -> int:
        port: int = json.loads((self.data / "ports.json").read_text())[name]
        return port

    @property
    def client(self) -> Client:
        """Logged in."""
        if self._client is None:
            client = Client(self.url)
            client.log_in(ADMIN, (self.data / "password").read_text())
            self._client = client
        return self._client

    def debug(self, nas: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """POST /debug/<path> of a mock NAS."""
        url = f"http://127.0.0.1:{self._port(nas)}/debug/{path}"
        answer = requests.post(url, json=body or {}, timeout=10)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def drives(self) -> dict[str, Drive]:
        """Present drives by name; empty while the web process doesn't answer."""
        try:
            return {drive.name: drive for drive in self.client.drives() if drive.present}
        except requests.RequestException:
            return {}

    def wait_for_drives(self, *names: str) -> dict[str, Drive]:
        wait_for(lambda: set(names) <= set(self.drives()), 60, f"{', '.join(names)} are listed")
        return self.drives()

    def start_burnin(self, name: str, stages: list[str], *, passes: int = 2) -> int:
        drive = self.wait_for_drives(name)[name]
        return self.client.start(drive, stages, passes=passes, typed_serial=drive.serial)

    def job(self, name: str) -> Job | None:
        """The latest burn-in of a drive; None too while the web process doesn't answer."""
        drive = self.drives().get(name)
        return drive.job if drive else None

    def wait_for_job(
        self, name: str, condition: Callable[[Job], Any], timeout: float, what: str
    ) -> Job:
        def holds() -> Job | None:
            job = self.job(name)
            return job if job and condition(job) else None

        job: Job = wait_for(holds, timeout, f"{what}; logs in {self.data / 'log'}")
        return job
