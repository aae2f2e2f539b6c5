"""What is done to a machine or a medium: the attacks of the tables.

Real where this kernel can do it (mounts, swap, loop devices, open descriptors, locks); made up
where it can't (LVM, RAID, multipath, targets: machine.py); by bytes where a disk tells (marks.py).
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from agent import guard, smart, use
from agent.device import Medium
from agent.identity import Identity
from tests import needs
from tests.matrix.attack.cells import Attack
from tests.matrix.attack.machine import Machine
from tests.matrix.attack.marks import Mark, noise, zfs_label
from tests.matrix.attack.victim import SIZE, FileVictim, LoopVictim, Victim
from tests.waiting import wait_for


# --- what lies on the medium ------------------------------------------------------------------
def bytes_on_it(mark: Mark) -> Attack:
    """In whole sectors: a few bytes inside a sector of a burn-in's are that burn-in's."""

    def strike(victim: Victim) -> None:
        for offset, data in mark[3]:
            at = offset % SIZE
            first, last = at // 512 * 512, -(-(at + len(data)) // 512) * 512
            victim.put(first, bytes(last - first))
        for offset, data in mark[3]:
            victim.put(offset % SIZE, data)

    return strike


def real_ext4(victim: Victim) -> None:
    """A process that the run is just starting (smartctl) has the drive open until it is another
    program; mkfs then finds it in use."""
    command = [needs.need("mkfs"), "-q", "-F", victim.medium]
    wait_for(lambda: subprocess.run(command).returncode == 0, 20, "mkfs makes a file system")


def real_swap_signature(victim: Victim) -> None:
    subprocess.run(["mkswap", "-q", victim.medium], check=True, stderr=subprocess.DEVNULL)


# --- what the kernel does ---------------------------------------------------------------------
def mounted(victim: Victim) -> None:
    real_ext4(victim)
    point = victim.folder / "mounted"
    point.mkdir()
    command = ["mount", "-t", "ext4", "-o", "ro,noload", victim.path, str(point)]
    subprocess.run(command, check=True)
    victim.stack.callback(subprocess.run, ["umount", str(point)], check=True)


def mounted_elsewhere(victim: Victim) -> None:
    """In another process's mount namespace: this one sees nothing of it."""
    real_ext4(victim)
    point = victim.folder / "mounted"
    point.mkdir()
    script = 'mount -t ext4 -o ro,noload "$1" "$2" && echo done && exec sleep 60'
    command = ["unshare", "--mount", "sh", "-c", script, "sh", victim.path, str(point)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    victim.stack.callback(end, process)
    assert process.stdout and process.stdout.readline() == b"done\n"


def swapped_to(victim: Victim) -> None:
    real_swap_signature(victim)
    victim.still = 4096  # behind its head the kernel may put pages at any moment
    subprocess.run(["swapon", victim.path], check=True)
    victim.stack.callback(subprocess.run, ["swapoff", victim.path], check=True)


def opened_by_a_process(victim: Victim) -> None:
    with open(victim.medium, "rb") as file:
        process = subprocess.Popen(["sleep", "60"], stdin=file)
    victim.stack.callback(end, process)


def end(process: subprocess.Popen[Any]) -> None:
    process.kill()
    process.wait(10)
    if process.stdout:
        process.stdout.close()


def held_alone(victim: Victim) -> None:
    descriptor = os.open(victim.path, os.O_RDONLY | os.O_EXCL)
    victim.stack.callback(os.close, descriptor)


def locked(victim: Victim) -> None:
    descriptor = os.open(victim.medium, os.O_RDONLY)
    victim.stack.callback(os.close, descriptor)
    fcntl.flock(descriptor, fcntl.LOCK_SH)


def behind_a_loop_device(victim: Victim) -> None:
    backing = victim.backing if isinstance(victim, LoopVictim) else victim.medium
    losetup = needs.need("loop")
    command = [losetup, "--find", "--show", str(backing)]
    device = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    victim.stack.callback(subprocess.run, [losetup, "-d", device], check=True)


def state_on_it(victim: Victim) -> None:
    real_stat = os.stat

    def stat(path: Any, **more: Any) -> Any:
        found = real_stat(path, **more)
        if not str(path).startswith(str(victim.root)) and path != str(victim.folder):
            return found
        return os.stat_result((*found[:2], real_stat(victim.path).st_rdev, *found[3:10]))

    victim.monkeypatch.setattr(use.os, "stat", stat)


# --- a made-up machine ------------------------------------------------------------------------
def on_a_machine(change: Callable[[Machine, Victim], None]) -> Attack:
    def strike(victim: Victim) -> None:
        change(Machine(victim), victim)

    return strike


def told(path: str, text: str) -> Attack:
    """The host says this; {path} and {numbers} are the drive's."""

    def change(machine: Machine, victim: Victim) -> None:
        machine.tell(path, text.format(path=victim.path, numbers=machine.numbers))

    return on_a_machine(change)


def held(name: str, **files: str) -> Attack:
    return on_a_machine(lambda machine, victim: machine.hold(name, **files))


def missing(path: str) -> Attack:
    def change(machine: Machine, victim: Victim) -> None:
        place = machine.sys.parent / path.format(name=Path(victim.path).name)
        place.rmdir() if place.is_dir() else place.unlink()

    return on_a_machine(change)


def partition_of_the_kernel(machine: Machine, victim: Victim) -> None:
    """The kernel knows a partition; the table itself is gone."""
    name = f"{Path(victim.path).name}p1"
    home = f"sys/block/{Path(victim.path).name}/{name}"
    for key, text in (("partition", "1"), ("start", "2048"), ("size", "4096"), ("dev", "259:77")):
        machine.tell(f"{home}/{key}", text + "\n")
    (machine.home / name / "holders").mkdir()


def btrfs_of_two(machine: Machine, victim: Victim) -> None:
    folder = machine.sys / "fs" / "btrfs" / "uuid" / "devices"
    folder.mkdir(parents=True)
    (folder / "other").symlink_to(machine.sys / "block" / Path(victim.path).name)


# --- pools ------------------------------------------------------------------------------------
STATUS = """  pool: tank
 state: ONLINE
config:

\tNAME           STATE     READ WRITE CKSUM
\ttank           ONLINE       0     0     0
\t  /dev/none1   ONLINE       0     0     0
{more}
errors: No known data errors
"""


def zpool(script: str) -> Attack:
    """The host's `zpool` is this shell script; $PATH_OF_DRIVE is the drive."""

    def strike(victim: Victim) -> None:
        folder = victim.folder / "bin"
        folder.mkdir()
        program = folder / "zpool"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        victim.monkeypatch.setenv("PATH_OF_DRIVE", victim.path)
        victim.monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    return strike


def member(role: str) -> Attack:
    group = "" if role == "data" else f"\t{role}\n"
    line = "\t  $PATH_OF_DRIVE  ONLINE  0 0 0"
    return zpool(f"cat <<END\n{STATUS.format(more=group + line)}END")


def label_of_an_imported_pool(victim: Victim) -> None:
    victim.put(0, zfs_label("tank"))
    zpool(f"cat <<END\n{STATUS.format(more='')}END")(victim)


def used_by_another_host(victim: Victim) -> None:
    """Its labels are those of another host's pool, and their txg rises while it is watched."""
    victim.put(0, zfs_label(txg=100))
    victim.moving = 256 * 1024
    real_sleep = time.sleep

    def sleep(seconds: float) -> None:
        if threading.current_thread() is threading.main_thread() and seconds == 0.1:
            with contextlib.suppress(StopIteration):
                victim.put(0, zfs_label(txg=next(rising)))
        real_sleep(min(seconds, 0.1))

    rising = iter(range(101, 1000))
    victim.monkeypatch.setattr(guard.time, "sleep", sleep)


# --- who it is --------------------------------------------------------------------------------
def as_file(change: Callable[[FileVictim], None]) -> Attack:
    def strike(victim: Victim) -> None:
        assert isinstance(victim, FileVictim)
        change(victim)

    return strike


def names_swapped(victim: FileVictim) -> None:
    """The names of two drives change places, as after a reboot."""
    victim.rename("da1")
    victim.declare("da1")
    other = victim.another("da0", noise(SIZE), serial="SERIAL-2")
    assert str(other) == victim.path


def exchanged(victim: FileVictim) -> None:
    """Another medium at the same path, that says it is the same drive."""
    victim.rename("old")
    victim.another("da0", bytes(SIZE), serial=victim.serial)


def grown(victim: FileVictim) -> None:
    os.truncate(victim.path, SIZE + 4096)


def symlinked(victim: FileVictim) -> None:
    victim.rename("real")
    Path(victim.path).symlink_to(victim.medium)


def used(state: str) -> Attack:
    use_of_it = [{"fact": "pool", "state": state, "detail": "tank, so it says"}]
    return as_file(lambda victim: victim.declare(use=use_of_it))


def medium_that_reads(read: Callable[..., bytes]) -> Attack:
    def strike(victim: Victim) -> None:
        def look(held: Medium, offset: int, length: int) -> bytes:
            return read(held._plain_fd, length, offset)

        victim.monkeypatch.setattr(guard.os, "pread", read)
        victim.monkeypatch.setattr(Medium, "look", look)

    return strike


def not_readable(*_: Any) -> bytes:
    raise OSError(errno.EIO, "Input/output error")


real_pread = os.pread


def too_short(descriptor: int, length: int, offset: int) -> bytes:
    return real_pread(descriptor, length, offset)[: length - 512]


def a_disk(victim: Victim, **changes: Any) -> None:
    """As if it were a physical disk with these properties."""
    real = guard.identify

    def identify(path: str) -> Identity:
        return real(path)._replace(**{"kind": "disk", "serial": victim.serial, **changes})

    victim.monkeypatch.setattr(guard, "identify", identify)


def disk(**changes: Any) -> Attack:
    return as_file(lambda victim: a_disk(victim, **changes))


def smartctl_says(answer: smart.Smart) -> Attack:
    def change(victim: FileVictim) -> None:
        a_disk(victim)
        victim.monkeypatch.setattr(smart, "security", lambda path: answer)

    return as_file(change)


LOCKED = {"ata_security": {"state": 0x27, "string": "ENABLED, PW level HIGH, **LOCKED** [SEC4]"}}
