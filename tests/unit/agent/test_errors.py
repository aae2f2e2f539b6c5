"""What a bad sector is called, and that each is counted once."""

from __future__ import annotations

import os
import random

import pytest

from agent.errors import KEPT, Errors, Finding, classify, joined
from agent.pattern import EPOCH, UNIT, Pattern, Run

RUN = Run(bytes(range(16)), EPOCH + 1000)
CHUNK = 4 * UNIT
PATTERNS = {number: Pattern(RUN, number, CHUNK) for number in range(4)}
HERE = 9 * CHUNK + 3 * 4096


def named(found: bytes, number: int = 2, offset: int = HERE, logical: int = 512) -> Finding:
    expected = PATTERNS[number].expected(offset, len(found))
    return classify(expected, found, offset, logical, PATTERNS[number], PATTERNS.__getitem__)


def right(number: int = 2, offset: int = HERE, length: int = 4096) -> bytes:
    return PATTERNS[number].expected(offset, length)


def test_each_single_flipped_bit_is_corrupt_whatever_it_hits() -> None:
    """The stamp's own bits too: a flipped address must not look like another place."""
    for bit in range(24 * 8 + 64):
        found = bytearray(right())
        found[512 + bit // 8] ^= 1 << bit % 8
        finding = named(bytes(found))
        assert (finding.cls, finding.offset, finding.length) == ("corrupt", HERE + 512, 512), bit
        assert finding.bits == 1
        assert finding.note == f"one bit: byte {bit // 8} of the sector, mask 0x{1 << bit % 8:02x}"
        assert finding.expected != finding.found


def test_a_few_flipped_bits_are_corrupt() -> None:
    chance = random.Random(7)
    for _ in range(300):
        found = bytearray(right(length=512))
        for bit in chance.sample(range(4096), chance.randrange(2, 60)):
            found[bit // 8] ^= 1 << bit % 8
        assert named(bytes(found)).cls == "corrupt"


@pytest.mark.parametrize("value", [0x00, 0xFF, 0xAA])
def test_constant(value: int) -> None:
    finding = named(bytes([value]) * 4096)
    assert (finding.cls, finding.length) == ("constant", 4096)
    assert finding.note == f"all bytes are 0x{value:02x}"


def test_misplaced_tells_the_distance_also_inside_one_window() -> None:
    """Two chunks may share their window of the ring; then only the stamps differ."""
    for chunk in range(0, 600):
        there = chunk * CHUNK + 3 * 4096
        if there == HERE:
            continue
        finding = named(right(offset=there))
        assert finding.cls == "misplaced"
        assert f"{there - HERE:+d} bytes from here" in finding.note


def test_stale_holds_an_earlier_pass() -> None:
    assert named(right(number=1)).cls == "stale"
    assert named(right(number=0)).cls == "stale"
    assert "capacity probe" in named(right(number=0)).note


def test_a_pass_yet_to_come_is_somebody_else_s() -> None:
    assert named(right(number=3)).cls == "foreign"


def test_other_runs_by_their_age() -> None:
    def other(started: int) -> bytes:
        return Pattern(Run(os.urandom(16), started), 1, CHUNK).expected(HERE, 4096)

    earlier, later = RUN.started - 10, RUN.started + 10
    assert named(other(earlier), number=1).cls == "stale"
    assert named(other(later), number=1).cls == "foreign"
    # Pass 1 had verified its own data here.
    assert named(other(earlier), number=2).cls == "foreign"


def test_unknown_data_is_corrupt() -> None:
    assert named(random.Random(1).randbytes(4096)).cls == "corrupt"


def test_only_the_bad_sectors_of_a_physical_one() -> None:
    found = bytearray(right())
    found[2 * 512] ^= 1
    found[4 * 512 + 100] ^= 1
    finding = named(bytes(found))
    assert (finding.offset, finding.length, finding.sectors) == (HERE + 1024, 3 * 512, 1)
    whole = named(bytes(found), logical=4096)
    assert (whole.offset, whole.length) == (HERE, 4096)


def test_an_odd_tail() -> None:
    found = bytearray(right(length=700))
    found[-1] ^= 1
    finding = named(bytes(found))
    assert (finding.cls, finding.offset, finding.length) == ("corrupt", HERE + 512, 188)
    assert len(finding.expected) <= 64


def test_neighbours_are_joined() -> None:
    one = Finding("stale", 0, 4096, 1, note="n")
    two, apart = one._replace(offset=4096), one._replace(offset=12288)
    other = one._replace(offset=16384, note="m")
    assert joined([one, two, apart, other]) == [
        one._replace(length=8192, sectors=2),
        apart,
        other,
    ]


def test_each_range_is_counted_once() -> None:
    errors = Errors(512)
    finding = Finding("corrupt", 8192, 512, 1)
    errors.add([finding], 1, "verify")
    errors.add([finding], 1, "verify")
    assert errors.sectors == 1 and len(errors.kept) == 1
    errors.add([finding], 2, "verify")
    assert errors.sectors == 2
    assert errors.kept[0]["lba"] == 16


def test_a_thousand_are_kept_the_rest_is_counted() -> None:
    errors = Errors(512)
    errors.add([Finding("corrupt", n * 8192, 512, 1) for n in range(KEPT + 5)], 1, "verify")
    assert (len(errors.kept), errors.beyond, errors.sectors) == (KEPT, 5, KEPT + 5)
    assert errors.missing(1, "verify", 1 << 40) == (0, (KEPT + 5) * 512, 0)


def test_what_could_not_be_written_is_not_verified_either() -> None:
    errors = Errors(512)
    errors.add([Finding("write_error", 8192, 4096, 1)], 1, "write")
    assert errors.missing(1, "write", 4096) == (0, 0, 0)
    assert errors.missing(1, "write", 1 << 20) == (4096, 0, 0)
    assert errors.missing(1, "verify", 8192) == (4096, 0, 0)
    assert errors.missing(1, "verify", 1 << 20) == (4096, 4096, 0)
    assert errors.missing(2, "write", 0) == (4096, 4096, 0)
    assert errors.unwritten(1, "write", 0, 65536) == [(8192, 12288)]
    assert errors.unwritten(2, "write", 0, 65536) == []
