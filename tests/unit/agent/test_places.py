"""Which chunks a run works on, and which its capacity probe looks at."""

from __future__ import annotations

import random

import pytest

from agent.places import Places, places, probed, sampled
from agent.regions import REGIONS

KIB, MIB, TIB = 1 << 10, 1 << 20, 1 << 40
SIZES = [4096, MIB, 16 * MIB + 512, 4 << 30, 12 * TIB + 4096]
SEED = bytes(range(16))


@pytest.mark.parametrize("size", SIZES)
def test_capacity_probe_covers_ends_powers_and_fractions(size: int) -> None:
    chunk = MIB
    found = probed(size, chunk, SEED)
    assert found == sorted(set(found)) and all(0 <= at < size for at in found)
    assert all(at % chunk == 0 for at in found)
    assert found[0] == 0 and size - found[-1] <= chunk
    power = chunk
    while power < size:
        assert power in found
        power *= 2
    written = len(found) * chunk
    assert written <= (1 << 30) + 64 * chunk
    if size >= 64 << 30:
        assert written >= 1 << 30


def test_capacity_probe_meets_addresses_that_wrap_anywhere() -> None:
    """A stick sold as a disk: two chunks land on the same place, whatever its true size."""
    size, chunk, chance = 12 * TIB, 4 * MIB, random.Random(1)
    for _ in range(50):
        true_size = chance.randrange(8 << 30, 64 << 30) // 512 * 512
        landed = sorted(at % true_size for at in probed(size, chunk, chance.randbytes(16)))
        assert any(low + chunk > high for low, high in zip(landed, landed[1:]))


@pytest.mark.parametrize("size", SIZES)
def test_a_sample_has_the_ends_the_middle_and_some_of_each_part(size: int) -> None:
    chunk = MIB
    found = sampled(size, chunk, SEED)
    assert found == sorted(set(found)) and all(at % chunk == 0 and 0 <= at < size for at in found)
    assert found[0] == 0 and size - found[-1] <= chunk
    assert any(at <= size // 2 < at + chunk for at in found)
    if size > 4 * REGIONS * 16 * chunk:
        assert {at * REGIONS // size for at in found} == set(range(REGIONS))
        assert len(found) * chunk < size // 100
    if size == 16 * MIB + 512:
        assert len(found) < 10, "a sample of a small medium is no whole"


def test_a_sample_is_the_same_again_and_another_for_another_run() -> None:
    assert sampled(4 << 30, MIB, SEED) == sampled(4 << 30, MIB, SEED)
    assert sampled(4 << 30, MIB, SEED) != sampled(4 << 30, MIB, bytes(16))


@pytest.mark.parametrize("sample", [False, True])
@pytest.mark.parametrize("size", [4096, 16 * MIB + 512, 64 * MIB])
def test_bytes_before_each_place(size: int, sample: bool) -> None:
    found: Places = places(size, 64 * KIB, sample, SEED.hex())
    done, position = 0, 0
    for offset in found.offsets:
        assert found.before(offset) == done and found.after(position - 1) == offset
        done += min(64 * KIB, size - offset)
        position = found.after(offset)
        assert found.back(position, 1) == offset
    assert (position, found.total, found.before(size)) == (size, done, done)
    assert found.back(0, 1) is None and found.index(size) == len(found.offsets)
