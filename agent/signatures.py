"""What lies on a medium already: file systems, RAID, volume managers, swap, partition tables, by
their magic bytes.

Looks at the first and the last MiB, btrfs' spare superblocks and samples in between. A hit
inside a sector that carries a valid stamp of a burn-in is that burn-in's data, and no signature.
Samples lie where the medium's size puts them: each look reads the same ones, so that what was
released can be known again.
"""

from __future__ import annotations

import struct
import time
from typing import Callable, NamedTuple

from . import zfs
from .explained import Own
from .pattern import SECTOR, read_stamp
from .release import part

HEAD_BYTES = 1024 * 1024
TAIL_BYTES = 1024 * 1024
PIECE = 4096
#: One sample for each 16 MiB, within these limits. Each is one seek: some 10 s on a hard disk.
SAMPLES, SAMPLE_BYTES = (64, 1024), 16 << 20
#: A disk that takes longer than this for all of it is no healthy one.
SCAN_SECONDS = 50
#: Of each partition, and of so many; more have none but a table that somebody has made up.
PARTITION_HEAD_BYTES, PARTITIONS = 256 * 1024, 64
MBR_ENTRIES = range(446, 510, 16)
PAGES = (4096, 8192, 16384, 65536)

# name, kind, magic, offsets from the start of the medium
AT_HEAD: list[tuple[str, str, bytes, tuple[int, ...]]] = [
    ("xfs", "signature", b"XFSB", (0,)),
    ("btrfs", "signature", b"_BHRfS_M", (0x10040, 0x4000040, 0x4000000040)),
    ("LUKS", "signature", b"LUKS\xba\xbe", (0,)),
    ("LUKS", "signature", b"SKUL\xba\xbe", (0x4000, 0x8000, 0x10000, 0x20000, 0x40000)),
    ("LVM2", "signature", b"LABELONE", (0, 512, 1024, 1536)),
    ("md RAID", "signature", b"\xfc\x4e\x2b\xa9", (0, 4096)),
    ("md RAID", "signature", b"\xa9\x2b\x4e\xfc", (0, 4096)),
    ("swap", "signature", b"SWAPSPACE2", tuple(page - 10 for page in PAGES)),
    ("swap", "signature", b"SWAP-SPACE", tuple(page - 10 for page in PAGES)),
    *(
        ("hibernated system", "hibernation", magic, tuple(page - 10 for page in PAGES))
        for magic in (b"S1SUSPEND", b"S2SUSPEND", b"ULSUSPEND", b"LINHIB0001")
    ),
    ("ntfs", "signature", b"NTFS    ", (3,)),
    ("BitLocker", "signature", b"-FVE-FS-", (3,)),
    ("ReFS", "signature", b"ReFS\0\0\0\0", (3,)),
    ("exfat", "signature", b"EXFAT   ", (3,)),
    ("vfat", "signature", b"FAT12   ", (54,)),
    ("vfat", "signature", b"FAT16   ", (54,)),
    ("vfat", "signature", b"FAT32   ", (82,)),
    ("iso9660", "signature", b"CD001", (32769, 34817)),
    ("udf", "signature", b"BEA01", (32769, 34817)),
    ("udf", "signature", b"NSR0", (34817, 36865)),
    ("bcache", "signature", bytes.fromhex("c68573f64e1a45ca8265f57f48ba6d81"), (4096 + 24,)),
    ("bcachefs", "signature", bytes.fromhex("c68573f666ce90a9d96a60cf803df7ef"), (4096 + 24,)),
    ("f2fs", "signature", b"\x10\x20\xf5\xf2", (1024,)),
    ("reiserfs", "signature", b"ReIsEr", (65536 + 52, 8192 + 52)),
    ("jfs", "signature", b"JFS1", (32768,)),
    ("ufs", "signature", b"\x19\x01\x54\x19", (65536 + 1372, 8192 + 1372)),
    ("ufs", "signature", b"\x54\x19\x01\x00", (65536 + 1372, 8192 + 1372)),
    ("apfs", "signature", b"NXSB", (32,)),
    ("hfs", "signature", b"H+\x00\x04", (1024,)),
    ("squashfs", "signature", b"hsqs", (0,)),
    ("erofs", "signature", b"\xe2\xe1\xf5\xe0", (1024,)),
    ("Ceph bluestore", "signature", b"bluestore block device", (0,)),
    ("Oracle ASM", "signature", b"ORCLDISK", (32,)),
    ("VDO", "signature", b"dmvdo001", (0,)),
    ("VMFS", "signature", b"\x0d\xd0\x01\xc0", (0x100000,)),
    ("GPT", "partition", b"EFI PART", (512, 4096)),
    ("BSD label", "partition", b"\x57\x45\x56\x82", (512,)),
    ("Apple partition map", "partition", b"PM\x00\x00", (512,)),
]
# name, kind, magic, offsets back from the end of the medium
AT_TAIL: list[tuple[str, str, bytes, tuple[int, ...]]] = [
    ("GPT", "partition", b"EFI PART", (512, 4096)),
    ("GEOM", "signature", b"GEOM::", (512, 4096)),
    ("Intel RAID", "signature", b"Intel Raid ISM Cfg", (1024, 512, 4096, 8192)),
    ("DDF RAID", "signature", b"\xde\x11\xde\x11", (512, 4096)),
]
MD_MAGICS = (b"\xfc\x4e\x2b\xa9", b"\xa9\x2b\x4e\xfc")
UUID_SECTORS = {"swap": 1024, "hibernated system": 1024}  # the magic's own sector has none

Read = Callable[[int, int], bytes]


class Hit(NamedTuple):
    """`part`: the hash of the sector that says so; another file system has another one."""

    name: str
    kind: str
    offset: int
    part: str = ""


class Scan(NamedTuple):
    """What was found, at which offsets nothing could be read, and where data lies that nothing
    explains: place → hash (`unknown_part` is the hash of all of that).
    """

    hits: list[Hit]
    labels: list[zfs.Label]
    unreadable: list[int]
    unknown: dict[int, str]
    unknown_part: str


class TooMuch(Exception):
    """It can't all be looked at: it is too slow, or its table lists too many partitions."""


class _Looker:
    """Bytes of the medium by offset, read once in 4 KiB pieces."""

    def __init__(self, read: Read, size: int) -> None:
        self._read, self._size = read, size
        self._end = time.monotonic() + SCAN_SECONDS
        self._pieces: dict[int, bytes] = {}
        self.unreadable: list[int] = []

    def once(self, offset: int, length: int) -> bytes:
        """The same without keeping it."""
        kept, self._pieces = self._pieces, {}
        try:
            self.load(offset, length)
            return self.at(offset, length)
        finally:
            self._pieces = kept

    def load(self, offset: int, length: int) -> None:
        offset = max(offset, 0) // PIECE * PIECE
        length = min(length, self._size - offset)
        try:
            data = self._whole(offset, length)
            for at in range(0, length, PIECE):
                self._pieces[offset + at] = data[at : at + PIECE]
        except OSError:
            for at in range(offset, offset + length, PIECE):
                self._piece(at)

    def _piece(self, at: int) -> bytes:
        if at not in self._pieces:
            try:
                self._pieces[at] = self._whole(at, min(PIECE, self._size - at))
            except OSError:
                self._pieces[at] = b""
                if at not in self.unreadable:
                    self.unreadable.append(at)
        return self._pieces[at]

    def _whole(self, offset: int, length: int) -> bytes:
        if time.monotonic() > self._end:
            raise TooMuch(f"it answers too slowly: not all was read in {SCAN_SECONDS} s")
        data = self._read(offset, length)
        if len(data) != length:
            raise OSError(f"{len(data)} of {length} bytes came")
        return data

    def at(self, offset: int, length: int) -> bytes:
        data: list[bytes] = []
        while length > 0 and 0 <= offset < self._size:
            inside = offset % PIECE
            piece = self._piece(offset - inside)[inside : inside + length]
            if not piece:
                break
            data.append(piece)
            offset, length = offset + len(piece), length - len(piece)
        return b"".join(data)

    def holds(self, magic: bytes, offset: int) -> bool:
        """Is the magic there, in a sector that isn't a burn-in's?"""
        if offset < 0 or self.at(offset, len(magic)) != magic:
            return False
        return read_stamp(self.at(offset // SECTOR * SECTOR, SECTOR)) is None


def scan(read: Read, size: int, own: Own) -> Scan:
    """`read(offset, length)` gives bytes or raises OSError; offsets are multiples of 4096.

    Raises TooMuch.
    """
    look = _Looker(read, size)
    look.load(0, HEAD_BYTES)
    look.load(size - TAIL_BYTES, TAIL_BYTES + PIECE)
    hits = [
        Hit(name, kind, at)
        for name, kind, magic, places in AT_HEAD
        for at in places
        if look.holds(magic, at)
    ]
    hits += [
        Hit(name, kind, size - back)
        for name, kind, magic, backs in AT_TAIL
        for back in backs
        if look.holds(magic, size - back)
    ]
    hits += _ext(look, 0) + _md_at_end(look, size) + _in_partitions(look, size)
    if _has_mbr(look, size):
        hits.append(Hit("MBR", "partition", 510))
    strange = own.strange(_sampled(look, size))
    return Scan(
        [hit._replace(part=_part(look, hit)) for hit in hits],
        _labels(look, size),
        look.unreadable,
        {at: part(look.at(at, PIECE)) for at in strange},
        part(*(look.at(at, PIECE) for at in strange)),
    )


def labels(read: Read, size: int) -> list[zfs.Label]:
    """The ZFS labels alone."""
    return _labels(_Looker(read, size), size)


def _part(look: _Looker, hit: Hit) -> str:
    sector = hit.offset // SECTOR * SECTOR
    more = UUID_SECTORS.get(hit.name) if hit.offset < HEAD_BYTES else None
    told = look.at(more, SECTOR) if more is not None else b""
    return part(hit.name.encode(), look.at(sector, SECTOR), told)


def _labels(look: _Looker, size: int) -> list[zfs.Label]:
    """Those of the whole medium, and those of each partition that a table on it tells."""
    places = set(zfs.places(size))
    for start, length in _partitions(look, size):
        places |= {start + at for at in zfs.places(length)}
    found = []
    for place in sorted(places):
        data = look.once(place, zfs.LABEL_BYTES)

        def is_ours(at: int, data: bytes = data) -> bool:
            return read_stamp(data[at // SECTOR * SECTOR :][:SECTOR]) is not None

        found.append(zfs.label(place, data, is_ours))
    return [label for label in found if label is not None]


def _has_mbr(look: _Looker, size: int) -> bool:
    """Some programs write a table and leave the boot code before it as it was, a burn-in's stamp
    with it: such a sector counts where an entry makes sense, as the stamp's own random bytes do in
    one of 10^13 runs.
    """
    if look.holds(b"\x55\xaa", 510):
        return True
    entries = [look.at(at, 16) for at in MBR_ENTRIES]
    return (
        look.at(510, 2) == b"\x55\xaa"
        and all(entry[:1] in (b"\0", b"\x80") for entry in entries)
        and any(_is_plausible(entry, size) for entry in entries)
    )


def _is_plausible(entry: bytes, size: int) -> bool:
    """A partition of an MBR, or the whole of it that protects a GPT."""
    first, sectors = struct.unpack_from("<II", entry, 8)
    inside = entry[4] == 0xEE or (first + sectors) * SECTOR <= size
    return entry[4] != 0 and first > 0 and sectors > 0 and inside


def _partitions(look: _Looker, size: int) -> set[tuple[int, int]]:
    """(start, length) in bytes of what MBR and GPT (head or copy) list, where it lies inside.
    Raises TooMuch.
    """
    found = set()
    for sector in (512, 4096):
        for header in (sector, size - sector):
            if header < 0 or not look.holds(b"EFI PART", header):
                continue
            entries, count, length = struct.unpack("<QII", look.at(header + 72, 16))
            if length < 128 or count > 1024:
                continue
            for number in range(count):
                entry = look.at(entries * sector + number * length, 48)
                if len(entry) == 48 and any(entry[:16]):
                    first, last = struct.unpack_from("<QQ", entry, 32)
                    found.add((first * sector, (last + 1 - first) * sector))
        if _has_mbr(look, size):
            for at in MBR_ENTRIES:
                entry = look.at(at, 16)
                first, sectors = struct.unpack_from("<II", entry, 8)
                if entry[4] not in (0, 0xEE):
                    found.add((first * sector, sectors * sector))
    inside = {
        (first, length)
        for first, length in found
        if first % SECTOR == 0 and 0 <= first < first + length <= size
    }
    if len(inside) > PARTITIONS:
        raise TooMuch(f"its tables list {len(inside)} partitions, more than {PARTITIONS}")
    return inside


def _sampled(look: _Looker, size: int) -> dict[int, bytes]:
    """The whole first and last MiB, and samples between, in order of their place."""
    places = set(range(0, min(HEAD_BYTES, size), PIECE))
    places |= set(range(max(0, size - TAIL_BYTES) // PIECE * PIECE, size, PIECE))
    places |= sample_places(size)
    return {at: look.at(at, PIECE) for at in sorted(places)}


def sample_places(size: int) -> set[int]:
    """One place in each of so many equal parts of the medium, not at the same place in each: what
    is laid out at regular distances can't slip through between them.
    """
    least, most = SAMPLES
    samples = min(max(size // SAMPLE_BYTES, least), most)
    pieces = max(1, size // PIECE)
    places = set()
    for number in range(min(samples, pieces)):
        first, after = number * pieces // samples, (number + 1) * pieces // samples
        inside = (number * 0x9E3779B1 & 0xFFFFFFFF) * max(1, after - first) >> 32
        places.add((first + inside) * PIECE)
    return places


def _in_partitions(look: _Looker, size: int) -> list[Hit]:
    """What the partitions of a table hold, for people to know what they release."""
    found = []
    for start, length in sorted(_partitions(look, size)):
        look.load(start, min(length, PARTITION_HEAD_BYTES))
        found += [
            Hit(name, kind, start + at)
            for name, kind, magic, places in AT_HEAD
            for at in places
            if kind != "partition" and at + len(magic) <= length and look.holds(magic, start + at)
        ]
        found += _ext(look, start) if length >= 2048 else []
    return found


def _ext(look: _Looker, start: int) -> list[Hit]:
    """ext2, 3, 4: two magic bytes only, so a plausible superblock is asked for too."""
    if not look.holds(b"\x53\xef", start + 1024 + 56):
        return []
    block = look.at(start + 1024, 84)
    plausible = (
        len(block) == 84
        and struct.unpack_from("<I", block, 24)[0] <= 6
        and struct.unpack_from("<I", block, 76)[0] <= 1
    )
    return [Hit("ext", "signature", start + 1024)] if plausible else []


def _md_at_end(look: _Looker, size: int) -> list[Hit]:
    version_090 = (size & ~0xFFFF) - 0x10000
    version_10 = ((size // 512 - 16) & ~7) * 512
    places = (version_090, version_10)
    return [
        Hit("md RAID", "signature", at)
        for at in places
        for magic in MD_MAGICS
        if look.holds(magic, at)
    ]
