"""A made-up /sys and /proc, for what this machine's kernel can't do: LVM, RAID, multipath, bcache,
targets, hibernation. It tells of an idle host until something is put into it."""

from __future__ import annotations

import os
from pathlib import Path

from agent import use
from tests.matrix.attack.victim import LoopVictim, Victim

MOUNTINFO = "22 1 0:30 / / rw,relatime - overlay overlay rw\n"
SWAPS = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"


class Machine:
    def __init__(self, victim: Victim) -> None:
        self.sys, self.proc = victim.folder / "sys", victim.folder / "proc"
        (self.sys / "block").mkdir(parents=True)
        (self.proc / "self" / "ns").mkdir(parents=True)
        (self.proc / "self" / "ns" / "mnt").symlink_to("mnt:[1]")
        self.tell("proc/self/mountinfo", MOUNTINFO)
        self.tell("proc/swaps", SWAPS)
        self.tell("proc/cmdline", "quiet\n")
        self.numbers = "0:0"
        if isinstance(victim, LoopVictim):
            device = os.stat(victim.path).st_rdev
            self.numbers = f"{os.major(device)}:{os.minor(device)}"
            self.home = self.sys / "block" / victim.name
            (self.home / "holders").mkdir(parents=True)
            (self.sys / "dev" / "block").mkdir(parents=True)
            (self.sys / "dev" / "block" / self.numbers).symlink_to(self.home)
        victim.monkeypatch.setattr(use, "SYS", str(self.sys))
        victim.monkeypatch.setattr(use, "PROC", str(self.proc))

    def tell(self, path: str, text: str) -> None:
        """A file below "sys" or "proc"."""
        file: Path = self.sys.parent / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def hold(self, name: str, **told: str) -> None:
        """A holder of the drive; `dm_uuid="LVM-x"` is block/NAME/dm/uuid."""
        (self.home / "holders" / name).mkdir()
        for key, text in told.items():
            self.tell(f"sys/block/{name}/{key.replace('_', '/')}", text)
