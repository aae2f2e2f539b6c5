"""From `smartctl -x --json` (7.2 and later) to a typed reading. Nonsense is unknown, never zero.

The exit status is a bit mask: 1 and 2 mean that there is no answer; 8 that the drive says it is
failing now; 4, 16, 32, 64 and 128 speak of single commands, thresholds and logs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .models import Drive

# Attributes whose raw value is a count of events on every ATA drive that reports them (D8).
ATA_COUNTERS = {
    5: "reallocated_sectors",
    187: "reported_uncorrectable",
    188: "command_timeouts",
    197: "pending_sectors",
    198: "offline_uncorrectable",
    199: "udma_crc_errors",
}
COMMAND_TIMEOUT = 188
BIGGEST_COUNT = 2**32


@dataclass(frozen=True)
class SelfTestEntry:
    """One line of the drive's self-test log (ATA log 0x06/0x07).

    outcome: passed, failed, aborted, running or unknown; hours: power-on hours, modulo 65,536.
    """

    type: str
    outcome: str
    hours: int | None
    text: str
    lba: int | None

    def as_json(self) -> dict[str, Any]:
        return dict(vars(self))


@dataclass(frozen=True)
class Reading:
    """What a drive said of itself.

    counters: only those which this drive reports. self_tests: newest first, None when the log
    can't be read. running: (type or "", percent done) of a self-test in progress, None without
    one, and `running_known` tells whether that could be read at all.
    """

    serial: str
    health: Drive.Health
    power_on_hours: int | None
    temperature_c: int | None
    counters: dict[str, int]
    self_tests: tuple[SelfTestEntry, ...] | None
    running_percent: float | None
    running_known: bool


def parse(report: dict[str, Any]) -> Reading | None:
    """The reading in a smartctl report, or None when it holds none."""
    status = _get(report, "smartctl", "exit_status")
    if not isinstance(status, int) or status & 0b11:
        return None
    passed = _get(report, "smart_status", "passed")
    health = Drive.Health.UNKNOWN
    if passed is False or status & 8:
        health = Drive.Health.FAILED
    elif passed is True:
        health = Drive.Health.OK
    percent, known = _running(report)
    serial = report.get("serial_number")
    return Reading(
        serial=serial.strip() if isinstance(serial, str) else "",
        health=health,
        power_on_hours=_whole(_get(report, "power_on_time", "hours"), 2**24),
        temperature_c=_whole(_get(report, "temperature", "current"), 150) or None,
        counters=_ata_counters(report),
        self_tests=_ata_log(report),
        running_percent=percent,
        running_known=known,
    )


def _get(source: Any, *path: str) -> Any:
    for name in path:
        source = source.get(name) if isinstance(source, dict) else None
    return source


def _whole(value: Any, below: int) -> int | None:
    usable = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < below
    return value if usable else None


def _ata_counters(report: dict[str, Any]) -> dict[str, int]:
    table = _get(report, "ata_smart_attributes", "table")
    counters: dict[str, int] = {}
    for row in table if isinstance(table, list) else []:
        number = _get(row, "id")
        raw = _get(row, "raw", "value")
        if number not in ATA_COUNTERS or not isinstance(raw, int) or isinstance(raw, bool):
            continue
        if number == COMMAND_TIMEOUT and raw >= BIGGEST_COUNT:
            # Seagate packs three 16-bit counts into it: all, over 5 s, over 7.5 s.
            raw &= 0xFFFF
        if 0 <= raw < BIGGEST_COUNT:
            counters[ATA_COUNTERS[number]] = raw
    return counters


def _running(report: dict[str, Any]) -> tuple[float | None, bool]:
    """(percent done of a self-test in progress or None, whether that could be read)."""
    status = _get(report, "ata_smart_data", "self_test", "status")
    value = _get(status, "value")
    if not isinstance(value, int) or isinstance(value, bool):
        return None, False
    if value >> 4 != 0xF:
        return None, True
    left = _get(status, "remaining_percent")
    if not isinstance(left, int) or not 0 <= left <= 100:
        left = (value & 0xF) * 10
    return float(100 - left), True


def _ata_log(report: dict[str, Any]) -> tuple[SelfTestEntry, ...] | None:
    log = report.get("ata_smart_self_test_log")
    for name in ("extended", "standard"):
        section = _get(log, name)
        if not isinstance(section, dict):
            continue
        table = section.get("table")
        if table is None and section.get("count") == 0:
            return ()
        if isinstance(table, list):
            return tuple(_ata_entry(row) for row in table)
    return None


def _ata_entry(row: Any) -> SelfTestEntry:
    type_value = _get(row, "type", "value")
    # Bit 7 marks a captive test; 1 is short, 2 is extended.
    plain = type_value & 0x7F if isinstance(type_value, int) else None
    status = _get(row, "status", "value")
    code = status >> 4 if isinstance(status, int) and not isinstance(status, bool) else None
    passed = _get(row, "status", "passed")
    if code == 0 and passed is True:
        outcome = "passed"
    elif code in (1, 2):
        outcome = "aborted"
    elif code == 15:
        outcome = "running"
    elif code is not None and 3 <= code <= 8 and passed is not True:
        outcome = "failed"
    else:
        outcome = "unknown"
    text = _get(row, "status", "string")
    return SelfTestEntry(
        type={1: "short", 2: "long"}.get(plain or 0, "other"),
        outcome=outcome,
        hours=_whole(_get(row, "lifetime_hours"), 2**24),
        text=text if isinstance(text, str) else "",
        lba=_whole(_get(row, "lba"), 2**63),
    )
