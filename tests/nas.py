"""A mock NAS as a process of its own, for tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import requests

from launcher.environment import ROOT
from tests.waiting import wait_for


class MockNas:
    """Start, ask, kill and start again; ports and host key stay the same."""

    def __init__(
        self,
        data: Path,
        ssh_keys: Path,
        *,
        speed: float = 60,
        names: str = "sd",
        release: str = "13.0",
        media: Sequence[str] = (),
        env: dict[str, str] | None = None,
        options: Sequence[str] = (),
    ) -> None:
        self.data = data
        self.key_file = ssh_keys / "id_ed25519"
        self.media = data / "media" if media else None
        self.state_dir = data / "home" / ".burnin"
        self.port = self.ssh_port = 0
        self.tls_port: int | None = None  # where `options` have --tls-port 0
        self.host_key = ""
        self._process: subprocess.Popen[bytes] | None = None
        self._env = os.environ | (env or {})
        self._options = ["--speed", f"{speed:g}", "--names", names, "--release", release]
        self._options += ["--authorized-key", f"{self.key_file}.pub", *options]
        data.mkdir(parents=True, exist_ok=True)
        if self.media:
            drives = [word for drive in media for word in ("--drive", drive)]
            make = [sys.executable, "-m", "truenas_mock.media", str(self.media), *drives]
            subprocess.run(make, cwd=ROOT, check=True)
            self._options += ["--media", str(self.media)]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> MockNas:
        where = ["--port", str(self.port), "--ssh-port", str(self.ssh_port)]
        with (self.data / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "truenas_mock", "--data", str(self.data), *where,
                 *self._options],
                cwd=ROOT, env=self._env, stdout=log, stderr=log,
            )  # fmt: skip
        ready = wait_for(self._ready, 30, f"the mock NAS is ready; its log: {self.data / 'log'}")
        self.port, self.ssh_port = ready["port"], ready["ssh_port"]
        self.tls_port = ready.get("tls_port")
        self.host_key = ready["host_key"]
        return self

    def debug(self, path: str, body: Any = None) -> Any:
        """POST /debug/<path> with a JSON body; `state` is a GET. Returns the answer's JSON."""
        url = f"{self.url}/debug/{path.lstrip('/')}"
        answer = (
            requests.get(url, timeout=10)
            if path == "state"
            else requests.post(url, json=body if body is not None else {}, timeout=10)
        )
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def kill9(self) -> None:
        """The API and SSH server die at once; the agents on the host go on."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def restart(self) -> MockNas:
        """Start again after kill9, at the same ports."""
        return self.start()

    def stop(self) -> None:
        """Power off: agents end too."""
        if self._process is None:
            return
        if self._process.poll() is not None:
            self.start()  # killed by the test: only a running mock can end its host's processes
        self._process.terminate()
        self._process.wait(30)
        self._process = None

    def _ready(self) -> dict[str, Any] | None:
        assert self._process is not None
        assert self._process.poll() is None, (self.data / "log").read_text()[-2000:]
        try:
            found: dict[str, Any] = json.loads((self.data / "ready.json").read_text())
        except (OSError, ValueError):
            return None
        return found if found["pid"] == self._process.pid else None
