"""ATA drives, behind USB and RAID too: attributes, self-test log, security."""

from __future__ import annotations

import re
from typing import Any

from ..models import Drive
from ..values import flag, get, rows, text, whole
from .reading import NO_SELF_TESTS, SelfTestEntry, SelfTests

# Attributes whose raw value is a count of events on every drive that reports them.
COUNTERS = {
    5: "reallocated_sectors",
    187: "reported_uncorrectable",
    188: "command_timeouts",
    197: "pending_sectors",
    198: "offline_uncorrectable",
    199: "udma_crc_errors",
}
COMMAND_TIMEOUT = 188
BIGGEST_COUNT = 2**32
WORD = 2**16
# "5 (2000 0)": a count in the lowest 16 bits, other figures of the maker above it.
PACKED = re.compile(r"([0-9]{1,5}) \([0-9 ,]*\)")
IN_PROGRESS = 0xF
# Shingled by their makers' own lists; these drives don't tell it by themselves.
SHINGLED_MODELS = (
    "ST2000DM008", "ST3000DM007", "ST4000DM004", "ST6000DM003", "ST8000DM004", "ST5000AS0011",
    "ST6000AS0002", "ST8000AS0002", "ST1000LM048", "ST2000LM015", "ST3000LM024", "ST4000LM024",
    "ST5000LM000", "WDC WD20EFAX", "WDC WD30EFAX", "WDC WD40EFAX", "WDC WD60EFAX",
    "WDC WD20EZAZ", "WDC WD60EZAZ",
)  # fmt: skip


def counters(report: dict[str, Any]) -> dict[str, int]:
    found: dict[str, int] = {}
    for row in rows(get(report, "ata_smart_attributes", "table")):
        number = get(row, "id")
        if not isinstance(number, int) or number not in COUNTERS:
            continue
        count = _count(number, get(row, "raw", "value"), get(row, "raw", "string"))
        if count is not None:
            found[COUNTERS[number]] = count
    used = whole(get(report, "endurance_used", "current_percent"), 256)
    if used is not None:
        found["percentage_used"] = used
    return found


def is_worn(report: dict[str, Any]) -> bool:
    """An attribute that foretells failure stands at its threshold now, whatever the drive says of
    itself."""
    return any(
        get(row, "when_failed") == "now" and flag(get(row, "flags", "prefailure")) is True
        for row in rows(get(report, "ata_smart_attributes", "table"))
    )


def _count(number: int, raw: Any, words: Any) -> int | None:
    """A raw value has 48 bits, and some makers put more than the count into it."""
    if whole(raw, 2**48) is None:
        return None
    if raw < WORD:
        return int(raw)
    if number == COMMAND_TIMEOUT:
        return int(raw % WORD)  # Seagate: all, over 5 s, over 7.5 s
    packed = PACKED.fullmatch(words) if isinstance(words, str) else None
    if packed:
        return int(packed[1])
    return whole(raw, BIGGEST_COUNT)


def self_tests(report: dict[str, Any]) -> SelfTests:
    data = get(report, "ata_smart_data")
    running, percent = _running(get(data, "self_test", "status"))
    minutes = get(data, "self_test", "polling_minutes")
    return SelfTests(
        entries=_log(report),
        running=running,
        running_percent=percent,
        why_none=(
            NO_SELF_TESTS
            if flag(get(data, "capabilities", "self_tests_supported")) is False
            else ""
        ),
        short_minutes=whole(get(minutes, "short"), 2**16),
        long_minutes=whole(get(minutes, "extended"), 2**16),
    )


def _running(status: Any) -> tuple[bool | None, float | None]:
    value = whole(get(status, "value"), 256)
    if value is None:
        return None, None
    if value >> 4 != IN_PROGRESS:
        return False, None
    left = whole(get(status, "remaining_percent"), 101)
    if left is None:
        left = (value & 0xF) * 10
    return True, float(100 - left) if left <= 100 else None


def _log(report: dict[str, Any]) -> tuple[SelfTestEntry, ...] | None:
    for name in ("extended", "standard"):
        section = get(report, "ata_smart_self_test_log", name)
        if not isinstance(section, dict):
            continue
        table = section.get("table")
        if table is None and whole(section.get("count"), 1) == 0:
            return ()
        if isinstance(table, list):
            return tuple(_entry(row) for row in table)
    return None


def _entry(row: Any) -> SelfTestEntry:
    type_value = whole(get(row, "type", "value"), 256)
    # Bit 7 marks a captive test; 1 is short, 2 is extended.
    plain = type_value & 0x7F if type_value is not None else None
    status = whole(get(row, "status", "value"), 256)
    passed = get(row, "status", "passed")
    code = status >> 4 if status is not None else None
    if code == 0 and passed is True:
        outcome = "passed"
    elif code in (1, 2):
        outcome = "aborted"
    elif code == IN_PROGRESS:
        outcome = "running"
    elif code is not None and 3 <= code <= 8 and passed is not True:
        outcome = "failed"
    else:
        outcome = "unknown"
    return SelfTestEntry(
        type={1: "short", 2: "long"}.get(plain or 0, "other"),
        outcome=outcome,
        hours=whole(get(row, "lifetime_hours"), 2**24),
        text=text(get(row, "status", "string")),
        lba=whole(get(row, "lba"), 2**63),
    )


def locked(report: dict[str, Any]) -> bool | None:
    """By a password; smartctl tells `locked` only where security is on at all."""
    security = get(report, "ata_security")
    if flag(get(security, "enabled")) is False:
        return False
    return flag(get(security, "locked"))


def zoned(report: dict[str, Any], model: str, *, is_rotating: bool) -> str:
    """A rotating drive that takes TRIM is shingled: that is what it needs TRIM for."""
    told = get(report, "zoned_device", "capabilities")
    if told in (Drive.Zoned.HOST_AWARE, Drive.Zoned.DEVICE_MANAGED):
        return str(told)
    if is_rotating and (
        get(report, "trim", "supported") is True or model.startswith(SHINGLED_MODELS)
    ):
        return Drive.Zoned.DEVICE_MANAGED
    return ""
