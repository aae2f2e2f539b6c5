"""Whose bytes are these? What a run may write over: one repeated byte, a burn-in's own data, and
the old data that somebody has released, place by place.

Data that came while the run was interrupted or paused is none of these, and refuses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .pattern import SECTOR, Pattern, read_stamp
from .release import part

if TYPE_CHECKING:
    from .state import State

#: A sector of the run's own that came back changed has most of its bytes; other data has 2 of 512.
NEAR_BYTES = SECTOR // 2
Pieces = dict[int, bytes]


def is_constant(data: bytes) -> bool:
    return not data or data.count(data[:1]) == len(data)


class Own:
    """What a run knows of its medium. `samples`: of released data, place in bytes → hash, as it was
    before the first byte was written. `state`: None while it has not begun.
    """

    def __init__(self, samples: dict[int, str], state: State | None = None) -> None:
        self.samples, self.state = samples, state

    @property
    def has_begun(self) -> bool:
        """Its own first byte may have been written."""
        return self.state is not None and self.state.begun

    @property
    def has_written(self) -> bool:
        """All over the medium, so that a sector that can't be read hides nobody's data."""
        return self.state is not None and self.state.phase != "probe" and not self.state.sample

    def strange(self, pieces: Pieces) -> list[int]:
        """Places of pieces that nothing explains. A piece begins at a sector."""
        found = [at for at, piece in pieces.items() if not self._is_explained(at, piece)]
        if not found or self.state is None:
            return found
        number, chunk = self.state.pass_number, self.state.io["chunk_bytes"]
        written = sorted({0, number - 1, number})
        patterns = [Pattern(self.state.pattern_run, each, chunk) for each in written]
        return [at for at in found if not _is_near(at, pieces[at], patterns)]

    def _is_explained(self, at: int, piece: bytes) -> bool:
        if is_constant(piece):
            return True
        if self.has_begun and self.samples.get(at) == part(piece):
            return True
        return all(
            read_stamp(sector) is not None or is_constant(sector) for sector in _sectors(piece)
        )


def _sectors(piece: bytes) -> list[bytes]:
    return [piece[at : at + SECTOR] for at in range(0, len(piece), SECTOR)]


def _is_near(at: int, piece: bytes, patterns: list[Pattern]) -> bool:
    """Is each sector the run's own for this place, be it damaged by the drive?"""
    return all(
        read_stamp(sector) is not None
        or is_constant(sector)
        or any(
            sum(map(int.__eq__, sector, pattern.expected(at + number * SECTOR, len(sector))))
            >= NEAR_BYTES
            for pattern in patterns
        )
        for number, sector in enumerate(_sectors(piece))
    )
