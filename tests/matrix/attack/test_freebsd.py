"""What FreeBSD tells of its disks, every source of it, missing, garbled and late too; and one that
is free is written. The cells join those of test_matrix. No FreeBSD takes part: see freebsd.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent import programs, start
from tests.matrix.attack.cells import ALL, BEFORE_WRITING, Attack, Case, attack, each_of, of_all
from tests.matrix.attack.disk import SMARTCTL
from tests.matrix.attack.freebsd import (
    IOSTAT,
    MOUNTS,
    OWN,
    PART,
    PART_ID,
    SWAPS,
    ZPOOL,
    FreebsdVictim,
    disk,
    layer,
    mesh,
)
from tests.matrix.attack.marks import MARKS, UNKNOWN, noise, zfs_label
from tests.matrix.attack.strikes import bytes_on_it, used_by_another_host
from tests.matrix.attack.victim import SIZE, Victim

FREEBSD = "freebsd"
#: In a run, a disk that can't be identified is one that is gone: the run waits for it.
FIRST = ("at the request", "before the first write", "at a resume")


def told(name: str, text: str, *layers: str) -> Attack:
    """A command or sysctl says this; GEOM has these layers beside."""

    def strike(victim: Victim) -> None:
        assert isinstance(victim, FreebsdVictim)
        victim.tell(name, text)
        if layers:
            victim.tell("confxml", mesh(*layers))

    return strike


def geom(*layers: str, disks: str = "") -> Attack:
    return told("confxml", mesh(*layers, disks=disks))


def twin(victim: Victim) -> None:
    assert isinstance(victim, FreebsdVictim)
    victim.tell("confxml", mesh(disks=disk() + disk("da1", id="0x9")))
    other = Path(victim.path).with_name("da1")
    other.write_bytes(noise(SIZE))
    victim.others.append(other)


def gone(name: str) -> Attack:
    """It answers with an error."""

    def strike(victim: Victim) -> None:
        assert isinstance(victim, FreebsdVictim)
        (victim.told / name).unlink()

    return strike


def late(name: str) -> Attack:
    def strike(victim: Victim) -> None:
        assert isinstance(victim, FreebsdVictim)
        victim.program(name, "#!/bin/sh\nexec sleep 20\n")
        victim.monkeypatch.setattr(programs, "SECONDS", 2)

    return strike


def member(role: str) -> Attack:
    group = "" if role == "data" else f"\t{role}\n"
    more = f"{group}\t  /dev/gptid/abc  ONLINE  0  0  0"
    return told("zpool", ZPOOL.format(more=more), PART, layer("LABEL", "gptid/abc", PART_ID))


def label_of_an_imported_pool(victim: Victim) -> None:
    victim.put(0, zfs_label("boot-pool"))


def smartctl(script: str) -> Attack:
    def strike(victim: Victim) -> None:
        assert isinstance(victim, FreebsdVictim)
        victim.program("smartctl", script)

    return strike


#: An NVMe disk is called nda0 and nvd0, and its partitions likewise.
ALIASED = PART.replace("<mediasize>", "<alias>nvd0p2</alias><mediasize>")
LOCKED = SMARTCTL.replace("33", "39").replace("Disabled, NOT FROZEN", "ENABLED, **LOCKED**")
NAMED = [mark for mark in MARKS if mark[1] in ("GPT", "GELI", "ufs", "ZFS label 3 alone")]
CASES: list[Case] = [
    *((*mark[:3], bytes_on_it(mark), FREEBSD, ("before the first write",))
      for mark in [*NAMED, *UNKNOWN]),
    *(("pool", f"zpool status: {role}", "in pool boot-pool", member(role), FREEBSD, ALL)
      for role in ("data", "logs", "cache", "spares")),
    ("pool", "zpool status, by its other name", "in pool boot-pool",
     told("zpool", ZPOOL.format(more="\t  /dev/nvd0p2  ONLINE  0  0  0"), ALIASED), FREEBSD, ALL),
    ("swap", "swapinfo, by its other name", "/dev/nvd0p2 is swap",
     told("swapinfo", SWAPS + "/dev/nvd0p2 2097152 0 2097152 0%\n", ALIASED), FREEBSD, ALL),
    ("pool", "GEOM: a vdev has it open", "ZFS::VDEV",
     geom(PART, layer("ZFS::VDEV", below=PART_ID, mode="r1w1e1")), FREEBSD, ALL),
    ("pool", "label of an imported pool", "the imported pool boot-pool",
     label_of_an_imported_pool, FREEBSD, ALL),
    ("pool", "txg rises: another host's pool", "another host uses", used_by_another_host,
     FREEBSD, ALL),
    ("pool", "zpool status empty", "empty", told("zpool", ""), FREEBSD, ALL),
    ("pool", "zpool status garbled", "can't be read", told("zpool", "what?\n"), FREEBSD, ALL),
    ("pool", "zpool status cut off", "cut off", told("zpool", "  pool: tank\n"), FREEBSD, ALL),
    ("pool", "zpool status fails", "failed with status", gone("zpool"), FREEBSD, ALL),
    ("pool", "zpool status late", "did not answer", late("zpool"), FREEBSD, BEFORE_WRITING),
    ("boot", "mount -p: /", "starts from it",
     told("mount", MOUNTS + "/dev/da0p2\t/\tufs\trw\t1 1\n", PART), FREEBSD, ALL),
    ("mount", "mount -p", "mounted at /mnt",
     told("mount", MOUNTS + "/dev/da0p2\t/mnt\tufs\trw\t2 2\n", PART), FREEBSD, ALL),
    ("mount", "GEOM: a file system has it open", "FFS",
     geom(layer("FFS", mode="r1w1e0")), FREEBSD, ALL),
    ("mount", "mount -p fails", "failed with status", gone("mount"), FREEBSD, ALL),
    ("mount", "mount -p empty", "empty", told("mount", ""), FREEBSD, ALL),
    ("mount", "mount -p cut off", "cut off", told("mount", MOUNTS + "/dev/da"), FREEBSD, ALL),
    ("swap", "swapinfo", "/dev/da0p2 is swap",
     told("swapinfo", SWAPS + "/dev/da0p2 2097152 0 2097152 0%\n", PART), FREEBSD, ALL),
    ("swap", "swapinfo, encrypted", "/dev/da0p2.eli is swap",
     told("swapinfo", SWAPS + "/dev/da0p2.eli 2097152 0 2097152 0%\n", PART,
          layer("ELI", "da0p2.eli", PART_ID)), FREEBSD, ALL),
    ("swap", "GEOM: swap has it open", "SWAP", geom(layer("SWAP", mode="r1w1e0")), FREEBSD, ALL),
    ("swap", "swapinfo fails", "failed with status", gone("swapinfo"), FREEBSD, ALL),
    ("swap", "swapinfo empty", "empty", told("swapinfo", ""), FREEBSD, ALL),
    ("swap", "swapinfo cut off", "cut off", told("swapinfo", SWAPS + "/dev/da0p"), FREEBSD, ALL),
    ("hibernation", "crash dumps go to it", "crash dumps go to da0p2",
     told("kern.shutdown.dumpdevname", "da0p2\n", PART), FREEBSD, ALL),
    ("hibernation", "where dumps go isn't told", "failed with status",
     gone("kern.shutdown.dumpdevname"), FREEBSD, ALL),
    ("open", "GEOM: somebody reads it", "open r9w", geom(disks=disk(mode="r9w0e0")), FREEBSD, ALL),
    ("open", "GEOM: somebody writes it too", "open r9w9", geom(disks=disk(mode="r9w9e0")),
     FREEBSD, ALL),
    ("open", "GEOM: a partition is open", "da0p2: open r1w0e0",
     geom(PART.replace("r0w0e0", "r1w0e0")), FREEBSD, ALL),
    ("open", "GEOM: no access counts", "no access counts", geom(disks=disk(mode="?")), FREEBSD,
     ALL),
    ("open", "GEOM: no access counts of a partition", "no access counts",
     geom(PART.replace("<mode>r0w0e0</mode><name>da0p2", "<name>da0p2")), FREEBSD, ALL),
    ("holder", "GEOM: GELI", "held by ELI da0.eli", geom(layer("ELI", "da0.eli")), FREEBSD, ALL),
    ("holder", "GEOM: mirror", "held by MIRROR", geom(layer("MIRROR", "mirror/gm0")), FREEBSD, ALL),
    ("holder", "GEOM: a class not known", "held by NEW", geom(layer("NEW", "new/0")), FREEBSD, ALL),
    ("partition", "GEOM: a table", "partition da0p2", geom(PART), FREEBSD, ALL),
    ("identity", "GEOM fails", "can't be identified", gone("confxml"), FREEBSD, FIRST),
    ("identity", "GEOM empty", "can't be identified", told("confxml", ""), FREEBSD, FIRST),
    ("identity", "GEOM cut off", "can't be identified", told("confxml", mesh()[:-40]), FREEBSD,
     FIRST),
    ("identity", "another serial", "found OTHER", geom(disks=disk(serial="OTHER")), FREEBSD, FIRST),
    ("identity", "no serial any more", "found none", geom(disks=disk(serial=None)), FREEBSD, FIRST),
    ("identity", "two drives with one serial", "has the serial FREE-1 too", twin, FREEBSD, ALL),
    ("kind", "GEOM doesn't know it", "not a disk that GEOM knows", geom(disks=disk("da7")),
     FREEBSD, FIRST),
    ("open", "GEOM: two disks of its name", "2 disks are called da0",
     geom(disks=disk() + disk(id="0x9")), FREEBSD, ALL),
    ("size", "another size", f"found {SIZE * 2}",
     told("confxml", mesh().replace(f">{SIZE}<", f">{SIZE * 2}<")), FREEBSD, FIRST),
    ("sector", "sectors of 520 bytes", "sg_format",
     told("confxml", mesh().replace("<sectorsize>512<", "<sectorsize>520<")), FREEBSD, FIRST),
    ("security", "locked by a password", "a password locks it", smartctl(LOCKED), FREEBSD, ALL),
    ("security", "smartctl says nothing", "can't be asked for", smartctl("#!/bin/sh\nexit 1\n"),
     FREEBSD, ALL),
]  # fmt: skip
PLAN = of_all(CASES)


@each_of(PLAN)
def test_cell(victim: Victim, case: Case, moment: str) -> None:
    attack(victim, case, moment)


@pytest.mark.parametrize("victim", [FREEBSD], indirect=True)
def test_a_free_disk_is_written_and_verified(victim: FreebsdVictim) -> None:
    """Else each cell above would prove nothing."""
    outcome, verdict = start.run(victim.request(), lambda state: None)
    assert verdict and verdict["verdict"] == "passed", (outcome, verdict)
    assert verdict["bytes_verified"] == 2 * SIZE
    assert victim.content() != bytes(SIZE)
    assert OWN in (victim.told / "confxml").read_text(), "its openings were counted"


@pytest.mark.parametrize("victim", [FREEBSD], indirect=True)
def test_a_release_is_void_once_something_was_written(victim: FreebsdVictim) -> None:
    """By what iostat counts; and without it nothing can be released."""
    victim.put(0, b"XFSB" + bytes(508))
    tokens = [reason["release"] for reason in victim.judge().reasons]
    assert tokens and victim.judge(*tokens).allowed
    victim.tell("iostat", IOSTAT.format(writes=8))
    assert "since then something was written" in victim.judge(*tokens).reasons[0]["reason"]
    victim.tell("iostat", "")
    (why,) = [one for one in victim.judge(*tokens).reasons if one["state"] == "unknown"]
    assert "can't be known" in why["reason"]
    assert start.run(victim.request(released=tuple(tokens)), lambda _: None)[0].outcome == "refused"
    assert victim.content() == b"XFSB" + bytes(SIZE - 4)
