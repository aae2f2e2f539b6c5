"""What lies on disks that hold data, as bytes: enough of each for a program to take it for its own.

(fact, source, word of the reason, [(offset, bytes)]); a negative offset counts from the end.
"""

from __future__ import annotations

import random
import struct

from agent.signatures import sample_places
from tests.matrix.attack.victim import MIB, SIZE

Mark = tuple[str, str, str, list[tuple[int, bytes]]]


def noise(length: int, seed: int = 7) -> bytes:
    return random.Random(seed).randbytes(length)


def _pair(name: str, value: int | str) -> bytes:
    """One entry of an XDR name-value list."""

    def text(words: str) -> bytes:
        data = words.encode()
        return struct.pack(">I", len(data)) + data + bytes(-len(data) % 4)

    told = text(name)
    if isinstance(value, int):
        told += struct.pack(">IIQ", 8, 1, value)
    else:
        told += struct.pack(">II", 9, 1) + text(value)
    return struct.pack(">II", len(told) + 8, len(told) + 8) + told


def zfs_label(pool: str = "tank", txg: int = 4711, written: int = 1767225600) -> bytes:
    """256 KiB: a pool that host nas-9 has used last."""
    label = bytearray(256 * 1024)
    pairs = [
        _pair("version", 5000),
        _pair("name", pool),
        _pair("state", 0),
        _pair("txg", txg),
        _pair("pool_guid", 0x1234567890ABCDEF),
        _pair("hostid", 0xCAFE),
        _pair("hostname", "nas-9"),
    ]
    listed = b"\x01\x01\0\0" + struct.pack(">II", 0, 1) + b"".join(pairs) + bytes(8)
    label[16384 : 16384 + len(listed)] = listed
    label[131072:131112] = struct.pack("<QQQQQ", 0x00BAB10C, 5000, txg, 99, written)
    return bytes(label)


def gpt(entry_first: int = 2048, entry_last: int = 4095) -> list[tuple[int, bytes]]:
    """A table with one ZFS partition, in its first place and its copy's."""
    entry = bytes.fromhex("c38c896ad21db21199a6080020736631") + noise(16)
    entry += struct.pack("<QQ", entry_first, entry_last) + bytes(80)
    header = b"EFI PART" + bytes(64) + struct.pack("<QII", 2, 128, 128)
    return [(512, header), (1024, entry), (-512, header)]


_LABEL = zfs_label()
_MD = b"\xfc\x4e\x2b\xa9"
_MBR = bytes.fromhex("0000000083000000") + struct.pack("<II", 2048, 4096)

MARKS: list[Mark] = [
    ("partition", "MBR", "MBR at byte 510", [(446, _MBR), (510, b"\x55\xaa")]),
    ("partition", "GPT", "GPT at byte 512", gpt()),
    ("partition", "GPT, its copy alone", "GPT at byte", gpt()[2:]),
    ("partition", "BSD label", "BSD label", [(512, b"\x57\x45\x56\x82")]),
    ("signature", "xfs", "xfs at byte 0", [(0, b"XFSB" + noise(500))]),
    ("signature", "btrfs", "btrfs", [(0x10040, b"_BHRfS_M")]),
    ("signature", "ntfs", "ntfs", [(3, b"NTFS    ")]),
    ("signature", "vfat", "vfat", [(82, b"FAT32   ")]),
    ("signature", "ufs", "ufs", [(65536 + 1372, b"\x19\x01\x54\x19")]),
    ("signature", "swap", "swap", [(4086, b"SWAPSPACE2")]),
    ("signature", "LVM PV", "LVM2", [(512, b"LABELONE" + noise(24))]),
    ("signature", "md 0.90", "md RAID", [((SIZE & ~0xFFFF) - 0x10000, _MD)]),
    ("signature", "md 1.0", "md RAID", [(((SIZE // 512 - 16) & ~7) * 512, _MD)]),
    ("signature", "md 1.1", "md RAID", [(0, _MD)]),
    ("signature", "md 1.2", "md RAID", [(4096, _MD)]),
    ("signature", "LUKS 1", "LUKS", [(0, b"LUKS\xba\xbe\0\1")]),
    ("signature", "LUKS 2", "LUKS", [(0, b"LUKS\xba\xbe\0\2")]),
    ("signature", "LUKS 2, second header alone", "LUKS", [(0x4000, b"SKUL\xba\xbe\0\2")]),
    (
        "signature",
        "bcache",
        "bcache",
        [(4096 + 24, bytes.fromhex("c68573f64e1a45ca8265f57f48ba6d81"))],
    ),
    ("signature", "GELI", "GEOM", [(-512, b"GEOM::ELI")]),
    ("signature", "DDF RAID", "DDF", [(-512, b"\xde\x11\xde\x11")]),
    ("hibernation", "image of a sleeping Linux", "hibernated", [(4086, b"S1SUSPEND")]),
    ("pool", "ZFS label 0 alone", "ZFS pool tank, not exported", [(0, _LABEL)]),
    ("pool", "ZFS label 1 alone", "host nas-9 (hostid 0x0000cafe)", [(256 * 1024, _LABEL)]),
    ("pool", "ZFS label 2 alone", "last written 2026-01-01T00:00:00Z", [(-512 * 1024, _LABEL)]),
    ("pool", "ZFS label 3 alone", "ZFS pool tank", [(-256 * 1024, _LABEL)]),
    ("pool", "ZFS label in a partition", "ZFS pool tank", [*gpt(), (MIB, _LABEL)]),
    ("pool", "ZFS uberblock alone", "damaged", [(131072, _LABEL[131072:131112])]),
]
_SAMPLE = next(at for at in sorted(sample_places(SIZE)) if at > 2 * MIB)
UNKNOWN: list[Mark] = [
    ("data", "unknown data in the first MiB", "unknown data", [(MIB - 4096, noise(4096))]),
    ("data", "unknown data in the last MiB", "unknown data", [(-MIB + 8192, noise(4096))]),
    ("data", "unknown data in a sample", "unknown data", [(_SAMPLE, noise(4096))]),
    ("data", "unknown data all over", "unknown data", [(0, noise(SIZE))]),
]
