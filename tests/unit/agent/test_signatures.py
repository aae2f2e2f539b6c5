"""Whose data lies on a medium."""

from __future__ import annotations

import random
import struct
from pathlib import Path

import pytest

from agent import signatures, zfs
from agent.explained import Own
from agent.pattern import UNIT, Pattern, Run
from agent.signatures import AT_HEAD, AT_TAIL, PIECE, sample_places, scan

SIZE = 8 << 20


def noise(length: int) -> bytes:
    return random.Random(7).randbytes(length)


def looked_at(medium: bytes) -> list[str]:
    found = scan(lambda offset, length: medium[offset : offset + length], len(medium), Own({}))
    return [hit.name for hit in found.hits] + ["unknown"] * bool(found.unknown)


def test_an_empty_medium_and_one_of_badblocks() -> None:
    assert looked_at(bytes(SIZE)) == []
    assert looked_at(b"\xaa" * SIZE) == []


def test_every_signature_is_found_at_each_place() -> None:
    for name, _, magic, places in AT_HEAD:
        for place in places:
            if place + len(magic) < SIZE:
                medium = bytearray(SIZE)
                medium[place : place + len(magic)] = magic
                assert name in looked_at(bytes(medium)), (name, place)
    for name, _, magic, backs in AT_TAIL:
        for back in backs:
            medium = bytearray(SIZE)
            medium[SIZE - back : SIZE - back + len(magic)] = magic
            assert name in looked_at(bytes(medium)), (name, back)


def test_a_burn_in_s_own_data_is_nobody_s() -> None:
    """Whatever bytes the pattern has where signatures are looked for: 20 runs, no false alarm."""
    chance = random.Random(5)
    for _ in range(20):
        run = Run(bytes(chance.randrange(256) for _ in range(16)), 1_800_000_000)
        data = Pattern(run, 1, 16 * UNIT).expected(0, SIZE)
        assert looked_at(data) == []
        assert looked_at(data[: SIZE // 3 // 4096 * 4096] + bytes(SIZE)) == []


def test_data_that_nothing_explains() -> None:
    """Whatever fills two of the parts that are sampled, in one piece."""
    medium = bytearray(SIZE)
    medium[SIZE // 2 - 131072 : SIZE // 2 + 135168] = bytes(range(256)) * 1040
    assert looked_at(bytes(medium)) == ["unknown"]


def test_what_can_t_be_read_is_told() -> None:
    def read(offset: int, length: int) -> bytes:
        if offset < 8192 and offset + length > 4096:
            raise OSError(5, "EIO")
        return bytes(length)

    assert scan(read, SIZE, Own({})).unreadable == [4096]


def test_samples_are_the_same_at_each_look_and_leave_no_wide_gap() -> None:
    for size, samples in ((SIZE, 64), (4_000_787_030_016, 1024), (24_000_277_250_048, 1024)):
        places = sorted(sample_places(size))
        assert places == sorted(sample_places(size)) and len(places) == samples
        assert all(at % PIECE == 0 and at + PIECE <= size for at in places)
        edges = [0, *places, size]
        gaps = [edges[number + 1] - edges[number] for number in range(len(edges) - 1)]
        assert max(gaps) <= 2 * size // samples + PIECE


def test_a_disk_that_answers_too_slowly_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signatures, "SCAN_SECONDS", -1)
    with pytest.raises(signatures.TooMuch, match="too slowly"):
        looked_at(bytes(SIZE))


def test_what_a_partition_holds_is_told_and_its_use_after_a_release_too() -> None:
    """Mounted, written and unmounted, where no sample lies: only the superblock tells."""
    medium, start = bytearray(SIZE), 2 << 20
    medium[512 : 512 + 8] = b"EFI PART"
    medium[512 + 72 : 512 + 88] = struct.pack("<QII", 2, 4, 128)
    entry = b"\x01" * 16 + bytes(16) + struct.pack("<QQ", start // 512, start // 512 + 4095)
    medium[1024 : 1024 + len(entry)] = entry
    medium[start + 1024 + 56 : start + 1024 + 58] = b"\x53\xef"
    medium[start + 1024 + 24] = 2

    def parts() -> dict[str, str]:
        data = bytes(medium)
        found = scan(lambda offset, length: data[offset : offset + length], SIZE, Own({}))
        return {hit.name: hit.part for hit in found.hits}

    before = parts()
    assert set(before) == {"GPT", "ext"}
    medium[start + 1024 + 52] += 1  # how often it was mounted
    medium[start + 1024 + 48 : start + 1024 + 52] = b"when"
    after = parts()
    assert after["GPT"] == before["GPT"] and after["ext"] != before["ext"]


def test_two_damaged_labels_are_not_the_same_finding() -> None:
    """Their lists can't be read, and no uberblock tells them apart: their bytes do."""
    first, second = bytearray(zfs.LABEL_BYTES), bytearray(zfs.LABEL_BYTES)
    first[zfs.PAIRS_AT + 64 : zfs.PAIRS_AT + 73] = b"pool_guid"
    second[zfs.PAIRS_AT + 64 : zfs.PAIRS_AT + 75] = b"pool_guid:2"
    told = [zfs.label(0, bytes(data), lambda at: False) for data in (first, second)]
    assert told[0] and told[1] and told[0].names != told[1].names


def test_a_table_made_to_be_looked_at_for_ever() -> None:
    """Its labels would take gigabytes of the host's memory: it is refused, and read a little."""
    entries = b"".join(
        noise(32) + struct.pack("<QQ", 40 + number, 4000 + number) + bytes(80)
        for number in range(1024)
    )
    medium = bytearray(SIZE)
    medium[512:520] = b"EFI PART"
    medium[512 + 72 : 512 + 88] = struct.pack("<QII", 2, 1024, 128)
    medium[1024 : 1024 + len(entries)] = entries
    taken = 0

    def read(offset: int, length: int) -> bytes:
        nonlocal taken
        taken += length
        return bytes(medium[offset : offset + length])

    for look in (lambda: scan(read, SIZE, Own({})), lambda: signatures.labels(read, SIZE)):
        with pytest.raises(signatures.TooMuch, match="1024 partitions"):
            look()
    assert taken <= 8 << 20


def test_all_partitions_of_a_full_table_are_looked_at_without_keeping_them() -> None:
    medium = bytearray(SIZE)
    medium[512:520] = b"EFI PART"
    medium[512 + 72 : 512 + 88] = struct.pack("<QII", 2, 64, 128)
    for number in range(64):
        entry = b"x" * 32 + struct.pack("<QQ", 64 + number, 64 + number + 1100) + bytes(80)
        medium[1024 + number * 128 : 1024 + number * 128 + 128] = entry
    look = signatures._Looker(lambda at, length: bytes(medium[at : at + length]), SIZE)
    signatures._labels(look, SIZE)
    assert sum(map(len, look._pieces.values())) < 1 << 20


@pytest.mark.parametrize("kind", [0x83, 0xEE])
def test_a_table_that_is_written_behind_a_stamp(kind: int) -> None:
    """As fdisk does it, which leaves the boot code as it was; with ext4 in its partition."""
    medium = bytearray(Pattern(Run(b"k" * 16, 1_800_000_000), 2, UNIT).expected(0, SIZE))
    assert looked_at(bytes(medium)) == []
    medium[510:512] = b"\x55\xaa"
    assert looked_at(bytes(medium)) == [], "the ring's own bytes may be these"
    medium[446:510] = (
        bytes([0, 0, 0, 0, kind, 0, 0, 0]) + struct.pack("<II", 2048, 4096) + bytes(48)
    )
    start = 1 << 20
    medium[start : start + 2048] = bytes(2048)
    medium[start + 1024 + 56 : start + 1024 + 58] = b"\x53\xef"
    medium[start + 1024 + 24] = 2
    assert looked_at(bytes(medium)) == (["ext", "MBR"] if kind == 0x83 else ["MBR"])


def test_they_are_as_many_as_the_documentation_says() -> None:
    said = (Path(__file__).resolve().parents[3] / "docs" / "safety.md").read_text()
    kinds = {name for name, kind, *_ in AT_HEAD + AT_TAIL if kind == "signature"} | {"ext"}
    wanted = f"{len(kinds)} file systems, RAIDs, volume managers and encryptions"
    assert wanted in said, f"docs/safety.md must say: {wanted}"
