"""Numbers and times as people read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from dashboard import words

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (12_000_138_625_024, "12.0 TB"),
        (999_999_999_999, "1000 GB"),
        (240_057_409_536, "240 GB"),
        (1_500_000_000, "1.5 GB"),
        (268_435_456, "268.4 MB"),
        (512, "512 bytes"),
        (0, "0 bytes"),
        (None, "–"),
    ],
)
def test_sizes_are_powers_of_ten_as_on_the_label(count: int | None, text: str) -> None:
    assert words.size(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (33_600, "9 h 20 min"),
        (187_200, "2 d 4 h"),
        (172_800 + 59, "2 d"),
    ],
)
def test_durations_are_the_two_largest_units(seconds: float, text: str) -> None:
    assert words.duration(seconds) == text


@pytest.mark.parametrize(
    ("place", "text"),
    [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (22, "22nd"), (113, "113th")],
)
def test_places(place: int, text: str) -> None:
    assert words.ordinal(place) == text


def test_rates_are_megabytes_and_empty_when_not_known() -> None:
    assert words.rate(205_400_000) == "205 MB/s"
    assert words.rate(2_340_000) == "2.3 MB/s"
    assert words.rate(None) == words.rate(0) == ""


@pytest.mark.parametrize(
    ("shown_as", "text"),
    [
        ("ago", "2 d 4 h ago"),
        ("for", "2 d 4 h"),
        ("age", "2 d"),
        ("clock", "Sun 08:00 UTC"),
        ("second", "Sun 08:00:00 UTC"),
        ("full", "Sun 22 Nov 2026 08:00 UTC"),
    ],
)
def test_moments_without_a_script_are_in_utc(shown_as: str, text: str) -> None:
    assert words.moment(NOW - timedelta(days=2, hours=4), shown_as, NOW) == text


def test_counts_agree_with_their_noun() -> None:
    assert words.plural(1, "drive") == "1 drive"
    assert words.plural(0, "drive") == "0 drives"
    assert (words.times(1), words.times(2), words.times(3)) == ("once", "twice", "3 times")


@pytest.mark.parametrize(
    ("profile", "text"),
    [
        ("full", "12.0 TB verified twice"),
        ("surface_long", "12.0 TB verified twice"),
        ("quick", "a sample verified"),
        ("short_long", "self-tests only"),
    ],
)
def test_what_a_passed_burn_in_has_shown(profile: str, text: str) -> None:
    assert words.verified(profile, 12_000_138_625_024, 2) == text
