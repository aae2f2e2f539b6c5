"""Storing what a drive said of itself."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from . import smart
from .hosts.types import HostDevice
from .models import Drive, SmartReading


def of_drive(device: HostDevice, serial: str) -> smart.Reading | None:
    """The reading in a probed device's smartctl report, if there is one and it is of that drive."""
    if device.smartctl is None:
        return None
    reading = smart.parse(device.smartctl)
    if reading is None or reading.serial != serial:
        return None
    return reading


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
        self_tests=(
            None if reading.self_tests is None else [asdict(entry) for entry in reading.self_tests]
        ),
        raw=device.smartctl or {},
    )
    Drive.objects.filter(pk=drive.pk).update(smart_health=reading.health, smart_read_at=taken_at)
    return row
