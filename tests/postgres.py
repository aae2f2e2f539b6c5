"""A throw-away PostgreSQL server: `python -m tests.postgres COMMAND…` runs a command against it."""

from __future__ import annotations

import contextlib
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from launcher import ports
from launcher.needs import NEEDS
from tests.waiting import wait_for


@contextlib.contextmanager
def server() -> Iterator[str]:
    """Run a server in a folder of its own until the context ends; gives its DATABASE_URL."""
    binaries = NEEDS["postgres"].find()
    assert binaries, "no PostgreSQL server binaries"
    folder = Path(tempfile.mkdtemp(prefix="burnin-postgres-"))
    # PostgreSQL refuses to run as root.
    owner: dict[str, Any] = {}
    if os.geteuid() == 0:
        user = _unprivileged()
        os.chown(folder, user.pw_uid, user.pw_gid)
        owner = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    password, port = secrets.token_hex(16), ports.kept(folder / "port.json", ["port"])["port"]
    (folder / "password").write_text(password)
    if owner:
        os.chown(folder / "password", owner["user"], owner["group"])
    common: dict[str, Any] = {"cwd": folder, **owner}
    try:
        subprocess.run(
            [f"{binaries}/initdb", "-D", f"{folder}/data", "-U", "burnin", "--auth=scram-sha-256",
             f"--pwfile={folder}/password", "--encoding=UTF8", "--no-locale", "--no-sync"],
            check=True, stdout=subprocess.DEVNULL, **common,
        )  # fmt: skip
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [f"{binaries}/postgres", "-D", f"{folder}/data", "-p", str(port), "-k", str(folder),
                 "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"],
                stdout=log, stderr=log, **common,
            )  # fmt: skip
        try:
            ready = [f"{binaries}/pg_isready", "-q", "-h", str(folder), "-p", str(port)]
            wait_for(lambda: subprocess.run(ready).returncode == 0, 60, "PostgreSQL answers")
            yield f"postgres://burnin:{password}@127.0.0.1:{port}/postgres"
        finally:
            process.send_signal(signal.SIGINT)  # fast shutdown: open connections are cut
            process.wait(30)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _unprivileged() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise AssertionError("neither a user postgres nor nobody to run PostgreSQL as")


if __name__ == "__main__":
    with server() as url:
        sys.exit(subprocess.run(sys.argv[1:], env={**os.environ, "DATABASE_URL": url}).returncode)
