"""The whole product on this machine: Valkey, two mock NAS, web, worker, beat, in one data folder.

`nas-1` simulates 15 drives in quick motion; `nas-2` has a few small real ones, files that the real
agent writes and verifies over real SSH.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from . import ports
from .environment import PYTHON, ROOT
from .errors import Trouble
from .services import Services, kept_secret, valkey_url, write_private
from .supervisor import Child, Supervisor

ADMIN = "admin"
#: name, serial, model, MiB and, for one in use, its pool: what `truenas_mock.media` wants.
MEDIA = (
    "da0:BURN0001:DEMO-256M:256",
    "da1:BURN0002:DEMO-256M:256",
    "da2:BURN0003:DEMO-256M:256:pool=tank",
    "da3:BURN0004:DEMO-256M:256",
)
#: What children see of the caller's environment: nothing that could be a setting.
INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "USER", "LOGNAME")


@dataclass(frozen=True)
class Options:
    """How one start differs from another."""

    data: Path
    port: int = 8080  #: of the web page; 0 takes a free one and keeps it
    speed: float = 10  #: how much faster than life the mocks' drives are
    poll_seconds: int = 2
    rate_limit_mbps: int = 0  #: of the real drives' surface runs; 0 is none
    parallel: int = 3  #: burn-ins for each system


class Product:
    """Start it within a Supervisor's context; it stops with that."""

    def __init__(
        self, options: Options, supervisor: Supervisor, say: Callable[[str], None]
    ) -> None:
        self.options, self.supervisor, self.say = options, supervisor, say
        self.data = options.data
        names = ["valkey", "nas-1", "nas-1-ssh", "nas-2", "nas-2-ssh"]
        if not options.port:
            names.append("web")
        self.ports = ports.kept(self.data / "ports.json", names)
        self.ports.setdefault("web", options.port)
        self.url = f"http://127.0.0.1:{self.ports['web']}"
        self.password = kept_secret(self.data / "password", 12)
        self.env = self._environment()
        self.services = Services(
            self.data, supervisor, self.env, host="127.0.0.1", port=self.ports["web"]
        )

    def start(self) -> None:
        """Start everything and return when the page answers. Raises Trouble with the reason."""
        if not ports.is_free(self.ports["web"]):
            raise Trouble(
                f"Port {self.ports['web']} is in use by another program. Stop that one, or choose "
                f"another port: ./run demo --port {self.ports['web'] + 1}"
            )
        self.say("the broker and two mock NAS")
        key = self._client_key()
        mocks = {name: self._start_mock(name, key) for name in ("nas-1", "nas-2")}
        self.services.start_valkey(self.ports["valkey"])
        self.say("the database")
        self.services.prepare(ADMIN_USER=ADMIN, ADMIN_PASSWORD=self.password)
        self.say("web, worker and beat")
        web = self.services.start_processes()
        for name, mock in mocks.items():
            self.supervisor.wait_for(partial(self._is_ready, name, mock), 30, mock)
        self.services.manage(*(self._add_system(name, key) for name in mocks))
        self.services.wait_for_page(web)

    def debug(self, name: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """POST /debug/<path> of that mock NAS, and give its answer."""
        import requests

        with requests.Session() as session:
            session.trust_env = False
            url = f"http://127.0.0.1:{self.ports[name]}/debug/{path}"
            answer = session.post(url, json=body or {}, timeout=10)
            answer.raise_for_status()
            return answer.json() if answer.content else None

    def mock_folder(self, name: str) -> Path:
        return self.data / name

    def state_folder(self, name: str) -> Path:
        """Where the agent on that NAS keeps its runs."""
        return self.mock_folder(name) / "home" / ".burnin"

    def _environment(self) -> dict[str, str]:
        return {name: os.environ[name] for name in INHERITED if name in os.environ} | {
            "PYTHONUNBUFFERED": "1",
            "BURNIN_ENV_FILE": "",
            "DB_PATH": str(self.data / "app.db"),
            "REDIS_URL": valkey_url(self.data, self.ports["valkey"]),
            "APP_HOST": "127.0.0.1",
            "APP_PORT": str(self.ports["web"]),
            "APP_URL": self.url,
            "POLL_INTERVAL_SECONDS": str(self.options.poll_seconds),
            "SMART_INTERVAL_SECONDS": str(self.options.poll_seconds),
            "MAX_PARALLEL_BURNINS": str(self.options.parallel),
            "SURFACE_RATE_LIMIT_MBPS": str(self.options.rate_limit_mbps),
            "LOG_FORMAT": "console",
        }

    def _client_key(self) -> Path:
        key = self.data / "ssh" / "id_ed25519"
        if not key.is_file():
            make_ssh_key(key)
        return key

    def _start_mock(self, name: str, key: Path) -> Child:
        media = self.data / "media"
        drives = ["--names", "sd"]
        if name == "nas-2":
            options = [word for drive in MEDIA for word in ("--drive", drive)]
            make = [str(PYTHON), "-m", "truenas_mock.media", str(media), *options]
            subprocess.run(make, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
            drives = ["--media", str(media)]
        command = [
            str(PYTHON), "-m", "truenas_mock", "--data", str(self.mock_folder(name)),
            "--port", str(self.ports[name]), "--ssh-port", str(self.ports[f"{name}-ssh"]),
            "--speed", f"{self.options.speed:g}", "--authorized-key", f"{key}.pub", *drives,
        ]  # fmt: skip
        return self.supervisor.start(name, command, self.env)

    def _is_ready(self, name: str, mock: Child) -> bool:
        ready = self._ready_file(name)
        return bool(ready and mock.process and ready["pid"] == mock.process.pid)

    def _ready_file(self, name: str) -> dict[str, str]:
        try:
            found: dict[str, str] = json.loads((self.mock_folder(name) / "ready.json").read_text())
        except (OSError, ValueError):
            return {}
        return found

    def _add_system(self, name: str, key: Path) -> list[str]:
        """The command that makes the dashboard know this mock."""
        return [
            "add_system", name,
            "--base-url", f"http://127.0.0.1:{self.ports[name]}", "--api-key", "mock-key",
            "--ssh-host", "127.0.0.1", "--ssh-port", str(self.ports[f"{name}-ssh"]),
            "--ssh-user", "root", "--ssh-key-file", str(key),
            "--ssh-host-key", self._ready_file(name)["host_key"],
            "--state-dir", str(self.state_folder(name)), "--kind", "mock",
        ]  # fmt: skip


def make_ssh_key(file: Path) -> None:
    """Make a key pair: `file` (0600) and `file`.pub."""
    import asyncssh

    file.parent.mkdir(parents=True, exist_ok=True)
    key = asyncssh.generate_private_key("ssh-ed25519")
    Path(f"{file}.pub").write_bytes(key.export_public_key())
    write_private(file, key.export_private_key().decode())
