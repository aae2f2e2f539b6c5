"""The web server as a process of its own, on the database and broker of a test."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import requests

from launcher import ports
from launcher.environment import ROOT
from tests.waiting import wait_for


class Web:
    """Daphne on the test's own database and broker.

    `bind` is the address it listens at; `module` holds the `application`; `env` is seen by it."""

    def __init__(
        self,
        folder: Path,
        valkey: str,
        *,
        bind: str = "127.0.0.1",
        module: str = "tests.integration.dashboard.asgi",
        **env: str,
    ) -> None:
        self.folder, self.valkey, self.bind, self.env = folder, valkey, bind, env
        self.module = module
        self.port = ports.kept(folder / "web.json", ["web"])["web"]
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        env = os.environ | database() | self.env | {
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "TEST_REDIS_URL": self.valkey,
        }  # fmt: skip
        # Set beside a browser; the product must do without.
        env.pop("DJANGO_ALLOW_ASYNC_UNSAFE", None)
        with (self.folder / "web.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "daphne", "-b", self.bind, "-p", str(self.port),
                 f"{self.module}:application"],
                cwd=ROOT, env=env, stdout=log, stderr=log,
            )  # fmt: skip
        wait_for(self._answers, 120, f"the page answers; {self.folder / 'web.log'}")

    def kill9(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    @property
    def is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def _answers(self) -> bool:
        with contextlib.suppress(requests.ConnectionError, requests.Timeout):
            answer = requests.get(f"{self.url}/health/live", timeout=30)
            return answer.ok or (answer.status_code == 403 and "TEST_ALLOWED_IPS" in self.env)
        return False

    @property
    def log(self) -> str:
        return (self.folder / "web.log").read_text()


def database() -> dict[str, str]:
    """The environment that leads another process to this test's database."""
    from django.db import connection

    name = str(connection.settings_dict["NAME"])
    if connection.vendor == "sqlite":
        return {"TEST_DB_NAME": name}
    parts = urlsplit(os.environ["DATABASE_URL"])
    return {"DATABASE_URL": urlunsplit(parts._replace(path=f"/{name}")), "TEST_DB_NAME": name}
