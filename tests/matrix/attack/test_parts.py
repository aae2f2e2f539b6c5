"""A part of the drive is enough: partitions that the kernel has really made, mounted, as swap,
open; their holders and numbers; the drive by its UUID. The cells join those of test_matrix."""

from __future__ import annotations

import os
import shutil
import stat
import struct
import subprocess
from pathlib import Path

import pytest

from agent import use
from tests import needs
from tests.matrix.attack.cells import (
    ALL,
    ANY,
    FILE,
    LOOP,
    NOT_WHILE_OPEN,
    Attack,
    Case,
    attack,
    each_of,
    of_all,
)
from tests.matrix.attack.machine import MOUNTINFO, Machine
from tests.matrix.attack.marks import zfs_label
from tests.matrix.attack.strikes import (
    STATUS,
    bytes_on_it,
    end,
    on_a_machine,
    partition_of_the_kernel,
    zpool,
)
from tests.matrix.attack.victim import MIB, LoopVictim, Victim
from tests.waiting import wait_for

FIRST_SECTOR, SECTORS = 2048, 4096
ENTRY = bytes.fromhex("0000000083000000") + struct.pack("<II", FIRST_SECTOR, SECTORS)


def partition(victim: Victim) -> str:
    """A node of a partition that the kernel knows by the table."""
    assert isinstance(victim, LoopVictim)
    victim.put(0, bytes(446) + ENTRY + bytes(48) + b"\x55\xaa")
    partx = shutil.which("partx") or "/usr/sbin/partx"
    subprocess.run([partx, "--add", victim.path], check=True)
    victim.stack.callback(subprocess.run, [partx, "--delete", victim.path], check=True)
    told = Path(f"/sys/block/{victim.name}/{victim.name}p1/dev").read_text().strip()
    node = victim.folder / f"{victim.name}p1"
    os.mknod(node, stat.S_IFBLK | 0o600, os.makedev(*map(int, told.split(":"))))
    return str(node)


def file_system(victim: Victim) -> str:
    node = partition(victim)
    command = [needs.need("mkfs"), "-q", "-F", node]
    wait_for(lambda: subprocess.run(command).returncode == 0, 20, "mkfs makes a file system")
    return node


def part_known(victim: Victim) -> None:
    partition(victim)


def part_mounted(victim: Victim) -> None:
    node, point = file_system(victim), victim.folder / "mounted"
    point.mkdir()
    subprocess.run(["mount", "-t", "ext4", "-o", "ro,noload", node, str(point)], check=True)
    victim.stack.callback(subprocess.run, ["umount", str(point)], check=True)


def part_swapped_to(victim: Victim) -> None:
    node = partition(victim)
    subprocess.run(["mkswap", "-q", node], check=True, stderr=subprocess.DEVNULL)
    victim.still = MIB + 4096  # behind its head the kernel may put pages at any moment
    subprocess.run(["swapon", node], check=True)
    victim.stack.callback(subprocess.run, ["swapoff", node], check=True)


def part_opened(victim: Victim) -> None:
    with open(partition(victim), "rb") as file:
        process = subprocess.Popen(["sleep", "60"], stdin=file)
    victim.stack.callback(end, process)


def part_in_a_pool(victim: Victim) -> None:
    node = partition(victim)
    more = f"\t  {node}  ONLINE  0 0 0"
    zpool(f"cat <<END\n{STATUS.format(more=more)}END")(victim)


# --- by a made-up machine ---------------------------------------------------------------------
def part_held(machine: Machine, victim: Victim) -> None:
    partition_of_the_kernel(machine, victim)
    (machine.home / f"{Path(victim.path).name}p1" / "holders" / "dm-3").mkdir()
    machine.tell("sys/block/dm-3/dm/uuid", "LVM-abc\n")


def part_mounted_by_number(machine: Machine, victim: Victim) -> None:
    partition_of_the_kernel(machine, victim)
    mounted = "30 22 259:77 / /mnt ro - ext4 /dev/gone ro\n"
    machine.tell("proc/self/mountinfo", MOUNTINFO + mounted)


def by_uuid(parameter: str) -> Attack:
    """The kernel's command line names it as most systems do."""

    def change(machine: Machine, victim: Victim) -> None:
        machine.tell("proc/cmdline", f"ro {parameter}=UUID=12-34\n")
        link = machine.sys.parent / "dev" / "disk" / "by-uuid" / "12-34"
        link.parent.mkdir(parents=True)
        link.symlink_to(victim.path)
        victim.monkeypatch.setattr(use, "DEV", str(machine.sys.parent / "dev"))

    return on_a_machine(change)


def table_alone(victim: Victim) -> None:
    """Some programs leave what lies before the table as it was: a burn-in's stamp."""
    sector = bytearray(Path(victim.medium).read_bytes()[:512])
    sector[446:512] = ENTRY + bytes(48) + b"\x55\xaa"
    victim.put(0, bytes(sector))


NEVER_EXPORTED = ("", "", "", [(0, zfs_label())])
CASES: list[Case] = [
    ("partition", "a real one", "partition loop", part_known, LOOP, NOT_WHILE_OPEN),
    ("partition", "MBR written behind a stamp", "MBR at byte 510", table_alone, FILE, ALL),
    ("mount", "a real partition of it", "mounted at", part_mounted, LOOP, NOT_WHILE_OPEN),
    ("mount", "a partition of it, by device number", "mounted at /mnt",
     on_a_machine(part_mounted_by_number), LOOP, ALL),
    ("swap", "a real partition of it", "is swap", part_swapped_to, LOOP, NOT_WHILE_OPEN),
    ("open", "a real partition of it", "open in process", part_opened, LOOP, NOT_WHILE_OPEN),
    ("pool", "zpool status: a real partition of it", "in pool tank", part_in_a_pool, LOOP,
     NOT_WHILE_OPEN),
    ("holder", "LVM on a partition of it", "dm-3, LVM", on_a_machine(part_held), LOOP, ALL),
    ("boot", "root=UUID=… of the kernel", "starts from it: root=UUID=12-34", by_uuid("root"), ANY,
     ALL),
    ("hibernation", "resume=UUID=… of the kernel", "hibernates", by_uuid("resume"), ANY, ALL),
    ("other_host", "a pool that was never exported", "no running system uses it",
     bytes_on_it(NEVER_EXPORTED), FILE, ALL),
]  # fmt: skip
PLAN = of_all(CASES)


@pytest.mark.needs("loop", "mkfs")
@each_of(PLAN)
def test_cell(victim: Victim, case: Case, moment: str) -> None:
    attack(victim, case, moment)
