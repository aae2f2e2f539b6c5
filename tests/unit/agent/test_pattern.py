"""Data that knows where it belongs."""

from __future__ import annotations

import pytest

from agent import pattern
from agent.pattern import SECTOR, STEP, UNIT, Buffer, Pattern, Run, Stamp, Window, read_stamp

RUN = Run(bytes(range(16)), 1_800_000_000)
CHUNK = 4 * UNIT


@pytest.fixture(scope="module")
def first() -> Pattern:
    return Pattern(RUN, 1, CHUNK)


def test_each_sector_tells_its_place(first: Pattern) -> None:
    data = first.expected(3 * CHUNK, 2 * CHUNK)
    for at in range(0, len(data), SECTOR):
        stamp = read_stamp(data[at : at + SECTOR])
        assert stamp == Stamp(RUN.number, RUN.stamp_time, 1, 3 * CHUNK + at)


def test_far_places_and_high_passes_fit() -> None:
    far = (1 << 50) // CHUNK * CHUNK
    data = Pattern(RUN, 100, CHUNK).expected(far, SECTOR)
    assert read_stamp(data) == Stamp(RUN.number, RUN.stamp_time, 100, far)


def test_any_range_is_cut_from_the_same_content(first: Pattern) -> None:
    whole = first.expected(0, 3 * CHUNK + 100)
    assert first.expected(CHUNK - SECTOR, 2 * SECTOR) == whole[CHUNK - SECTOR : CHUNK + SECTOR]
    assert first.expected(3 * CHUNK, 100) == whole[-100:]


def test_window_writes_what_is_expected(first: Pattern) -> None:
    window = Window(first)
    for offset in (0, CHUNK, 77 * CHUNK, 0):
        assert bytes(window.set(offset, CHUNK)) == first.expected(offset, CHUNK)
    assert bytes(window.set(CHUNK, 1234)) == first.expected(CHUNK, 1234)


@pytest.mark.parametrize("libc", [True, False])
def test_comparison_sees_each_single_bit(
    first: Pattern, monkeypatch: pytest.MonkeyPatch, libc: bool
) -> None:
    if not libc:
        monkeypatch.setattr(pattern, "_memcmp", None)
    window, found = Window(first), Buffer(CHUNK)
    found.view[:] = window.set(5 * CHUNK, CHUNK)
    assert window.holds(found, CHUNK)
    for at in (0, 7, 8, 24, SECTOR, CHUNK - 1):
        for bit in range(8):
            found.view[at] ^= 1 << bit
            assert not window.holds(found, CHUNK)
            found.view[at] ^= 1 << bit
    found.view[CHUNK - 1] ^= 1
    assert window.holds(found, CHUNK - 1)


def test_neighbours_passes_and_runs_differ(first: Pattern) -> None:
    sectors = {first.expected(offset * CHUNK, SECTOR) for offset in range(600)}
    assert len(sectors) == 600
    bodies = [first.expected(offset * CHUNK, SECTOR)[24:] for offset in range(600)]
    assert all(one != next_one for one, next_one in zip(bodies, bodies[1:]))  # noqa: B905
    other_run = Pattern(Run(bytes(16), RUN.started), 1, CHUNK)
    assert len({p.expected(0, SECTOR) for p in (first, Pattern(RUN, 2, CHUNK), other_run)}) == 3


def test_it_can_t_be_compressed(first: Pattern) -> None:
    import zlib

    data = first.expected(0, CHUNK)
    assert len(zlib.compress(data)) > 0.95 * len(data)


@pytest.mark.parametrize("data", [b"", bytes(512), b"\xff" * 512, bytes(range(256)) * 2])
def test_other_data_carries_no_stamp(data: bytes) -> None:
    assert read_stamp(data) is None


@pytest.mark.parametrize("chunk", [0, UNIT - 1, UNIT + STEP, 32 << 20])
def test_odd_chunks_are_refused(chunk: int) -> None:
    with pytest.raises(ValueError, match="chunk"):
        Pattern(RUN, 1, chunk)
