"""A real block device that the kernel and udev call a physical drive: zram, with a made-up place in
/sys that gives it a serial and a model. Openings, locks, mounts, swap and loop devices are real."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import pytest

from agent import identity, openers, use
from tests.matrix.attack.victim import SIZE, Victim

CONTROL = Path("/sys/class/zram-control")
SMARTCTL = """#!/bin/sh
echo '{"ata_security": {"state": 33, "string": "Disabled, NOT FROZEN [SEC1]"}}'
"""


def readable_processes(proc: str) -> list[str]:
    """All but those that let not even root look; on this machine they made every disk unknown."""
    found = []
    for name in filter(str.isdigit, os.listdir(proc)):
        with contextlib.suppress(OSError):
            os.readlink(f"{proc}/{name}/ns/mnt")
            found.append(name)
    return found


class DiskVictim(Victim):
    kind = "disk"
    serial = "DISK-1"

    def __init__(self) -> None:
        if not os.access(CONTROL / "hot_add", os.R_OK):
            pytest.skip("needs root and a kernel with zram")
        self.number = (CONTROL / "hot_add").read_text().strip()
        self.name = f"zram{self.number}"
        self.path = f"/dev/{self.name}"
        (Path("/sys/block") / self.name / "disksize").write_text(str(SIZE))

    def detach(self) -> None:
        (CONTROL / "hot_remove").write_text(self.number)

    def begin(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """/sys is the real one, but for the place of the drive and the list of whole disks."""
        number = os.stat(self.path).st_rdev
        told = f"{os.major(number)}:{os.minor(number)}"
        made, real = folder / "sys", Path("/sys")
        self.home = made / "devices" / "pci0000:00" / "ata1" / "block" / self.name
        for part in ("holders", "queue", "device"):
            (self.home / part).mkdir(parents=True)
        for name in ("size", "dev", "diskseq"):
            (self.home / name).write_text((real / "block" / self.name / name).read_text())
        for name in ("logical_block_size", "physical_block_size", "rotational"):
            text = (real / "block" / self.name / "queue" / name).read_text()
            (self.home / "queue" / name).write_text(text)
        (made / "dev" / "block").mkdir(parents=True)
        (made / "dev" / "block" / told).symlink_to(self.home)
        (made / "block").mkdir()
        for name in os.listdir(real / "block"):
            (made / "block" / name).symlink_to(real / "block" / name)
        self.udev = folder / "udev" / f"b{told}"
        self.udev.parent.mkdir()
        self.tell_udev(self.serial)
        (folder / "smart").mkdir()
        (folder / "smart" / "smartctl").write_text(SMARTCTL)
        (folder / "smart" / "smartctl").chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder / 'smart'}:{os.environ['PATH']}")
        monkeypatch.setattr(identity, "SYS", str(made))
        monkeypatch.setattr(identity, "UDEV", str(self.udev.parent))
        monkeypatch.setattr(use, "SYS", str(made))
        monkeypatch.setattr(openers, "processes", readable_processes)
        monkeypatch.setattr(openers, "HOST_PROCESSES", os.readlink("/proc/self/ns/pid"))
        super().begin(folder, monkeypatch)

    def tell_udev(self, serial: str | None) -> None:
        lines = ["E:ID_MODEL=ST12000NM0008", *([f"E:ID_SERIAL_SHORT={serial}"] if serial else [])]
        self.udev.write_text("\n".join(lines) + "\n")
