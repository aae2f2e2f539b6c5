"""`./run up`: from a settings file, without a mock; bad settings are refused by their name."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from launcher import record
from launcher.client import Client
from launcher.environment import ROOT
from tests.nas import MockNas
from tests.waiting import wait_for

pytestmark = pytest.mark.timeout(240)
PROCESSES = {"valkey", "web", "worker", "beat"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def environment(file: Path) -> dict[str, str]:
    """Nothing of the caller's that could be a setting."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return kept | {"BURNIN_ENV_FILE": str(file)}


class Up:
    def __init__(self, folder: Path, **more: str) -> None:
        self.data = folder / "data"
        self.output = folder / "output"
        self.url = f"http://127.0.0.1:{free_port()}"
        settings = {
            "DB_PATH": str(self.data / "app.db"),
            "APP_HOST": "127.0.0.1",
            "APP_PORT": self.url.rpartition(":")[2],
            "APP_URL": self.url,
            "REDIS_URL": "",
        } | more
        self.file = folder / "settings"
        self.file.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))

    def start(self) -> str:
        """Until it says that it is ready; what it said."""
        self.output.write_text("")
        with self.output.open("ab") as out:
            self.launcher = subprocess.Popen(
                [sys.executable, "-m", "launcher", "up"],
                cwd=ROOT, env=environment(self.file), stdout=out, stderr=out,
            )  # fmt: skip
        wait_for(
            lambda: "Data and logs" in self.output.read_text() or self.launcher.poll() is not None,
            120,
            "it is ready",
        )
        assert self.launcher.poll() is None, self.output.read_text()
        return self.output.read_text()

    def stop(self) -> None:
        self.launcher.send_signal(signal.SIGINT)
        assert self.launcher.wait(60) == 0

    def pids(self) -> dict[str, int]:
        return {row["name"]: row["pid"] for row in record.read(self.data)}

    def manage(self, *command: str, given: str = "") -> subprocess.CompletedProcess[str]:
        """`./run manage …` with the same settings; `given` is its input."""
        return subprocess.run(
            [sys.executable, "-m", "launcher", "manage", *command],
            cwd=ROOT, env=environment(self.file), input=given, capture_output=True, text=True,
        )  # fmt: skip

    def answers(self, path: str) -> int:
        with contextlib.suppress(requests.RequestException):
            return requests.get(self.url + path, timeout=10).status_code
        return 0


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    running = Up(tmp_path)
    yield running
    if running.launcher.poll() is None:
        running.stop()


def test_it_starts_tells_the_setup_code_and_restarts_what_dies(up: Up) -> None:
    said = up.start()
    assert up.url in said
    code = re.search(r"setup code +(\S+)", said)
    assert code, said
    assert set(up.pids()) == PROCESSES
    assert up.answers("/setup") == 200
    for file in (up.data / "log").iterdir():
        assert code[1] not in file.read_text(), f"{file} tells the code"
    gone = up.pids()
    for pid in gone.values():
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: set(up.pids()) == PROCESSES and not set(up.pids().values()) & set(
        gone.values()), 60, "all of them run again")  # fmt: skip
    wait_for(lambda: up.answers("/login") == 200, 60, "the page answers again")
    up.stop()
    assert up.pids() == {}

    with up.file.open("a") as file:
        file.write("ADMIN_USER=anna\nADMIN_PASSWORD=a-long-enough-one\n")
    assert "setup code" not in up.start()


def test_a_nas_is_added_checked_polled_and_taken_off_again(
    up: Up, mock_nas: Callable[..., MockNas]
) -> None:
    with up.file.open("a") as file:
        file.write("ADMIN_USER=anna\nADMIN_PASSWORD=a-long-enough-one\nPOLL_INTERVAL_SECONDS=1\n")
    nas = mock_nas(speed=1, options=["--ssh-user", "burnin"])
    (nas.data / "sudo-nopasswd").touch()
    up.start()
    command = [
        "add_system", "nas", "--base-url", nas.url, "--api-key", "-", "--kind", "mock",
        "--ssh-host", "127.0.0.1", "--ssh-port", str(nas.ssh_port), "--ssh-user", "burnin",
        "--ssh-key-file", str(nas.key_file), "--state-dir", str(nas.state_dir),
    ]  # fmt: skip
    refused = up.manage(*command, given="mock-key\n")
    fingerprint = refused.stderr.split()[-1]
    assert refused.returncode and fingerprint.startswith("SHA256:")
    added = up.manage(*command, "--accept-host-key", fingerprint, given="mock-key\n")
    assert added.returncode == 0, added.stderr
    checked = up.manage("check_system", "nas")
    assert checked.returncode == 0 and "has all that is needed" in checked.stdout, checked.stdout
    client = Client(up.url)
    client.log_in("anna", "a-long-enough-one")
    wait_for(lambda: len(client.drives()) == 15, 30, "its drives are listed")
    drive = next(drive for drive in client.drives() if drive.name == "sdc")
    job = client.start(drive, ["surface_validate"], passes=1, typed_serial=drive.serial)
    assert "not over" in up.manage("check_system", "nas", "--remove").stderr
    client.cancel(job)

    said: list[str] = []

    def is_removed() -> bool:
        done = up.manage("check_system", "nas", "--remove")
        said.append(done.stderr)
        return done.returncode == 0

    try:
        wait_for(is_removed, 60, "the burn-in has ended and all of ours is removed")
    except AssertionError as error:
        raise AssertionError(f"{error}: {said[-1]}") from None
    assert not nas.state_dir.exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("APP_PORT", "eighty"),
        ("APP_HOST", "203.0.113.7"),
        ("APP_URL", "burnin.example"),
        ("ALLOWED_IPS", "10.0.0.0/99"),
        ("SECRET_KEY", "short"),
        ("ADMIN_USER", "anna"),
        ("TRUENAS_BASE_URL", "https://nas.example"),
        ("POLL_INTERVAL_SECONDS", "0"),
        ("TZ", "Mars/Olympus"),
        ("DB_PATH", "/proc/nothing/app.db"),
        ("REDIS_URL", "redis://:hidden-word@127.0.0.1:1/0"),
        ("DATABASE_URL", "mysql://localhost/x"),
        ("LOG_LEVEL", "LOUD"),
    ],
)
def test_a_bad_setting_is_refused_by_its_name_in_one_line(
    tmp_path: Path, name: str, value: str
) -> None:
    settings = Up(tmp_path, **{"SECRET_KEY": "x" * 40, name: value})
    done = subprocess.run(
        [sys.executable, "-m", "launcher", "up"],
        cwd=ROOT,
        env=environment(settings.file),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("run: ") and name in done.stderr, done.stderr
    assert done.stderr.strip().count("\n") == 0, done.stderr
    assert "hidden-word" not in done.stderr


def test_it_takes_no_options(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "launcher", "up", "--port", "1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1 and "takes no options" in done.stderr
