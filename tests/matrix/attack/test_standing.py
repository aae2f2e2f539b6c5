"""Loop devices that stand on the drive, openers of a loop device's file, maps without a descriptor:
all real. The cells join those of test_matrix."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

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
from tests.matrix.attack.strikes import end, real_ext4, real_swap_signature
from tests.matrix.attack.victim import LoopVictim, Victim

MAPPED = """
import mmap, os, sys, time
descriptor = os.open(sys.argv[1], os.O_RDONLY)
held = mmap.mmap(descriptor, 4096, mmap.MAP_SHARED, mmap.PROT_READ)
os.close(descriptor)
for fd in range(3, 100):
    try:
        os.close(fd)  # mmap keeps a copy of its own
    except OSError:
        pass
print("done", flush=True)
time.sleep(60)
"""


def attach(victim: Victim, path: str, *options: str) -> str:
    losetup = needs.need("loop")
    command = [losetup, "--find", "--show", *options, path]
    device = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    victim.stack.callback(subprocess.run, [losetup, "-d", device], check=True)
    return device


def standing(then: Callable[[Victim, str], None] | None = None) -> Attack:
    def strike(victim: Victim) -> None:
        device = attach(victim, victim.path)
        if then:
            then(victim, device)

    return strike


def part_of_it(victim: Victim) -> None:
    attach(victim, victim.path, "--offset", "1048576", "--sizelimit", "1048576", "--read-only")


def mounted_above(victim: Victim, device: str) -> None:
    point = victim.folder / "above"
    point.mkdir()
    command = ["mount", "-t", "ext4", "-o", "ro,noload", device, str(point)]
    subprocess.run(command, check=True)
    victim.stack.callback(subprocess.run, ["umount", str(point)], check=True)


def mounted_by_it(victim: Victim) -> None:
    """The file system lies on the drive; only the loop device above it is mounted."""
    real_ext4(victim)
    standing(mounted_above)(victim)


def swapped_by_it(victim: Victim) -> None:
    real_swap_signature(victim)
    victim.still = 4096
    device = attach(victim, victim.path)
    subprocess.run(["swapon", device], check=True)
    victim.stack.callback(subprocess.run, ["swapoff", device], check=True)


def two_above(victim: Victim) -> None:
    attach(victim, attach(victim, victim.path))


def a_file_on_it(victim: Victim) -> None:
    """A loop device over a file of a file system that nobody sees mounted any more."""
    real_ext4(victim)
    point = victim.folder / "lazy"
    point.mkdir()
    subprocess.run(["mount", "-t", "ext4", victim.path, str(point)], check=True)
    (point / "file").write_bytes(bytes(65536))
    subprocess.run(["sync", "-f", str(point)], check=True)
    losetup = needs.need("loop")
    command = [losetup, "--find", "--show", "--read-only", str(point / "file")]
    device = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    victim.stack.callback(subprocess.run, [losetup, "-d", device], check=True)
    subprocess.run(["mount", "-o", "remount,ro", str(point)], check=True)
    subprocess.run(["umount", "--lazy", str(point)], check=True)


def file_opened(victim: Victim) -> None:
    assert isinstance(victim, LoopVictim)
    with victim.backing.open("rb") as file:
        process = subprocess.Popen(["sleep", "60"], stdin=file)
    victim.stack.callback(end, process)


def mapped(path_of: Callable[[Victim], str | Path]) -> Attack:
    def strike(victim: Victim) -> None:
        command = [sys.executable, "-c", MAPPED, str(path_of(victim))]
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        victim.stack.callback(end, process)
        assert process.stdout and process.stdout.readline() == b"done\n"

    return strike


def backing_of(victim: Victim) -> Path:
    assert isinstance(victim, LoopVictim)
    return victim.backing


CASES: list[Case] = [
    ("loop", "a loop device on it", "stands on", standing(), ANY, ALL),
    ("loop", "a loop device on a part of it", "stands on", part_of_it, ANY, ALL),
    ("loop", "a loop device on a loop device on it", "stands on it", two_above, LOOP, ALL),
    ("loop", "a loop device on it, mounted", "stands on", mounted_by_it, FILE, ALL),
    ("loop", "a loop device on it, mounted", "stands on", mounted_by_it, LOOP, NOT_WHILE_OPEN),
    ("loop", "a loop device on it, swap", "stands on", swapped_by_it, FILE, ALL),
    ("loop", "a loop device on it, swap", "stands on", swapped_by_it, LOOP, NOT_WHILE_OPEN),
    ("loop", "a loop device on a file on it", "a file that lies on it", a_file_on_it, LOOP,
     NOT_WHILE_OPEN),
    ("open", "the file of the loop device is open", "open in process", file_opened, LOOP, ALL),
    ("open", "mapped, without a descriptor", "mapped by process",
     mapped(lambda victim: victim.path), ANY, ALL),
    ("open", "the file of the loop device is mapped", "mapped by process", mapped(backing_of),
     LOOP, ALL),
]  # fmt: skip
PLAN = of_all(CASES)


@pytest.mark.needs("loop", "mkfs")
@each_of(PLAN)
def test_cell(victim: Victim, case: Case, moment: str) -> None:
    attack(victim, case, moment)
