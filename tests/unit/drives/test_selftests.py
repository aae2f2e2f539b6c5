"""A self-test is settled by an entry of the drive's log that was not there before (D3)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drives import smart
from drives.models import SmartTest
from drives.selftests import new_entries, settle

from .reports import ata, entry

CAPTURED = Path(__file__).parent / "captured"
OLD = entry("short", "passed", 900)


def log_of(*rows: dict[str, Any]) -> list[dict[str, Any]]:
    reading = smart.parse(ata(*rows))
    assert reading is not None and reading.self_tests is not None
    return [row.as_json() for row in reading.self_tests]


def settled(
    report: dict[str, Any], before: list[dict[str, Any]] | None, elapsed: float = 0.1
) -> Any:
    reading = smart.parse(report)
    assert reading is not None
    return settle("short", before, reading, elapsed_hours=elapsed)


@pytest.mark.parametrize("outcome", ["passed", "failed", "aborted"])
def test_a_new_entry_settles_it(outcome: str) -> None:
    found = settled(ata(entry("short", outcome, 1000), OLD), log_of(OLD))
    assert found.state == outcome
    assert found.entry is not None


def test_a_running_test_is_not_settled() -> None:
    assert settled(ata(OLD, running_left=50), log_of(OLD)) is None


def test_a_drive_that_does_not_tell_whether_it_tests_is_not_settled() -> None:
    report = ata(entry("short", "passed", 1000), OLD)
    del report["ata_smart_data"]
    assert settled(report, log_of(OLD)) is None


def test_the_old_entry_alone_is_no_result() -> None:
    """As after a power cut; the stage starts it once more."""
    assert settled(ata(OLD), log_of(OLD)).state == SmartTest.State.ABORTED
    assert settled(ata(OLD), log_of(OLD), elapsed=5 / 3600) is None, "it may be about to begin"


def test_a_failure_is_not_hidden_by_a_later_test_of_somebody_else() -> None:
    rows = entry("short", "passed", 1010), entry("short", "failed", 1000), OLD
    assert settled(ata(*rows, hours=1010), log_of(OLD), elapsed=10).state == "failed"


def test_ours_is_the_oldest_of_the_new_entries() -> None:
    rows = entry("short", "passed", 1010), entry("short", "aborted", 1000), OLD
    assert settled(ata(*rows, hours=1010), log_of(OLD), elapsed=10).state == "aborted"


def test_an_entry_of_the_other_type_is_no_result() -> None:
    found = settled(ata(entry("long", "passed", 1000), OLD), log_of(OLD))
    assert found.state == SmartTest.State.ABORTED


def test_a_log_that_was_not_read_before_is_no_base() -> None:
    found = settled(ata(entry("short", "passed", 1000)), None)
    assert found.state == SmartTest.State.UNKNOWN


def test_an_entry_from_before_the_start_is_not_ours() -> None:
    found = settled(ata(entry("short", "passed", 800)), [])
    assert found.state == SmartTest.State.UNKNOWN
    assert "200 h old" in found.error_text


def test_hours_wrap_at_16_bits() -> None:
    report = ata(entry("short", "passed", 70_000 % 65_536), hours=70_000)
    assert settled(report, []).state == SmartTest.State.PASSED


def test_of_a_real_drive_whose_log_has_begun_anew() -> None:
    """65,592 h, and a log that says 42, 18, 4, 65530: the newest is 14 h old."""
    report = json.loads((CAPTURED / "smart-fail2.json").read_text())
    reading = smart.parse(report)
    assert reading is not None and reading.self_tests is not None
    before = [row.as_json() for row in reading.self_tests[1:]]
    assert settle("short", before, reading, elapsed_hours=13).state == "passed"  # type: ignore[union-attr]
    late = settle("short", before, reading, elapsed_hours=1)
    assert late is not None and "14 h old" in late.error_text


@pytest.mark.parametrize(("at", "hours"), [(1001, 1000), (1002, 1000), (1, 65_536), (0, 65_535)])
def test_a_log_that_runs_an_hour_ahead_of_the_drives_counter_is_of_now(at: int, hours: int) -> None:
    assert settled(ata(entry("short", "passed", at), hours=hours), []).state == "passed"


def test_an_entry_further_ahead_is_of_another_time() -> None:
    found = settled(ata(entry("short", "passed", 1003), hours=1000), [])
    assert (found.state, "65533 h old" in found.error_text) == (SmartTest.State.UNKNOWN, True)


def test_a_full_log_drops_its_oldest_entry() -> None:
    rows = [entry("short", "passed", hours) for hours in range(900, 879, -1)]
    fresh = entry("short", "passed", 1000)
    assert new_entries(log_of(*rows), log_of(fresh, *rows[:-1])) == log_of(fresh)


@given(
    before=st.lists(st.integers(0, 3), max_size=6),
    fresh=st.lists(st.integers(4, 6), max_size=3),
)
def test_what_is_new_is_found_whatever_was_there(before: list[int], fresh: list[int]) -> None:
    old = [{"outcome": "passed", "hours": hours} for hours in before]
    new = [{"outcome": "passed", "hours": hours} for hours in fresh]
    assert new_entries(old, (new + old)[:6]) == new
