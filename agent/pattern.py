"""What is written to the medium: data that knows which run, pass and place it belongs to.

A pass has one *ring* of keyed pseudo-random bytes. A chunk is a window of that ring at a 4 KiB step
that depends on the chunk, so neighbours differ, nothing compresses and no byte costs work. Each
512-byte sector of it
begins with 24 bytes, little endian:

    word 0   check (16 bits) | pass (8) | unit (40): the chunk's first byte, in 64 KiB. The only
    part set per chunk
    word 1   index of the sector in the ring (32) | magic (32)
    word 2   number of the run (32) | start of the run, seconds since 2025-01-01 (32)

From these alone, without the run's seed, a sector tells where it belongs: the guard knows an
earlier run's data by it, and a bad region knows a misplaced or a lost write.
"""

from __future__ import annotations

import array
import contextlib
import ctypes
import hashlib
import mmap
import struct
import sys
import zlib
from typing import Any, NamedTuple

VERSION = 1
SECTOR = 512
UNIT = 64 * 1024
STEP = 4096
STEPS = 257
RING_EXTRA = (STEPS - 1) * STEP
MAX_CHUNK = 16 * 1024 * 1024
EPOCH = 1735689600  # 2025-01-01, so that 32 bits of seconds last
MAGIC = 0x6E724275  # "uBrn"
HEADER = struct.Struct("<QIIII")

_memcmp: Any = None
try:
    _memcmp = ctypes.CDLL(None).memcmp
    _memcmp.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
    _memcmp.restype = ctypes.c_int
except (OSError, AttributeError):  # no libc to be had: slower, the same answer
    pass


class Run(NamedTuple):
    """What the pattern is keyed with: 16 secret bytes and the start of the run, seconds since the
    epoch.
    """

    seed: bytes
    started: int

    @property
    def number(self) -> int:
        return int.from_bytes(self.seed[:4], "little")

    @property
    def stamp_time(self) -> int:
        return min(max(self.started - EPOCH, 0), 0xFFFFFFFF)


class Stamp(NamedTuple):
    """What a sector says of itself: run, pass, and the byte offset on the medium it was written
    for.
    """

    number: int
    stamp_time: int
    pass_number: int
    offset: int


def _check(number: int, pass_number: int, unit: int) -> int:
    return zlib.crc32(struct.pack("<IBQ", number, pass_number, unit)) & 0xFFFF


def window_start(unit: int) -> int:
    """Where in the ring the chunk's bytes begin."""
    return ((unit * 0x9E3779B1) & 0xFFFFFFFF) % STEPS * STEP


def stamp_word(number: int, pass_number: int, unit: int) -> bytes:
    return struct.pack("<Q", _check(number, pass_number, unit) << 48 | pass_number << 40 | unit)


def read_stamp(sector: bytes) -> Stamp | None:
    """The stamp of a sector, of whichever run; None if it carries none that is consistent."""
    if len(sector) < HEADER.size:
        return None
    word, index, magic, number, stamp_time = HEADER.unpack_from(sector)
    if magic != MAGIC:
        return None
    pass_number, unit = word >> 40 & 0xFF, word & 0xFFFFFFFFFF
    if word >> 48 != _check(number, pass_number, unit):
        return None
    inside = index * SECTOR - window_start(unit)
    if not 0 <= inside < MAX_CHUNK:
        return None
    return Stamp(number, stamp_time, pass_number, unit * UNIT + inside)


class Pattern:
    """The data of one pass (0 is the capacity probe). Chunks are multiples of 64 KiB, at most 16
    MiB.
    """

    def __init__(self, run: Run, pass_number: int, chunk_bytes: int) -> None:
        if chunk_bytes % UNIT or not 0 < chunk_bytes <= MAX_CHUNK:
            raise ValueError(f"a chunk must be a multiple of {UNIT} bytes, at most {MAX_CHUNK}")
        self.run, self.pass_number, self.chunk_bytes = run, pass_number, chunk_bytes
        key = b"burn-in pattern %d" % VERSION + run.seed + bytes([pass_number])
        ring = bytearray(hashlib.shake_128(key).digest(chunk_bytes + RING_EXTRA))
        sectors, words = len(ring) // SECTOR, memoryview(ring).cast("Q")
        places = array.array("Q", range(MAGIC << 32, (MAGIC << 32) + sectors))
        runs = array.array("Q", [run.stamp_time << 32 | run.number]) * sectors
        if sys.byteorder == "big":
            places.byteswap()
            runs.byteswap()
        words[1 :: SECTOR // 8] = memoryview(places)
        words[2 :: SECTOR // 8] = memoryview(runs)
        self.ring = ring

    def stamp(self, chunk_offset: int) -> bytes:
        return stamp_word(self.run.number, self.pass_number, chunk_offset // UNIT)

    def expected(self, offset: int, length: int) -> bytes:
        """The right content of any range that begins at a sector; for looking closely, not for
        speed.
        """
        data = bytearray()
        while len(data) < length:
            inside = (offset + len(data)) % self.chunk_bytes
            chunk_offset = offset + len(data) - inside
            take = min(self.chunk_bytes - inside, length - len(data))
            start = window_start(chunk_offset // UNIT) + inside
            whole = (take + SECTOR - 1) // SECTOR * SECTOR
            piece = bytearray(self.ring[start : start + whole])
            stamp = self.stamp(chunk_offset)
            for at in range(0, whole, SECTOR):
                piece[at : at + 8] = stamp
            data += piece[:take]
        return bytes(data)


class Zeros(Pattern):
    """Nothing but zeros, no stamps: how a drive is left for a pool."""

    def __init__(self, run: Run, pass_number: int, chunk_bytes: int) -> None:
        self.run, self.pass_number, self.chunk_bytes = run, pass_number, chunk_bytes
        self.ring = bytearray(chunk_bytes)

    def expected(self, offset: int, length: int) -> bytes:
        return bytes(length)


class Buffer:
    """Page-aligned memory of its own, huge pages where the kernel gives them."""

    def __init__(self, length: int) -> None:
        self.length = length
        self._map = mmap.mmap(-1, length, flags=mmap.MAP_PRIVATE | mmap.MAP_ANON)
        if hasattr(mmap, "MADV_HUGEPAGE"):
            with contextlib.suppress(OSError):
                self._map.madvise(mmap.MADV_HUGEPAGE)
        self.view = memoryview(self._map)
        self.address = ctypes.addressof(ctypes.c_char.from_buffer(self._map))


class Window:
    """One thread's copy of a pass's ring, in which the stamps of one chunk at a time are set."""

    def __init__(self, pattern: Pattern) -> None:
        self.pattern = pattern
        self.buffer = Buffer(len(pattern.ring))
        self.buffer.view[:] = pattern.ring
        self._words = self.buffer.view.cast("Q")
        self._start = 0

    def set(self, chunk_offset: int, length: int) -> memoryview:
        """The chunk's bytes, ready to be written; valid until the next call."""
        if isinstance(self.pattern, Zeros):
            return self.buffer.view[:length]
        self._start = window_start(chunk_offset // UNIT)
        sectors = (length + SECTOR - 1) // SECTOR
        first, stride = self._start // 8, SECTOR // 8
        stamps = memoryview(self.pattern.stamp(chunk_offset) * sectors).cast("Q")
        self._words[first : first + sectors * stride : stride] = stamps
        return self.buffer.view[self._start : self._start + length]

    def holds(self, found: Buffer, length: int) -> bool:
        """Is what was read exactly the chunk that was set last, every byte?"""
        if _memcmp is None:
            expected = self.buffer.view[self._start : self._start + length]
            return bytearray(expected) == bytearray(found.view[:length])
        address: int = self.buffer.address + self._start
        return bool(_memcmp(address, found.address, length) == 0)
