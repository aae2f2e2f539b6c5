"""From `smartctl -x --json=o` (7.0 to 7.5 and later) to a typed reading.

Nonsense is unknown, never zero. The exit status is a bit mask: 1 and 2 mean that there is no
answer; 8 and 16 that the drive says it is failing now; 4, 32, 64 and 128 speak of single commands,
thresholds and logs, and a drive may be well with all of them.
"""

from __future__ import annotations

from typing import Any

from ..models import Drive
from ..values import celsius, get, text, whole
from . import ata, nvme, scsi
from .reading import Reading, SelfTestEntry, SelfTests

__all__ = ["Reading", "SelfTestEntry", "SelfTests", "parse"]

NO_ANSWER = 0b11
FAILING_NOW = 8 | 16
# 119 years: more is a counter that counts something else.
MOST_HOURS = 2**20


def parse(report: dict[str, Any]) -> Reading | None:
    """The reading in a smartctl report, or None when it holds none.

    1. Did smartctl have an answer at all? 2. Which protocol? 3. What all have in common; the rest
    is asked of the protocol.
    """
    status = get(report, "smartctl", "exit_status")
    if "smartctl" in report and whole(status, 256) is None:
        return None
    if status is not None and status & NO_ANSWER:
        return None
    if not isinstance(report.get("device"), dict):
        return None
    protocol = text(get(report, "device", "protocol")).lower()
    model = text(report.get("model_name")) or text(report.get("scsi_model_name"))
    size = whole(get(report, "user_capacity", "bytes"), 2**62) or None
    temperature = celsius(get(report, "temperature", "current"))
    hours = whole(get(report, "power_on_time", "hours"), MOST_HOURS)
    counters: dict[str, int] = {}
    tests = SelfTests()
    warnings: tuple[str, ...] = ()
    zoned, locked = "", None
    if protocol == "ata":
        counters, tests, locked = ata.counters(report), ata.self_tests(report), ata.locked(report)
        zoned = ata.zoned(
            report, model, is_rotating=_form(report, protocol, size) == Drive.Form.HDD
        )
    elif protocol == "scsi":
        counters, tests, zoned = scsi.counters(report), scsi.self_tests(report), scsi.zoned(report)
        temperature = temperature or scsi.temperature(report)
    elif protocol == "nvme":
        counters, tests = nvme.counters(report), nvme.self_tests(report)
        warnings = nvme.warnings(report)
        temperature = temperature or nvme.temperature(report)
        hours = nvme.power_on_hours(report) if hours is None else hours
        size = size or nvme.size_bytes(report)
    return Reading(
        protocol=protocol,
        serial=text(report.get("serial_number")),
        model=model,
        size_bytes=size,
        logical_sector_bytes=_sector(report.get("logical_block_size")),
        physical_sector_bytes=_sector(report.get("physical_block_size")),
        form=_form(report, protocol, size),
        zoned=zoned,
        locked=locked,
        health=_health(report, status),
        warnings=warnings,
        power_on_hours=hours,
        temperature_c=temperature,
        temperature_limit_c=celsius(get(report, "temperature", "op_limit_max")),
        temperature_critical_c=(
            celsius(get(report, "temperature", "critical_limit_max"))
            or celsius(get(report, "temperature", "limit_max"))
            or celsius(get(report, "temperature", "drive_trip"))
        ),
        counters=counters,
        tests=tests,
    )


def _health(report: dict[str, Any], status: int | None) -> Drive.Health:
    """OK only by the drive's own word in a report whose exit status is known."""
    passed = get(report, "smart_status", "passed")
    failing = passed is False or (status is not None and bool(status & FAILING_NOW))
    if failing or ata.is_worn(report):
        return Drive.Health.UNKNOWN if nvme.is_only_hot(report) else Drive.Health.FAILED
    if passed is True and status is not None:
        return Drive.Health.OK
    return Drive.Health.UNKNOWN


def _form(report: dict[str, Any], protocol: str, size_bytes: int | None) -> str:
    if protocol == "nvme":
        return Drive.Form.NVME
    rate = whole(report.get("rotation_rate"), 100_000)
    if rate is None or not size_bytes:
        return ""  # bridges that know nothing say 0 to both
    return Drive.Form.HDD if rate > 1 else Drive.Form.SSD


def _sector(value: Any) -> int | None:
    found = whole(value, 2**20)
    return found if found is not None and found >= 128 else None
