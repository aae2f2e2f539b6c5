"""Every fact × source × moment: somebody needs the disk, and nothing is written to it.

What was attacked is listed at the end of the run.
"""

from __future__ import annotations

import os

import pytest

from agent import smart
from tests.matrix.attack.cells import (
    ALL,
    ANY,
    BEFORE_WRITING,
    BY_OPENING,
    FILE,
    LOOP,
    NOT_LOCKING,
    NOT_WAITING,
    NOT_WHILE_OPEN,
    Case,
    Plan,
    attack,
    each_of,
)
from tests.matrix.attack.machine import MOUNTINFO, SWAPS
from tests.matrix.attack.marks import MARKS, UNKNOWN, noise
from tests.matrix.attack.strikes import (
    LOCKED,
    as_file,
    behind_a_loop_device,
    btrfs_of_two,
    bytes_on_it,
    disk,
    exchanged,
    grown,
    held,
    held_alone,
    label_of_an_imported_pool,
    locked,
    medium_that_reads,
    member,
    missing,
    mounted,
    mounted_elsewhere,
    names_swapped,
    not_readable,
    on_a_machine,
    opened_by_a_process,
    partition_of_the_kernel,
    real_ext4,
    real_swap_signature,
    smartctl_says,
    state_on_it,
    swapped_to,
    symlinked,
    told,
    too_short,
    used,
    used_by_another_host,
    zpool,
)
from tests.matrix.attack.victim import SIZE, Victim

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
@each_of(PLAN)
def test_cell(victim: Victim, case: Case, moment: str) -> None:
    attack(victim, case, moment)
