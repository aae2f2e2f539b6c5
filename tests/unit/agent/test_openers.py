"""Who has a medium open: processes that are easily overlooked."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent import openers, use
from agent.identity import Identity, node_of

#: Its main thread ends, a thread goes on: /proc/PID/fd is empty then.
HEADLESS = """
import ctypes, os, sys, threading, time
file = open(sys.argv[1], "r+b")
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0))).start()
number = {"x86_64": 60, "aarch64": 93}[os.uname().machine]
ctypes.CDLL(None).syscall(ctypes.c_long(number), ctypes.c_long(0))
"""


@pytest.fixture
def medium(tmp_path: Path) -> Identity:
    path = tmp_path / "da0"
    path.write_bytes(bytes(4096))
    return Identity(
        str(path), "da0", "file", "S", None, None, 4096, 512, 4096, True, node_of(os.stat(path)), ()
    )


@pytest.fixture
def headless(medium: Identity) -> Iterator[int]:
    if not sys.platform.startswith("linux") or os.uname().machine not in ("x86_64", "aarch64"):
        pytest.skip("the number of the system call is known for these alone")
    with subprocess.Popen(
        [sys.executable, "-c", HEADLESS, medium.path], stdin=subprocess.PIPE
    ) as process:
        end = time.monotonic() + 20
        while "Z (zombie)" not in Path(f"/proc/{process.pid}/status").read_text():
            assert time.monotonic() < end
            time.sleep(0.02)
        yield process.pid
        assert process.stdin is not None
        process.stdin.close()


def test_a_process_whose_main_thread_has_ended_still_has_it_open(
    medium: Identity, headless: int
) -> None:
    found = openers.opened(medium, set(), set(), "/proc", 1)
    assert [fact.detail for fact in found] == [f"open in process {headless}"]


def test_commands_by_the_generic_device_are_a_use(
    medium: Identity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A virtual machine that has the disk by /dev/sg3 holds nothing that is exclusive."""
    home = tmp_path / "sys" / "dev" / "block" / "8:48"
    (home / "device" / "scsi_generic" / "sg3").mkdir(parents=True)
    null = os.stat(os.devnull).st_rdev
    (home / "device" / "scsi_generic" / "sg3" / "dev").write_text(
        f"{os.major(null)}:{os.minor(null)}\n"
    )
    monkeypatch.setattr(use, "SYS", str(tmp_path / "sys"))
    disk = medium._replace(kind="disk", node=(0, 0, os.makedev(8, 48)))
    generic = use._generic(disk)
    assert generic == {(os.major(null), os.minor(null))}
    with subprocess.Popen(["sleep", "20"], stdout=subprocess.DEVNULL) as process:
        monkeypatch.setattr(openers, "processes", lambda proc: [str(process.pid)])
        monkeypatch.setattr(openers, "HOST_PROCESSES", os.readlink("/proc/self/ns/pid"))
        found = openers.opened(disk, set(), generic, "/proc", 1)
        process.kill()
    assert [fact.state for fact in found] == ["in_use"]


def test_in_a_container_nobody_can_say_who_has_a_disk_open(
    medium: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openers, "HOST_PROCESSES", "pid:[1]")
    assert openers.opened(medium, set(), set(), "/proc", 1) == []
    with pytest.raises(OSError, match="container"):
        openers.opened(medium._replace(kind="disk"), set(), set(), "/proc", 1)


def test_what_scst_lends_is_named_in_its_first_line(
    medium: Identity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TrueNAS' own iSCSI target writes "[key]" below what isn't a default."""
    device = tmp_path / "sys" / "kernel" / "scst_tgt" / "devices" / "lun0"
    device.mkdir(parents=True)
    (device / "filename").write_text(f"{medium.path}\n[key]\n")
    monkeypatch.setattr(use, "SYS", str(tmp_path / "sys"))
    assert [fact.state for fact in use._exports(medium)] == ["in_use"]
