"""NVMe drives: the health log and the self-test log (smartctl 7.4 and later)."""

from __future__ import annotations

from typing import Any

from ..values import celsius, flag, get, rows, text, whole
from .reading import NO_SELF_TESTS, SelfTestEntry, SelfTests

# Bits of the critical warning, and what they say.
WARNINGS = {
    0: "its spare blocks are used up",
    1: "its temperature is beyond its own limit",
    2: "its reliability is degraded",
    3: "it has become read-only",
    4: "the backup of its volatile memory has failed",
    5: "its persistent memory has become unreliable",
}
TEMPERATURE_BIT = 1
KNOWS_SELF_TESTS = (7, 4)
RUNNING = {1: "short", 2: "long", 14: "other"}
OUTCOMES = {0: "passed", **dict.fromkeys((1, 2, 3, 4, 8, 9), "aborted")}
OUTCOMES |= dict.fromkeys((5, 6, 7), "failed")
LOG = "nvme_smart_health_information_log"


def counters(report: dict[str, Any]) -> dict[str, int]:
    log = report.get(LOG)
    found = {
        "critical_warning": whole(get(log, "critical_warning"), 256),
        "media_errors": whole(get(log, "media_errors"), 2**62),
        "percentage_used": whole(get(log, "percentage_used"), 256),
        "available_spare_percent": whole(get(log, "available_spare"), 101),
    }
    return {name: count for name, count in found.items() if count is not None}


def warnings(report: dict[str, Any]) -> tuple[str, ...]:
    bits = whole(get(report, LOG, "critical_warning"), 256) or 0
    return tuple(words for bit, words in WARNINGS.items() if bits >> bit & 1)


def is_only_hot(report: dict[str, Any]) -> bool:
    """It warns of its temperature and of nothing else: smartctl calls that a failed drive."""
    return get(report, LOG, "critical_warning") == 1 << TEMPERATURE_BIT


def self_tests(report: dict[str, Any]) -> SelfTests:
    why_none = _why_none(report)
    log = report.get("nvme_self_test_log")
    if not isinstance(log, dict):
        return SelfTests(why_none=why_none)
    operation = whole(get(log, "current_self_test_operation", "value"), 16)
    running = None if operation is None else operation != 0
    percent = whole(log.get("current_self_test_completion_percent"), 101) if running else None
    table = log.get("table", [])
    entries = None
    if isinstance(table, list):
        # Unused places of the table are null.
        entries = tuple(_entry(row) for row in table if row is not None)
    return SelfTests(entries, running, None if percent is None else float(percent), why_none)


def _why_none(report: dict[str, Any]) -> str:
    if flag(get(report, "nvme_optional_admin_commands", "self_test")) is False:
        return NO_SELF_TESTS
    version = [whole(part, 1000) for part in rows(get(report, "smartctl", "version"))]
    if len(version) == 2 and None not in version and version < list(KNOWS_SELF_TESTS):
        told = ".".join(map(str, version))
        return f"smartctl {told} on the host can’t do self-tests of NVMe drives; 7.4 can"
    return ""


def _entry(row: Any) -> SelfTestEntry:
    code = whole(get(row, "self_test_code", "value"), 16)
    result = whole(get(row, "self_test_result", "value"), 16)
    return SelfTestEntry(
        type={1: "short", 2: "long"}.get(code or 0, "other"),
        outcome=OUTCOMES.get(-1 if result is None else result, "unknown"),
        hours=whole(get(row, "power_on_hours"), 2**24),
        text=text(get(row, "self_test_result", "string")),
        lba=whole(get(row, "lba"), 2**63),
    )


def temperature(report: dict[str, Any]) -> int | None:
    return celsius(get(report, LOG, "temperature"))


def power_on_hours(report: dict[str, Any]) -> int | None:
    return whole(get(report, LOG, "power_on_hours"), 2**20)


def size_bytes(report: dict[str, Any]) -> int | None:
    for row in rows(report.get("nvme_namespaces")):
        if (found := whole(get(row, "size", "bytes"), 2**62)) and found > 0:
            return found
    return None
