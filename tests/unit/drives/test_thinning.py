"""Which temperature samples go with age (D9)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from drives.thinning import superfluous

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def every(step: timedelta, start: timedelta, end: timedelta) -> list[tuple[int, datetime]]:
    count = int((end - start) / step)
    return [(number, NOW - end + number * step) for number in range(count)]


def test_the_last_two_days_stay_whole() -> None:
    samples = every(timedelta(seconds=12), timedelta(0), timedelta(hours=47))
    assert superfluous(samples, NOW) == []


def test_one_in_five_minutes_then_one_an_hour_then_four_a_day() -> None:
    day = timedelta(days=1)
    for age, kept in ((3 * day, 288), (40 * day, 24), (400 * day, 4)):
        samples = every(timedelta(minutes=1), age, age + day)
        assert abs(len(samples) - len(superfluous(samples, NOW)) - kept) <= 1


@settings(max_examples=50)
@given(st.lists(st.integers(0, 500 * 86400), max_size=200, unique=True))
def test_twice_is_as_once_and_the_first_stays(ages: list[int]) -> None:
    samples = [(n, NOW - timedelta(seconds=age)) for n, age in enumerate(ages)]
    gone = set(superfluous(samples, NOW))
    left = [sample for sample in samples if sample[0] not in gone]
    assert superfluous(left, NOW) == []
    if samples:
        assert min(samples, key=lambda sample: sample[1])[0] not in gone
