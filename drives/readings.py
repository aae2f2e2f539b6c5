"""Storing what a drive said of itself."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from . import selftests, smart
from .hosts.types import HostDevice
from .models import Drive, SmartReading

SAME_KEPT = timedelta(hours=1)


def of_drive(device: HostDevice, serial: str) -> smart.Reading | None:
    """The reading in a probed device's smartctl report, if there is one and it is of that drive."""
    if device.smartctl is None:
        return None
    reading = smart.parse(device.smartctl)
    if reading is None or reading.serial != serial:
        return None
    return reading


def keep(
    drive: Drive, device: HostDevice, reading: smart.Reading, taken_at: datetime
) -> SmartReading:
    """Store a reading of a drive under test, if it tells something new or an hour has passed."""
    last = drive.readings.first()
    log = _log(reading)
    if (
        last is not None
        and taken_at - last.taken_at < SAME_KEPT
        and (last.health, last.counters, last.self_tests) == (reading.health, reading.counters, log)
    ):
        Drive.objects.filter(pk=drive.pk).update(smart_read_at=taken_at, **_facts(reading))
        return last
    return store(drive, device, reading, taken_at)


def _log(reading: smart.Reading) -> list[dict[str, Any]] | None:
    return None if reading.self_tests is None else [asdict(e) for e in reading.self_tests]


def store(
    drive: Drive, device: HostDevice, reading: smart.Reading, taken_at: datetime
) -> SmartReading:
    """Keep a reading and what the drive row shows of it."""
    row = SmartReading.objects.create(
        drive=drive,
        taken_at=taken_at,
        health=reading.health,
        power_on_hours=reading.power_on_hours,
        temperature_c=reading.temperature_c,
        counters=reading.counters,
        self_tests=_log(reading),
        raw=_without_text(device.smartctl or {}),
    )
    Drive.objects.filter(pk=drive.pk).update(
        smart_health=reading.health, smart_read_at=taken_at, **_facts(reading)
    )
    selftests.pick_up(drive, reading, taken_at)
    return row


def _facts(reading: smart.Reading) -> dict[str, Any]:
    """What it says of its kind; what it doesn't say this time stays as it was known."""
    told = {
        "form": reading.form,
        "zoned": reading.zoned,
        "logical_sector_bytes": reading.logical_sector_bytes,
        "physical_sector_bytes": reading.physical_sector_bytes,
        "locked": reading.locked,
        "temperature_limit_c": reading.temperature_limit_c,
        "temperature_critical_c": reading.temperature_critical_c,
        "wear_percent": reading.wear_percent,
    }
    return {name: value for name, value in told.items() if value not in (None, "")}


def _without_text(report: dict[str, Any]) -> dict[str, Any]:
    """smartctl's text beside its JSON is read, not kept: it says the same once more."""
    told = report.get("smartctl")
    if not isinstance(told, dict) or "output" not in told:
        return report
    kept = {name: value for name, value in told.items() if name != "output"}
    return {**report, "smartctl": kept}
