"""How warm a drive may be (B13)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from burnin.temperature import Limits, limits, too_warm
from config.runtime import Runtime
from drives.models import Drive


class Settings:
    """The four of them, as the settings have them by default."""

    temp_start_max_c, temp_pause_c, temp_resume_c, temp_abort_c = 50, 55, 48, 62


NOW: Runtime = Settings()  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"rotational": True}, Limits(50, 55, 48, 62)),
        ({"rotational": None}, Limits(50, 55, 48, 62)),
        ({"rotational": True, "temperature_limit_c": 70}, Limits(50, 55, 48, 62)),
        ({"rotational": False}, Limits(65, 70, 60, 80)),
        ({"rotational": None, "form": "nvme"}, Limits(65, 70, 60, 80)),
        ({"rotational": True, "form": "ssd"}, Limits(65, 70, 60, 80)),  # as a bridge says
        ({"rotational": False, "form": "hdd"}, Limits(50, 55, 48, 62)),
        (
            {"rotational": False, "temperature_limit_c": 77, "temperature_critical_c": 85},
            Limits(65, 77, 60, 85),
        ),
        ({"rotational": False, "temperature_limit_c": 7}, Limits(65, 70, 60, 80)),
    ],
    ids=str,
)
def test_disks_by_the_settings_flash_by_its_own_word(
    facts: dict[str, Any], expected: Limits
) -> None:
    assert limits(Drive(**facts), NOW) == expected


@given(st.none() | st.integers(0, 200), st.none() | st.integers(0, 200))
def test_whatever_flash_says_the_limits_are_in_order(low: int | None, high: int | None) -> None:
    found = limits(
        Drive(rotational=False, temperature_limit_c=low, temperature_critical_c=high), NOW
    )
    assert found.start_max <= found.pause and found.resume < found.pause < found.abort


def test_at_the_limit_it_may_start_and_above_not() -> None:
    drive = Drive(rotational=True)
    assert too_warm(drive, 50, NOW) == "" and too_warm(drive, None, NOW) == ""
    assert too_warm(drive, 51, NOW) == "51 °C is too hot to start; the limit is 50 °C"
