"""Where on the medium a run works: every chunk of it, or a sample; and where its capacity probe
looks.

A sample is the same for the same size, chunk and seed, so nothing of it has to be stored.
"""

from __future__ import annotations

import bisect
import functools
import hashlib
from collections.abc import Sequence

from .pattern import UNIT
from .regions import REGIONS

PROBE_BYTES = 1 << 30
PROBE_SHARE = 64
SAMPLE_SHARE = 16
EDGE_CHUNKS = 8


class Places:
    """Chunks in the order of the medium, the last one perhaps short. All in bytes."""

    def __init__(self, size: int, chunk: int, offsets: Sequence[int]) -> None:
        self.size, self.chunk, self.offsets = size, chunk, offsets
        self.total = self.before(size)

    def index(self, position: int) -> int:
        """Number of the first chunk at that position or after it."""
        return bisect.bisect_left(self.offsets, position)

    def before(self, position: int) -> int:
        """Bytes of the chunks that lie before a position."""
        if isinstance(self.offsets, range):
            return min(position, self.size)
        whole = self.index(position)
        if whole and position >= self.size:
            return (whole - 1) * self.chunk + self.size - self.offsets[whole - 1]
        return whole * self.chunk

    def back(self, position: int, steps: int) -> int | None:
        """Where the chunk begins that is so many before the position; None before the first."""
        number = self.index(position) - steps
        return self.offsets[number] if number >= 0 else None

    def after(self, offset: int) -> int:
        """Where the chunk after this one begins; the size after the last."""
        number = self.index(offset + 1)
        return self.offsets[number] if number < len(self.offsets) else self.size


@functools.lru_cache(maxsize=8)
def places(size: int, chunk: int, sample: bool, seed: str) -> Places:
    """Of a run. `seed`: hexadecimal, of a sample."""
    offsets = sampled(size, chunk, bytes.fromhex(seed)) if sample else range(0, size, chunk)
    return Places(size, chunk, offsets)


def sampled(size: int, chunk: int, seed: bytes) -> list[int]:
    """One chunk somewhere in each 1,024th of the medium (in fewer parts of a small one, so that a
    sample stays a sample), the first, the last and the middle ones, and the powers of two.
    """
    chunks = -(-size // chunk)
    parts = min(REGIONS, max(1, chunks // SAMPLE_SHARE))
    found = {_spread(chunks, parts, number, seed) for number in range(parts)}
    edge = min(EDGE_CHUNKS, max(1, parts // 2))
    for first in (0, max(0, chunks // 2 - edge // 2), max(0, chunks - edge)):
        found.update(range(first, min(first + edge, chunks)))
    return sorted(number * chunk for number in found | _powers(size, chunk))


def probed(size: int, chunk: int, seed: bytes) -> list[int]:
    """Where the capacity probe writes one chunk each: ends, powers of two, then all over the
    medium, not evenly, so that addresses that wrap at any size meet.

    Together up to 1 GiB, so that no drive can answer from its cache, and at most a 64th of a
    small medium.
    """
    chunks = -(-size // chunk)
    parts = min(PROBE_BYTES, size // PROBE_SHARE) // chunk
    found = {_spread(chunks, parts, number, seed) for number in range(parts)}
    found |= {0, (size - 1) // chunk, min(size // 2 // chunk, chunks - 1)}
    return sorted(number * chunk for number in found | _powers(size, chunk))


def _spread(chunks: int, parts: int, number: int, seed: bytes) -> int:
    """A chunk anywhere in the given one of so many equal parts."""
    first, end = chunks * number // parts, chunks * (number + 1) // parts
    draw = hashlib.sha256(b"place" + seed + number.to_bytes(4, "little")).digest()
    return first + int.from_bytes(draw[:8], "little") % max(1, end - first)


def _powers(size: int, chunk: int) -> set[int]:
    found, power = set(), UNIT
    while power < size:
        found.add(power // chunk)
        power *= 2
    return found
