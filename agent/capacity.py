"""Is the medium as big as it says? What strange places, taken together, tell of its true size."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterable, Mapping, Sequence

from .device import Medium
from .errors import Finding
from .pattern import SECTOR, STEP, UNIT, Buffer, read_stamp
from .state import State

CAPACITY_CLASSES = ("misplaced", "constant", "stale", "corrupt")
ENOUGH_PLACES = 8
LOOKED_AT = 16


def probe_told(size: int, places: Sequence[int], strange: Mapping[int, Finding]) -> str:
    """What the capacity probe found, in words; empty when the medium may well be what it says.

    places: where it looked, ascending. strange: those that did not hold what was written; once
    there are ENOUGH_PLACES it had stopped.

    1. Data of another place: addresses wrap, or go astray. 2. Nothing right from some place on:
    what is written there isn't kept. 3. Single bad places are errors as they may be anywhere.
    """
    distances = [finding.distance for finding in strange.values() if finding.distance]
    if distances:
        first = next(one for one in strange.values() if one.distance)
        law = _law(size, distances) or f"data that is not where it was written: {first.note}"
        return f"the capacity probe found {law}"
    whole = [place for place, finding in strange.items() if _is_whole(finding, size)]
    if not whole or not min(whole):
        return ""
    beyond = [place for place in places if place >= min(whole)]
    if len(whole) < min(len(beyond), ENOUGH_PLACES):
        return ""
    return (
        f"the capacity probe found a fake capacity: from byte {min(whole)} of {size} on"
        f" nothing is kept ({len(whole)} places, {strange[min(whole)].cls})"
    )


def _is_whole(finding: Finding, size: int) -> bool:
    """Nothing right in a whole piece; not just a few bad sectors there."""
    return finding.length >= min(UNIT - finding.offset % UNIT, size - finding.offset)


def _law(size: int, distances: Sequence[int]) -> str:
    """Data that lies a constant distance, or a multiple of it, from where it was written."""
    step = math.gcd(*distances) if len(distances) > 1 else 0
    if step < UNIT:
        return ""
    return (
        f"a fake capacity: data lies {step} bytes (or a multiple of it) from where it was"
        f" written, in {len(distances)} places; it holds at most {step} of {size} bytes"
    )


def law_of(medium: Medium, state: State) -> Iterable[str]:
    """The same, where a run has met misplaced data: is it so all over the medium?"""
    buffer, distances = Buffer(STEP), []
    offsets = state.places.offsets
    for number in range(LOOKED_AT):
        offset = offsets[len(offsets) * number // LOOKED_AT]
        length = min(STEP, state.size - offset)
        with contextlib.suppress(OSError):
            medium.read(buffer.view[:length], offset)
            stamp = read_stamp(bytes(buffer.view[: min(SECTOR, length)]))
            if stamp and stamp.number == state.pattern_run.number and stamp.offset != offset:
                distances.append(stamp.offset - offset)
    law = _law(state.size, distances) if len(set(distances)) < len(distances) else ""
    return [law] if law else []
