"""A physical drive, as far as the agent can tell: what is in use is refused at every moment, and
one that is free is written. The cells join those of test_matrix."""

from __future__ import annotations

import json

import pytest

from agent import start
from tests.matrix.attack.cells import (
    ALL,
    BY_OPENING,
    NOT_WHILE_OPEN,
    Attack,
    Case,
    attack,
    each_of,
    of_all,
)
from tests.matrix.attack.disk import DiskVictim
from tests.matrix.attack.marks import MARKS, UNKNOWN
from tests.matrix.attack.strikes import (
    LOCKED,
    bytes_on_it,
    held_alone,
    label_of_an_imported_pool,
    locked,
    member,
    mounted,
    mounted_elsewhere,
    opened_by_a_process,
    real_ext4,
    swapped_to,
    used_by_another_host,
    zpool,
)
from tests.matrix.attack.test_standing import a_file_on_it, mapped, mounted_by_it, standing
from tests.matrix.attack.victim import SIZE, Victim

DISK = "disk"


def told_of(change: str) -> Attack:
    """What the host says of the drive has changed."""

    def strike(victim: Victim) -> None:
        assert isinstance(victim, DiskVictim)
        if change == "holder":
            (victim.home / "holders" / "dm-7").mkdir()
        elif change == "size":
            (victim.home / "size").write_text(str(SIZE // 512 + 8))
        elif change == "sequence":
            (victim.home / "diskseq").write_text("999999")
        elif change == "partition":
            (victim.home / "partition").write_text("1")
        elif change == "sectors":
            (victim.home / "queue" / "logical_block_size").write_text("520")
        elif change == "zones":
            (victim.home / "queue" / "zoned").write_text("host-managed\n")
        elif change == "virtual":
            real = victim.home.parents[3] / "virtual"
            victim.home.parents[2].rename(real)
            link = victim.home.parents[4] / "dev" / "block"
            for place in link.iterdir():
                place.unlink()
                place.symlink_to(real / "ata1" / "block" / victim.name)
        else:
            victim.tell_udev(change if change != "none" else None)

    return strike


def security(answer: object) -> Attack:
    def strike(victim: Victim) -> None:
        program = victim.folder / "smart" / "smartctl"
        program.write_text(f"#!/bin/sh\necho '{json.dumps(answer)}'\n")

    return strike


def without_smartctl(victim: Victim) -> None:
    program = victim.folder / "smart" / "smartctl"
    program.write_text("#!/bin/sh\necho no\nexit 1\n")


FIRST = ("at the request", "before the first write", "at a resume")
CASES: list[Case] = [
    *((*mark[:3], bytes_on_it(mark), DISK, ("before the first write",)) for mark in MARKS),
    *((*mark[:3], bytes_on_it(mark), DISK, ALL) for mark in UNKNOWN),
    ("signature", "ext4, made by mkfs", "ext at byte 1024", real_ext4, DISK, NOT_WHILE_OPEN),
    ("mount", "mounted ext4", "mounted at", mounted, DISK, NOT_WHILE_OPEN),
    ("mount", "mounted in another namespace", "mounted at", mounted_elsewhere, DISK,
     NOT_WHILE_OPEN),
    ("swap", "swapon", "is swap", swapped_to, DISK, NOT_WHILE_OPEN),
    ("open", "open in another process", "open in process", opened_by_a_process, DISK, ALL),
    ("open", "mapped, without a descriptor", "mapped by process",
     mapped(lambda victim: victim.path), DISK, ALL),
    ("open", "opened with O_EXCL by another", "opened alone", held_alone, DISK, BY_OPENING),
    ("open", "locked by another (flock)", "locked it", locked, DISK, BY_OPENING),
    ("loop", "a loop device on it", "stands on it", standing(), DISK, ALL),
    ("loop", "a loop device on it, mounted", "stands on it", mounted_by_it, DISK, NOT_WHILE_OPEN),
    ("loop", "a loop device on a file on it", "a file that lies on it", a_file_on_it, DISK,
     NOT_WHILE_OPEN),
    ("holder", "device mapper", "held by dm-7", told_of("holder"), DISK, ALL),
    ("pool", "zpool status: data", "in pool tank", member("data"), DISK, ALL),
    ("pool", "zpool status garbled", "can't be read", zpool("echo what?"), DISK, ALL),
    ("pool", "label of an imported pool", "the imported pool tank", label_of_an_imported_pool,
     DISK, ALL),
    ("pool", "txg rises: another host's pool", "another host uses", used_by_another_host, DISK,
     ALL),
    ("identity", "another serial", "found OTHER", told_of("OTHER"), DISK, FIRST),
    ("identity", "no serial any more", "found none", told_of("none"), DISK, FIRST),
    ("signature", "another medium, same number", "not what was identified", told_of("sequence"),
     DISK, ("at the request",)),
    ("signature", "another medium, same number", "another drive now", told_of("sequence"), DISK,
     ("before the first write", "while it is opened")),
    ("size", "another size", f"found {SIZE + 4096}", told_of("size"), DISK, FIRST),
    ("kind", "a partition", "a partition", told_of("partition"), DISK, FIRST),
    ("kind", "made up by the kernel", "no physical drive", told_of("virtual"), DISK, FIRST),
    ("sector", "sectors of 520 bytes", "sg_format", told_of("sectors"), DISK, FIRST),
    ("sector", "zones that the host manages", "in their order", told_of("zones"), DISK, ALL),
    ("security", "locked by a password", "a password locks it", security(LOCKED), DISK, ALL),
    ("security", "smartctl says nothing", "can't be asked for", without_smartctl, DISK, ALL),
    ("security", "an answer without sense", "ata_security", security({"ata_security": 5}), DISK,
     ALL),
]  # fmt: skip
PLAN = of_all(CASES)


@pytest.mark.needs("loop", "mkfs")
@each_of(PLAN)
def test_cell(victim: Victim, case: Case, moment: str) -> None:
    attack(victim, case, moment)


@pytest.mark.parametrize("victim", [DISK], indirect=True)
def test_a_free_drive_is_written_and_verified(victim: Victim) -> None:
    """Else each cell above would prove nothing."""
    outcome, verdict = start.run(victim.request(), lambda state: None)
    assert verdict and verdict["verdict"] == "passed", (outcome, verdict)
    assert verdict["bytes_verified"] == 2 * SIZE
    assert victim.content() != bytes(SIZE)


@pytest.mark.parametrize("victim", [DISK], indirect=True)
def test_not_without_its_serial(victim: Victim) -> None:
    victim.serial = None
    outcome, _ = start.run(victim.request(), lambda state: None)
    assert outcome.outcome == "refused"
    assert outcome.reasons[0]["reason"] == "expected serial none, found DISK-1"
