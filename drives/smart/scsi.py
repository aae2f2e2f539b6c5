"""SCSI and SAS drives: grown defects, uncorrected totals, self-test results, temperatures.

smartctl has their self-tests in its JSON from 7.3 on, and how far one is only after 7.5; before
that both stand in its text, which the agent asks for beside (`--json=o`).
"""

from __future__ import annotations

import re
from typing import Any

from ..models import Drive
from ..values import celsius, flag, get, rows, text, whole
from .reading import SelfTestEntry, SelfTests

LOG_LENGTH = 20
IN_PROGRESS = 15
TYPES = {1: "short", 2: "long", 5: "short", 6: "long"}
CODES = {
    "Default": 0,
    "Background short": 1,
    "Background long": 2,
    "Reserved(3)": 3,
    "Abort background": 4,
    "Foreground short": 5,
    "Foreground long": 6,
    "Reserved(7)": 7,
}
RESULTS = {
    "Completed": 0,
    "Aborted (by user command)": 1,
    "Aborted (device reset ?)": 2,
    "Unknown error, incomplete": 3,
    "Completed, segment failed": 4,
    "Failed in first segment": 5,
    "Failed in second segment": 6,
    "Failed in segment": 7,
    "Self test in progress ...": IN_PROGRESS,
}
_ENTRY = re.compile(
    r"# ?[0-9]{1,2}  (?P<code>" + "|".join(map(re.escape, CODES)) + r")\s+"
    r"(?P<result>" + "|".join(map(re.escape, sorted(RESULTS, key=len, reverse=True))) + r")"
    r"(?: -->)?\s+(?P<segment>-|[0-9]{1,3})\s+(?P<hours>NOW|[0-9]{1,5})\s+"
    r"(?P<lba>-|[0-9]{1,20})\s*(?:\[.*\])?\s*"
)
_LEFT = re.compile(r"Self-test execution status:\s+([0-9]{1,3})% of test remaining")
_NONE_LOGGED = re.compile(r"No self-tests have been logged", re.IGNORECASE)


def counters(report: dict[str, Any]) -> dict[str, int]:
    found = {
        "grown_defects": whole(report.get("scsi_grown_defect_list"), 2**32),
        "pending_defects": whole(get(report, "scsi_pending_defects", "count"), 2**32),
    }
    for what in ("read", "write", "verify"):
        total = get(report, "scsi_error_counter_log", what, "total_uncorrected_errors")
        found[f"{what}_uncorrected"] = whole(total, 2**48)
    for path in (
        ("endurance_used", "current_percent"),
        ("scsi_percentage_used_endurance_indicator",),
    ):
        if (used := whole(get(report, *path), 256)) is not None:
            found["percentage_used"] = used
    return {name: count for name, count in found.items() if count is not None}


def self_tests(report: dict[str, Any]) -> SelfTests:
    """1. The log, from JSON, else from the text. 2. Does one run, by any of the three signs?"""
    lines = [line for line in rows(get(report, "smartctl", "output")) if isinstance(line, str)]
    entries = _log_of_json(report)
    if entries is None:
        entries = _log_of_text(lines)
    told = flag(get(report, "scsi_self_test_status", "in_progress"))
    percent: float | None = None
    if told:
        percent = whole(get(report, "scsi_self_test_status", "completion_percent"), 101)
    for line in lines:
        if left := _LEFT.fullmatch(line.strip()):
            told = True
            percent = float(100 - int(left[1])) if int(left[1]) <= 100 else None
    if entries is not None and any(entry.outcome == "running" for entry in entries):
        told = True
    if told is None and entries is not None:
        told = False
    seconds = whole(report.get("scsi_extended_self_test_seconds"), 2**22)
    return SelfTests(
        entries=entries,
        running=told,
        running_percent=None if percent is None else float(percent),
        long_minutes=-(-seconds // 60) if seconds else None,
    )


def _log_of_json(report: dict[str, Any]) -> tuple[SelfTestEntry, ...] | None:
    """None where there is none: the JSON of an empty log is that of a log that can't be read."""
    names = [f"scsi_self_test_{number}" for number in range(LOG_LENGTH)]
    found = [name for name in names if name in report]
    if not found:
        return None
    if found != names[: len(found)]:
        return None  # a hole: what stood there can't be told
    return tuple(_entry(report[name]) for name in found)


def _entry(row: Any) -> SelfTestEntry:
    code = whole(get(row, "code", "value"), 8)
    result = whole(get(row, "result", "value"), 16)
    if get(row, "self_test_in_progress") is True:
        result = IN_PROGRESS
    return _of(
        code,
        result,
        whole(get(row, "power_on_time", "hours"), 2**16),
        text(get(row, "result", "string")),
        whole(get(row, "lba_first_failure", "value"), 2**63),
    )


def _of(
    code: int | None, result: int | None, hours: int | None, words: str, lba: int | None
) -> SelfTestEntry:
    outcomes = {0: "passed", 1: "aborted", 2: "aborted", IN_PROGRESS: "running"}
    outcomes |= dict.fromkeys((3, 4, 5, 6, 7), "failed")
    outcome = outcomes.get(-1 if result is None else result, "unknown")
    kind = TYPES.get(-1 if code is None else code, "other")
    return SelfTestEntry(kind, outcome, hours, words, lba)


def _log_of_text(lines: list[str]) -> tuple[SelfTestEntry, ...] | None:
    if any(_NONE_LOGGED.fullmatch(line.strip()) for line in lines):
        return ()
    found = []
    for line in lines:
        if not re.match(r"# ?[0-9]", line):
            continue
        parts = _ENTRY.fullmatch(line)
        if parts is None:
            return None
        hours = None if parts["hours"] == "NOW" else int(parts["hours"])
        lba = None if parts["lba"] == "-" else whole(int(parts["lba"]), 2**63)
        code, result = CODES[parts["code"]], RESULTS[parts["result"]]
        found.append(_of(code, result, hours, parts["result"], lba))
    return tuple(found) or None


def temperature(report: dict[str, Any]) -> int | None:
    """Some SAS drives say 0 in their temperature page, and the truth in the environmental one."""
    reports = get(report, "scsi_environmental_reports")
    if isinstance(reports, dict):
        for name in sorted(str(key) for key in reports):
            if name.startswith("temperature_"):
                found = celsius(get(reports, name, "current"))
                if found is not None:
                    return found
    return None


def zoned(report: dict[str, Any]) -> str:
    if get(report, "device_type", "scsi_value") == 0x14:
        return Drive.Zoned.HOST_MANAGED
    for key, kind in (
        ("scsi_host_aware_zoned_block_capable", Drive.Zoned.HOST_AWARE),
        ("scsi_device_managed_zoned_block_capable", Drive.Zoned.DEVICE_MANAGED),
    ):
        if report.get(key) is True:
            return kind
    return ""
