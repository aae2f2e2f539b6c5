"""smartctl reports as an ATA drive gives them, for tests."""

from __future__ import annotations

from typing import Any

COUNTERS = {5: 0, 187: 0, 188: 0, 197: 0, 198: 0, 199: 0}
OUTCOMES = {"passed": (0, True), "aborted": (0x19, None), "failed": (0x77, False)}


def entry(kind: str, outcome: str, hours: int) -> dict[str, Any]:
    """One row of the self-test log; kind is short or long."""
    value, passed = OUTCOMES[outcome]
    status: dict[str, Any] = {"value": value, "string": f"the drive's words for {outcome}"}
    if passed is not None:
        status["passed"] = passed
    return {
        "type": {"value": 1 if kind == "short" else 2, "string": kind},
        "status": status,
        "lifetime_hours": hours,
    }


def ata(
    *log: dict[str, Any],
    serial: str = "ZTT0001",
    hours: int = 1000,
    running_left: int | None = None,
    counters: dict[int, int] | None = None,
    exit_status: int = 0,
    passed: bool = True,
) -> dict[str, Any]:
    """What `smartctl -x --json` prints; running_left is the percent left of a running test."""
    running = {"value": 0, "string": "completed without error", "passed": True}
    if running_left is not None:
        running = {
            "value": 0xF0 + running_left // 10,
            "string": f"in progress, {running_left}% remaining",
            "remaining_percent": running_left,
        }
    table = [
        {"id": number, "raw": {"value": count, "string": str(count)}}
        for number, count in (COUNTERS | (counters or {})).items()
    ]
    standard: dict[str, Any] = {"revision": 1, "count": len(log)}
    if log:
        standard["table"] = list(log)
    return {
        "smartctl": {"version": [7, 4], "exit_status": exit_status},
        "device": {"protocol": "ATA"},
        "serial_number": serial,
        "smart_status": {"passed": passed},
        "power_on_time": {"hours": hours},
        "temperature": {"current": 31},
        "ata_smart_attributes": {"table": table},
        "ata_smart_data": {"self_test": {"status": running}},
        "ata_smart_self_test_log": {"standard": standard},
    }
