"""A drive is read once when it is first seen, and then once a day: health, counters, and results of
self-tests that it ran for others. Drives under test are read by the poll.
"""

from __future__ import annotations

import logging
import time
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from live.changes import changed

from . import clients, readings
from .hosts.ssh import HostError
from .models import Drive, SmartTest, System
from .poll import learn_paths

logger = logging.getLogger(__name__)

READ_EVERY = timedelta(hours=24)
#: smartctl disturbs a busy drive for a moment: a few at a time.
AT_ONCE = 8
TRY_AGAIN_SECONDS = 1800.0
_not_before: dict[int, float] = {}


def due(system: System, now: datetime) -> list[Drive]:
    """The next drives to read; none of a system that doesn't answer."""
    if system.stopped or system.last_error or system.host_error:
        return []
    if time.monotonic() < _not_before.get(system.pk, 0.0):
        return []
    unread = Q(smart_read_at=None) | Q(smart_read_at__lt=now - READ_EVERY)
    drives = Drive.objects.filter(unread, system=system, present=True).exclude(serial="")
    busy = SmartTest.objects.filter(state=SmartTest.State.RUNNING).values("drive")
    idle = drives.exclude(pk__in=busy).exclude(runs__is_open=True)
    return list(idle.order_by("smart_read_at", "pk")[:AT_ONCE])


def read(system: System, now: datetime) -> int:
    """Read those that are due. Returns how many told something."""
    wanted = due(system, now)
    if not wanted:
        return 0
    try:
        if any(not drive.host_path for drive in wanted):
            learn_paths(system)
            wanted = list(Drive.objects.filter(pk__in=[drive.pk for drive in wanted]))
        paths = sorted(drive.host_path for drive in wanted if drive.host_path)
        devices = clients.host(system).status(paths).devices if paths else ()
    except HostError as error:
        _not_before[system.pk] = time.monotonic() + TRY_AGAIN_SECONDS
        logger.info("%s: the daily reading has to wait: %s", system.name, error)
        return 0
    of = {device.serial: device for device in devices if device.serial}
    told = 0
    with transaction.atomic():
        for drive in wanted:
            device = of.get(drive.serial)
            reading = readings.of_drive(device, drive.serial) if device is not None else None
            if device is None or reading is None:
                # Asked again tomorrow: a drive that doesn't answer smartctl won't in a minute.
                Drive.objects.filter(pk=drive.pk).update(smart_read_at=now)
                continue
            readings.store(drive, device, reading, now)
            told += 1
        changed([drive.pk for drive in wanted])
    return told
