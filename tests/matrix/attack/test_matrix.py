"""Every fact × source × moment: somebody needs the disk, and nothing is written to it.

Real where this kernel can do it (mounts, swap, partitions, loop devices, open descriptors, locks);
made up where it can't (LVM, RAID, multipath, targets: machine.py); by bytes where a disk tells
(marks.py). What was attacked is listed at the end of the run.
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

import pytest

from agent import guard, smart, use
from agent.device import Medium
from agent.identity import Identity
from tests import needs
from tests.matrix.attack.cells import CELLS, MOMENTS, Attack, Case, Plan, cell
from tests.matrix.attack.machine import MOUNTINFO, SWAPS, Machine
from tests.matrix.attack.marks import MARKS, UNKNOWN, Mark, noise, zfs_label
from tests.matrix.attack.victim import SIZE, FileVictim, LoopVictim, Victim
from tests.waiting import wait_for

ALL = tuple(MOMENTS)
#: While a run has a block device open for itself, the kernel lets nobody do it.
NOT_WHILE_OPEN = tuple(
    moment for moment in ALL if moment not in ("between passes", "after a pause")
)
#: Only its own exclusive opening finds it.
BY_OPENING = tuple(moment for moment in NOT_WHILE_OPEN if moment != "at the request")
#: The made-up answer would be given to the state's own locks too.
NOT_LOCKING = ("at the request", "while it is opened", "between passes", "when it is back")
#: In a run, a drive that can't be identified is one that is gone: the run waits for it.
NOT_WAITING = (*ALL[:3], "at a resume")
#: Later a place that can't be read hides nobody's data.
BEFORE_WRITING = ALL[:3]


def attack(victim: Victim, case: Case, moment: str) -> None:
    """One cell: refused, with the fact and the word of the reason; zero bytes written."""
    fact, source, word, strike, _, _ = case
    said = cell(victim, strike, moment)
    told = [words for named, words in said if named in (fact, "")]
    assert any(word in words for words in told), (fact, word, said)
    CELLS.add((fact, source, victim.kind, moment))


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
ANY, FILE, LOOP = "file loop", "file", "loop"

CASES: list[Case] = [
    # on the medium
    *((*mark[:3], bytes_on_it(mark), FILE, ALL) for mark in MARKS),
    *((*mark[:3], bytes_on_it(mark), LOOP, ("before the first write",)) for mark in MARKS),
    *((*mark[:3], bytes_on_it(mark), FILE, ALL) for mark in UNKNOWN),
    ("signature", "ext4, made by mkfs", "ext at byte 1024", real_ext4, FILE, ALL),
    ("signature", "swap, made by mkswap", "swap at byte", real_swap_signature, FILE, ALL),
    # the real kernel
    ("mount", "mounted ext4", "mounted at", mounted, LOOP, NOT_WHILE_OPEN),
    (
        "mount",
        "mounted in another namespace",
        "mounted at",
        mounted_elsewhere,
        LOOP,
        NOT_WHILE_OPEN,
    ),
    ("swap", "swapon", "is swap", swapped_to, LOOP, NOT_WHILE_OPEN),
    ("partition", "known to the kernel alone", "partition loop",
     on_a_machine(partition_of_the_kernel), LOOP, ALL),
    ("open", "open in another process", "open in process", opened_by_a_process, ANY, ALL),
    ("open", "opened with O_EXCL by another", "opened alone", held_alone, LOOP, BY_OPENING),
    ("open", "locked by another (flock)", "locked it", locked, ANY, BY_OPENING),
    ("loop", "the same file behind a loop device", "stands on the same file",
     behind_a_loop_device, ANY, ALL),
    ("state_dir", "the agent's own state", "state folder", state_on_it, LOOP, NOT_LOCKING),
    # holders, by a made-up kernel
    ("holder", "device mapper: LVM", "dm-0, LVM", held("dm-0", dm_uuid="LVM-abc"), LOOP, ALL),
    (
        "holder",
        "device mapper: multipath",
        "multipath",
        held("dm-1", dm_uuid="mpath-3500"),
        LOOP,
        ALL,
    ),
    ("holder", "device mapper: LUKS", "encryption", held("dm-2", dm_uuid="CRYPT-L"), LOOP, ALL),
    ("holder", "md", "md0, a RAID (raid1)", held("md0", md_level="raid1"), LOOP, ALL),
    ("holder", "bcache", "held by bcache0", held("bcache0"), LOOP, ALL),
    ("holder", "a kind not known", "held by new7", held("new7"), LOOP, ALL),
    ("holder", "no list of holders", "holder can't be read", missing("sys/block/{name}/holders"),
     LOOP, ALL),
    ("holder", "/proc/mdstat cut off", "cut off", told("proc/mdstat", "Personalities :\nmd0 :"),
     LOOP, ALL),
    ("mount", "second disk of a btrfs", "btrfs", on_a_machine(btrfs_of_two), LOOP, ALL),
    ("mount", "mountinfo, by device number", "mounted at /mnt/a b",
     told("proc/self/mountinfo",
          MOUNTINFO + "30 22 {numbers} / /mnt/a\\040b ro - ext4 /dev/gone ro\n"), LOOP, ALL),
    ("mount", "mountinfo, by source", "mounted at /mnt",
     told("proc/self/mountinfo", MOUNTINFO + "30 22 0:99 / /mnt ro - ext4 {path} ro\n"), ANY, ALL),
    ("mount", "mountinfo missing", "mount can't be read", missing("proc/self/mountinfo"), ANY, ALL),
    ("mount", "mountinfo empty", "empty", told("proc/self/mountinfo", ""), ANY, ALL),
    ("mount", "mountinfo cut off", "mountinfo",
     told("proc/self/mountinfo", MOUNTINFO + "30 22 8:1 / /mn"), ANY, ALL),
    ("boot", "root= of the kernel", "starts from it", told("proc/cmdline", "ro root={path}\n"),
     ANY, ALL),
    ("boot", "/boot is mounted from it", "runs from it: /boot",
     told("proc/self/mountinfo", MOUNTINFO + "30 22 {numbers} / /boot ro - ext4 x ro\n"),
     LOOP, ALL),
    ("boot", "the command line missing", "boot can't be read", missing("proc/cmdline"), ANY, ALL),
    ("hibernation", "resume= of the kernel", "hibernates",
     told("proc/cmdline", "ro resume={path}\n"), ANY, ALL),
    ("hibernation", "/sys/power/resume", "hibernates", told("sys/power/resume", "{numbers}\n"),
     LOOP, ALL),
    ("hibernation", "/sys/power/resume garbled", "can't be read", told("sys/power/resume", "?"),
     ANY, ALL),
    ("swap", "/proc/swaps", "is swap", told("proc/swaps", SWAPS + "{path} partition 9 0 -2\n"),
     ANY, ALL),
    ("swap", "/proc/swaps missing", "swap can't be read", missing("proc/swaps"), ANY, ALL),
    ("swap", "/proc/swaps empty", "empty", told("proc/swaps", ""), ANY, ALL),
    ("swap", "/proc/swaps cut off", "cut off", told("proc/swaps", SWAPS + "/dev/lo"), ANY, ALL),
    ("export", "iSCSI or FC target", "lends it",
     told("sys/kernel/config/target/core/iblock_0/a/udev_path", "{path}\n"), ANY, ALL),
    ("export", "NVMe target", "lends it",
     told("sys/kernel/config/nvmet/subsystems/a/namespaces/1/device_path", "{path}\n"), ANY, ALL),
    ("export", "SCST target", "lends it",
     told("sys/kernel/scst_tgt/devices/a/filename", "{path}\n[key]\n"), ANY, ALL),
    # pools
    *(("pool", f"zpool status: {role}", "in pool tank", member(role), ANY, ALL)
      for role in ("data", "logs", "cache", "spares", "special", "dedup")),
    ("pool", "label of an imported pool", "the imported pool tank", label_of_an_imported_pool,
     ANY, ALL),
    ("pool", "txg rises: another host's pool", "another host uses", used_by_another_host, ANY, ALL),
    ("pool", "zpool status empty", "empty", zpool("true"), ANY, ALL),
    ("pool", "zpool status garbled", "can't be read", zpool("echo what?"), ANY, ALL),
    ("pool", "zpool status cut off", "cut off", zpool("echo '  pool: tank'"), ANY, ALL),
    ("pool", "zpool status fails", "failed with status 1", zpool("echo no >&2; exit 1"), ANY, ALL),
    ("pool", "zpool status late", "did not answer", zpool("exec sleep 5"), ANY, BEFORE_WRITING),
    ("pool", "ZFS without zpool", "zpool is not installed", told("sys/module/zfs/version", "2"),
     ANY, ALL),
    # who it is
    ("identity", "another serial", "found OTHER",
     as_file(lambda victim: victim.declare(serial="OTHER")), FILE, ALL),
    ("identity", "no serial any more", "found none",
     as_file(lambda victim: victim.sidecar().unlink()), FILE, ALL),
    ("identity", "two drives with one serial", "has the serial SERIAL-1 too",
     as_file(lambda victim: victim.another("da1", noise(SIZE), serial="SERIAL-1") and None),
     FILE, ALL),
    ("identity", "names of two drives swapped", "found SERIAL-2", as_file(names_swapped),
     FILE, ALL[:2] + ALL[3:]),
    ("identity", "another medium, same serial", "not what was identified", as_file(exchanged),
     FILE, ("while it is opened",)),
    ("identity", "its description garbled", "can't be read",
     as_file(lambda victim: victim.sidecar().write_text("{half") and None), FILE, NOT_WAITING),
    ("identity", "its description empty", "can't be read",
     as_file(lambda victim: victim.sidecar().write_text("") and None), FILE, NOT_WAITING),
    ("size", "another size", f"found {SIZE + 4096}", as_file(grown), FILE, ALL[:2] + ALL[3:]),
    ("kind", "gone", "No such file", as_file(lambda victim: victim.rename("away")), FILE,
     ("at the request", "before the first write", "at a resume")),
    ("kind", "a symbolic link", "symbolic link", as_file(symlinked), FILE,
     ("at the request", "before the first write", "at a resume")),
    ("kind", "a second name (hard link)", "hard link",
     as_file(lambda victim: os.link(victim.path, victim.folder / "link")), FILE, ALL),
    *(("pool", f"declared: {state}", "tank, so it says", used(state), FILE, ALL)
      for state in ("in_use", "unknown", "old_data")),
    ("signature", "a medium that can't be read", "can't be read", medium_that_reads(not_readable),
     ANY, BEFORE_WRITING),
    ("signature", "reads that are cut short", "can't be read", medium_that_reads(too_short),
     ANY, BEFORE_WRITING),
    # what only a physical disk has
    ("sector", "sectors of 520 bytes", "sg_format", disk(logical_sector_bytes=520), FILE,
     ("at the request", "before the first write", "at a resume")),
    ("identity", "a disk without a serial", "found none", disk(serial=None), FILE,
     ("at the request", "before the first write", "at a resume")),
    ("security", "locked by a password", "a password locks it",
     smartctl_says(smart.Smart(LOCKED)), FILE, ("at the request",)),
    ("security", "smartctl doesn't answer", "can't be asked for",
     smartctl_says(smart.Smart(error="late")), FILE, ("at the request",)),
    ("security", "an answer without sense", "ata_security",
     smartctl_says(smart.Smart({"ata_security": 5})), FILE, ("at the request",)),
]  # fmt: skip
PLAN: Plan = [
    (kind, case, moment)
    for case in CASES
    for kind in case[4].split()
    for moment in (case[5] if kind in (LOOP, case[4]) else case[5][:2])
]


@pytest.mark.needs("loop", "mkfs")
@pytest.mark.parametrize(
    ("victim", "case", "moment"),
    [
        pytest.param(kind, case, moment, id=f"{case[0]}: {case[1]}, {moment}, {kind}")
        for kind, case, moment in PLAN
    ],
    indirect=["victim"],
)
def test_cell(victim: Victim, case: Case, moment: str) -> None:
    attack(victim, case, moment)


def test_the_table_is_as_big_as_the_documentation_says() -> None:
    from tests.matrix.attack import test_disk, test_freebsd, test_parts, test_standing

    planned = {
        (case[0], case[1], kind, moment)
        for module in (test_disk, test_freebsd, test_parts, test_standing)
        for kind, case, moment in [*PLAN, *module.PLAN]
    }
    said = (Path(__file__).resolve().parents[3] / "docs" / "safety.md").read_text()
    wanted = f"{len(planned):,} cells, fact × source × moment"
    assert wanted in said, f"docs/safety.md must say: {wanted}"
