"""The agent on a host, and media that lie."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.build import build
from tests import needs
from tests.integration.agent.host import MIB, Host
from tests.waiting import wait_for


@pytest.fixture(scope="session")
def zipapp(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("agent") / "agent.pyz"
    path.write_bytes(build())
    return path


@pytest.fixture
def host(tmp_path: Path, zipapp: Path) -> Iterator[Host]:
    made = Host(tmp_path / "host", zipapp)
    yield made
    made.kill9()


class Loops:
    """Loop devices over files, detached at the end."""

    def __init__(self) -> None:
        self._losetup = needs.need("loop")
        self._devices: list[str] = []

    def attach(self, path: Path, *options: str) -> str:
        command = [self._losetup, "--find", "--show", *options, str(path)]
        device = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
        self._devices.append(device)
        return device

    def detach_all(self) -> None:
        while self._devices:
            subprocess.run([self._losetup, "-d", self._devices.pop()], check=True)


@pytest.fixture
def loops() -> Iterator[Loops]:
    made = Loops()
    yield made
    made.detach_all()


class LyingDisk:
    """A block device that lies on order (lying.py), `device` its path."""

    def __init__(self, folder: Path, loops: Loops, size: int = 16 * MIB) -> None:
        folder.mkdir()
        self.size = size
        self._disk, self._faults = folder / "disk", folder / "faults.json"
        self._mount, self._log = folder / "mount", folder / "log"
        self._mount.mkdir()
        with self._disk.open("xb") as file:
            file.truncate(size)
        self.lie()
        shown = self._mount / "disk"
        nbdkit = needs.need("nbd")
        lying = Path(__file__).with_name("lying.py")
        plugin = [
            nbdkit,
            "-s",
            "python",
            str(lying),
            f"file={self._disk}",
            f"faults={self._faults}",
        ]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                ["nbdfuse", str(shown), "--command", *plugin], stdout=log, stderr=log
            )
        wait_for(shown.exists, 20, f"nbdfuse shows the disk; its log: {self._log}")
        self._loops = loops
        self.device = loops.attach(shown, "--direct-io=on")

    def lie(self, *faults: dict[str, Any]) -> None:
        """From now on, and only so."""
        partial = self._faults.with_name("faults.partial")
        partial.write_text(json.dumps(faults))
        partial.replace(self._faults)

    def close(self) -> None:
        self.lie()
        self._loops.detach_all()
        subprocess.run(["fusermount3", "-u", str(self._mount)], check=True)
        self._process.wait(20)


@pytest.fixture
def lying(tmp_path: Path, loops: Loops) -> Iterator[LyingDisk]:
    needs.need("nbd")
    disk = LyingDisk(tmp_path / "lying", loops)
    yield disk
    disk.close()
