"""A drive of a FreeBSD, as far as the agent can tell: the medium is a real file, and what FreeBSD's
commands say of it is told by made-up ones. Of the disk itself its kernel counts the openings; so
does the made-up one, by the descriptors of the process that asks.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from agent import guard, identity, programs
from tests.matrix.attack.disk import SMARTCTL
from tests.matrix.attack.victim import SIZE, Victim

OWN = "@OWN@"
DISK_ID, PART_ID = "0x12", "0x22"
SYSCTL = """#!/bin/sh
[ "$2" = kern.geom.confxml ] || exec cat "{told}/$2"
[ -e "{told}/confxml" ] || exit 1
opens=$(ls -l /proc/$PPID/fd | grep -c -- "-> {medium}$")
exec sed "s/@OWN@/r${{opens}}w${{opens}}e0/" "{told}/confxml"
"""
TELLS = """#!/bin/sh
exec cat "{told}/{name}"
"""
ZPOOL = """  pool: boot-pool
 state: ONLINE
config:

\tNAME           STATE     READ WRITE CKSUM
\tboot-pool      ONLINE       0     0     0
\t  /dev/ada0p2  ONLINE       0     0     0
{more}
errors: No known data errors
"""
MOUNTS = "boot-pool/ROOT/default\t/\tzfs\trw\t0 0\n"
SWAPS = "Device          1K-blocks     Used    Avail Capacity\n"
IOSTAT = """                        extended device statistics
device           r/i         w/i         kr/i         kw/i qlen   tsvc_t/i      sb/i
da0        4211005.0   {writes}.0 3377110942.5   83205128.0    0    91234.5   30187.2
"""


def provider(of: str, id: str, name: str, mode: str, more: str = "") -> str:
    return (
        f'<provider id="{id}"><geom ref="{of}"/><mode>{mode}</mode><name>{name}</name>'
        f"<mediasize>{SIZE}</mediasize><sectorsize>512</sectorsize>{more}</provider>"
    )


def layer(
    kind: str, name: str = "", below: str = DISK_ID, mode: str = "r0w0e0", id: str = "0x32"
) -> str:
    """Something that GEOM has built on the disk or on its partition; without a name it is one that
    only opens what is below."""
    consumer = f'<consumer id="0x31"><provider ref="{below}"/><mode>{mode}</mode></consumer>'
    built = provider("0x30", id, name, mode) if name else ""
    return (
        f'<class id="0x3"><name>{kind}</name><geom id="0x30"><name>{name or kind}</name>'
        f"{consumer}{built}</geom></class>"
    )


def disk(name: str = "da0", serial: str | None = "FREE-1", mode: str = OWN, id: str = "0x1") -> str:
    ident = f"<ident>{serial}</ident>" if serial else ""
    config = f"<config>{ident}<descr>ATA ST12000NM0008-2H</descr></config>"
    told = provider(f"{id}1", f"{id}2", name, mode, config)
    return f'<geom id="{id}1"><name>{name}</name>{told}</geom>'


def mesh(*layers: str, disks: str = "") -> str:
    whole = f'<class id="0x1"><name>DISK</name>{disks or disk()}</class>'
    return f"<mesh>{''.join(layers)}{whole}</mesh>\n"


PART = layer("PART", "da0p2", id=PART_ID)


class FreebsdVictim(Victim):
    kind = "freebsd"
    serial = "FREE-1"

    def __init__(self, media: Path) -> None:
        media.mkdir()
        self.path = str(media / "da0")
        Path(self.path).write_bytes(bytes(SIZE))

    def begin(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.told, self.bin = folder / "told", folder / "programs"
        self.told.mkdir()
        self.bin.mkdir()
        self.tell("confxml", mesh())
        self.tell("zpool", ZPOOL.format(more=""))
        self.tell("mount", MOUNTS)
        self.tell("swapinfo", SWAPS)
        self.tell("iostat", IOSTAT.format(writes=7))
        self.tell("kern.hostid", "4711\n")
        self.tell("kern.boottime", "{ sec = 1767225600, usec = 1 } Thu Jan  1 00:00:00 2026\n")
        self.tell("kern.shutdown.dumpdevname", "/dev/null\n")
        for name in ("zpool", "mount", "swapinfo", "iostat"):
            self.program(name, TELLS.format(told=self.told, name=name))
        self.program("sysctl", SYSCTL.format(told=self.told, medium=self.path))
        self.program("smartctl", SMARTCTL)
        monkeypatch.setenv("PATH", f"{self.bin}:{os.environ['PATH']}")
        monkeypatch.setattr(programs, "SECONDS", 20)
        monkeypatch.setattr(sys, "platform", "freebsd13.5")
        # There a disk is a character device, which no file can be made to look like.
        monkeypatch.setattr(identity, "_file", identity._freebsd_disk)
        monkeypatch.setattr(guard, "whole_disks", self._disks)
        super().begin(folder, monkeypatch)

    def _disks(self) -> list[str]:
        return [str(Path(self.path).with_name(one["name"])) for one in identity.freebsd.disks()]

    def tell(self, name: str, text: str) -> None:
        (self.told / name).write_text(text)

    def program(self, name: str, script: str) -> None:
        (self.bin / name).write_text(script)
        (self.bin / name).chmod(0o755)
