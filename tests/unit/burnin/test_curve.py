"""The time left, from a drive's own curve (B5)."""

from __future__ import annotations

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import eta as bench
from burnin.curve import BINS, Curve, Left, mean, self_test_left, surface_left

TB = 10**12


@pytest.mark.parametrize(
    "drive", [bench.DRIVES[0], bench.DRIVES[5], bench.DRIVES[6]], ids=lambda drive: drive.name
)
def test_the_median_error_is_within_ten_percent(drive: bench.Simulated) -> None:
    looks, end, _ = bench.life(drive, None, seed=3)
    told, naive = bench.errors(looks, end)
    assert statistics.median(told) <= 10
    assert statistics.median(told) < statistics.median(naive)


def test_a_border_between_phases_is_no_jump() -> None:
    looks, end, _ = bench.life(bench.DRIVES[0], None, seed=3)
    ends = [look.at + look.told for look in looks]
    quarter = len(looks) // 8
    for before, after in zip(ends[quarter:], ends[quarter + 1 :], strict=False):
        assert abs(after - before) < 0.03 * end


def test_with_a_curve_of_its_model_the_first_hour_is_right() -> None:
    drive = bench.DRIVES[0]
    _, _, curve = bench.life(drive, None, seed=3)
    looks, end, _ = bench.life(drive, mean([curve]), seed=4)
    assert abs(looks[0].told - (end - looks[0].at)) < 0.03 * end


def test_what_is_known_narrows_the_spread() -> None:
    _, _, curve = bench.life(bench.DRIVES[0], None, seed=3)
    nothing, model = surface_left(TB, 2), surface_left(TB, 2, of_model=curve)
    own = surface_left(TB, 2, curve=curve)
    shares = [left.spread / left.seconds for left in (nothing, model, own)]
    assert shares == sorted(shares, reverse=True) and shares[-1] < 0.05


def test_nothing_is_left_at_the_end() -> None:
    assert surface_left(TB, 2, phase="verify", pass_number=2, position=TB) == Left(0, 0)
    assert surface_left(0, 2, phase="verify", pass_number=2).seconds == 0


@given(st.integers(0, TB), st.sampled_from(["probe", "write", "verify", "zero", "done"]))
def test_the_time_left_is_never_odd(position: int, phase: str) -> None:
    left = surface_left(TB, 2, phase=phase, pass_number=2, position=position)
    assert 0 <= left.seconds < 10**9 and 0 <= left.spread <= left.seconds


@pytest.mark.parametrize(
    "garbled", [None, [], {"write": [1]}, {"write": ["x"] * BINS}, {"verify": [-1] * BINS}]
)
def test_what_is_no_curve_is_an_empty_one(garbled: object) -> None:
    assert Curve.parse(garbled).as_json() == Curve.empty().as_json()


def test_a_curve_is_kept_as_it_is() -> None:
    curve = Curve.empty().learn("write", 0.5, 2e8).learn("write", 0.5, 1e8).learn("probe", 0, 1e8)
    assert curve.as_json()["write"][BINS // 2] == 150_000_000
    assert Curve.parse(curve.as_json()).as_json() == curve.as_json()


@pytest.mark.parametrize(
    ("elapsed", "percent", "low", "high"),
    [
        (0, None, 3600, 3600),  # the drive's own word
        (360, 10, 2800, 3300),
        (3600, 50, 2700, 3500),  # twice as slow as it said: its progress wins
        (7000, 90, 100, 700),
        (9000, 90, 10, 700),  # longer than ever: never 0, never less
    ],
)
def test_a_self_test_is_told_by_its_own_word_and_then_by_its_progress(
    elapsed: float, percent: float | None, low: float, high: float
) -> None:
    assert low <= self_test_left(3600, elapsed, percent).seconds <= high
