"""The web server on a database that tells the story: for screenshots and tests of pages."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from http.cookiejar import Cookie
from pathlib import Path
from typing import Any

import requests

from launcher import ports, static_files
from launcher.environment import ROOT
from launcher.product import make_ssh_key
from launcher.services import WEB
from tests.broker import server as broker
from tests.nas import MockNas
from tests.story import host
from tests.story.people import PASSWORD
from tests.waiting import wait_for

#: The sites that places are opened on, and how each is made.
WORLDS: dict[str, dict[str, Any]] = {
    "told": {},
    "untold": {"story": ""},
    "empty": {"story": "", "admin": "olga"},
    "many": {"story": "many", "admin": "olga"},
    "long": {"story": "long", "admin": "olga"},
    "broken": {"story": "broken", "admin": "olga"},
}


@dataclass(frozen=True)
class Site:
    """A running web server. Nobody polls, so its pages stand still."""

    url: str
    folder: Path

    def session(self, name: str) -> str:
        """The session key of somebody who has just logged in."""
        asker = requests.Session()
        asker.trust_env = False
        asker.get(f"{self.url}/login", timeout=30)
        form = {
            "user": name,
            "password": PASSWORD,
            "csrfmiddlewaretoken": asker.cookies["csrftoken"],
        }
        asker.post(f"{self.url}/login", form, timeout=60, allow_redirects=False)
        found: list[Cookie] = [one for one in asker.cookies if one.name == "sessionid"]
        return str(found[0].value)


@contextlib.contextmanager
def site(folder: Path, *, story: str = "told", admin: str = "", jobs: int = 160) -> Iterator[Site]:
    """Migrate, tell the story, start Valkey, a mock NAS and web; all of it ends with the context.

    story: empty leaves the database empty, as before the first admin; or with nobody but `admin`.
    Another than "told" is one of tests/story/worlds.py.
    """
    folder.mkdir(parents=True, exist_ok=True)
    port = ports.kept(folder / "web.json", ["web"])["web"]
    with broker(folder) as valkey, contextlib.ExitStack() as ends:
        env = {
            name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG"}
        } | {
            "BURNIN_ENV_FILE": "",
            "DB_PATH": str(folder / "app.db"),
            "REDIS_URL": valkey,
            "APP_HOST": "127.0.0.1",
            "APP_PORT": str(port),
            "APP_URL": f"http://127.0.0.1:{port}",
            "LOG_FORMAT": "console",
            "LOG_LEVEL": "WARNING",
            # What was polled when the story was told stays fresh; nas-2 is older than this.
            "STALE_THRESHOLD_SECONDS": "3600",
            "MAX_PARALLEL_BURNINS": "3",
            "ADMIN_USER": admin,
            "ADMIN_PASSWORD": PASSWORD if admin else "",
        }
        with (folder / "web.log").open("ab") as log:

            def run(*command: str) -> None:
                subprocess.run(
                    [sys.executable, *command],
                    cwd=ROOT,
                    env=env,
                    check=True,
                    stdout=log,
                    stderr=log,
                )

            run("manage.py", "prepare", "--verbosity", "0")
            with static_files.lock():
                if not static_files.are_fresh():
                    run("manage.py", *static_files.COLLECT)
            if story and story != "told":
                run("-m", "tests.story.worlds", story)
            elif story:
                make_ssh_key(folder / "id_ed25519")
                nas = MockNas(folder / "nas", folder)
                ends.callback(nas.stop)
                host.start(nas, folder / "nas.json")
                run("-m", "tests.story.seed", str(jobs), str(folder / "nas.json"))
            web = subprocess.Popen(
                [*WEB, "-b", "127.0.0.1", "-p", str(port), "burnin_site.asgi:application"],
                cwd=ROOT,
                env=env,
                stdout=log,
                stderr=log,
            )
        try:
            url = f"http://127.0.0.1:{port}"
            wait_for(lambda: _answers(url), 180, f"the page answers; {folder / 'web.log'}")
            yield Site(url, folder)
        finally:
            web.kill()
            web.wait()


def _answers(url: str) -> bool:
    with contextlib.suppress(requests.RequestException):
        return requests.get(f"{url}/health/live", timeout=5).ok
    return False
