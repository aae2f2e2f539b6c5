"""What a smartctl report means; nonsense is unknown, never zero."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drives import smart
from drives.models import Drive

from .reports import ata, entry


def parsed(report: dict[str, Any]) -> smart.Reading:
    reading = smart.parse(report)
    assert reading is not None
    return reading


def test_a_whole_report() -> None:
    reading = parsed(ata(entry("short", "passed", 990), counters={5: 3}))
    assert reading.serial == "ZTT0001"
    assert reading.health == Drive.Health.OK
    assert reading.power_on_hours == 1000
    assert reading.temperature_c == 31
    assert reading.counters["reallocated_sectors"] == 3
    assert reading.self_tests is not None
    assert reading.self_tests[0].outcome == "passed"
    assert reading.self_tests[0].type == "short"
    assert (reading.running_percent, reading.running) == (None, False)


@pytest.mark.parametrize("status", [1, 2, 3, 0b110])
def test_an_exit_status_without_an_answer_is_no_reading(status: int) -> None:
    assert smart.parse(ata(exit_status=status)) is None


@pytest.mark.parametrize("status", [4, 32, 64, 128])
def test_other_bits_of_the_exit_status_leave_the_reading(status: int) -> None:
    assert parsed(ata(exit_status=status)).health == Drive.Health.OK


def test_either_sign_of_failing_health_counts() -> None:
    assert parsed(ata(passed=False)).health == Drive.Health.FAILED
    for status in (8, 16):
        assert parsed(ata(exit_status=status)).health == Drive.Health.FAILED


@pytest.mark.parametrize(
    ("when", "prefailure", "health"),
    [
        ("now", True, Drive.Health.FAILED),
        ("now", False, Drive.Health.OK),
        ("past", True, Drive.Health.OK),
        ("", True, Drive.Health.OK),
    ],
)
def test_an_attribute_at_its_threshold_counts_though_the_drive_says_passed(
    when: str, prefailure: bool, health: Drive.Health
) -> None:
    """smartctl tells of it by 32 alone, which it sets for the past as well."""
    report = ata(exit_status=32, counters={5: 60000})
    row = report["ata_smart_attributes"]["table"][0]
    row |= {"when_failed": when, "flags": {"prefailure": prefailure}}
    assert parsed(report).health == health


def test_a_running_test_tells_its_percent() -> None:
    assert parsed(ata(running_left=70)).running_percent == 30


def test_seagates_packed_command_timeout_is_decoded() -> None:
    packed = (2 << 32) | (1 << 16) | 5
    assert parsed(ata(counters={188: packed})).counters["command_timeouts"] == 5


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("ata_smart_self_test_log",), None),
        (("ata_smart_self_test_log", "standard"), {"count": 3}),
        (("ata_smart_self_test_log", "standard", "table"), "none"),
    ],
)
def test_a_log_that_cannot_be_read_is_none_not_empty(path: tuple[str, ...], value: Any) -> None:
    report = ata(entry("short", "passed", 990))
    inner = report
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = value
    assert parsed(report).self_tests is None


def test_an_empty_log_is_empty() -> None:
    assert parsed(ata()).self_tests == ()


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=10,
)


@given(data=st.data())
def test_a_report_with_a_garbled_part_is_read_or_unknown_and_never_better(
    data: st.DataObject,
) -> None:
    report = ata(entry("short", "failed", 990), passed=False, counters={5: 9})
    inner: Any = report
    path = []
    while isinstance(inner, dict) and (not path or data.draw(st.booleans())):
        name = data.draw(st.sampled_from(sorted(inner)))
        path.append(name)
        if not isinstance(inner[name], dict):
            break
        inner = inner[name]
    target: Any = report
    for name in path[:-1]:
        target = target[name]
    target[path[-1]] = data.draw(anything)
    reading = smart.parse(report)
    if reading is not None and reading.self_tests:
        assert all(e.outcome != "passed" for e in reading.self_tests) or "table" in str(path)
    if reading is not None:
        assert reading.counters.get("reallocated_sectors") in (None, 9) or "ata_smart" in path[0]
