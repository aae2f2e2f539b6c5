"""Starting a self-test by the best way that is there: the NAS's API, else smartctl on its host.

Either way only the drive's own log tells later how it ended.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from . import clients, readings
from .hosts.types import HostDevice
from .models import Drive, SmartTest, System
from .smart import Reading
from .truenas.types import NasDrive, NasView, NoSuchMethod, NotAllowed, Rejected, SelfTestStart

#: What smartctl says, and the NAS passes on, where a test runs on the drive already.
RUNS_ALREADY = "without aborting current test"


@dataclass(frozen=True)
class Where:
    """What NAS and host said of a drive just now."""

    view: NasView
    nas: NasDrive
    device: HostDevice


def start(system: System, where: Where, reading: Reading, type: SmartTest.Type) -> SelfTestStart:
    """Start it in the background on a drive that was located and read just now.

    1. The NAS, where its release can, and does for that kind of drive. 2. smartctl on the host,
    also where the NAS doesn't take this drive, or our key may only read. Raises NasError or
    HostError where it isn't known whether it was started.
    """
    is_nvme = reading.form == Drive.Form.NVME
    view = where.view
    if view.tests_by_api and (view.tests_nvme_by_api or not is_nvme):
        try:
            with clients.nas(system) as nas:
                started = nas.start_self_test(where.nas.identifier, type)
            if not started.error or RUNS_ALREADY in started.error:
                return started
        except (NoSuchMethod, Rejected, NotAllowed):
            pass
    return _on_host(system, where.device, reading, type)


def _on_host(
    system: System, device: HostDevice, reading: Reading, type: SmartTest.Type
) -> SelfTestStart:
    """A failing status may speak of something else: then the drive is asked whether it tests."""
    host = clients.host(system)
    begun, said = host.start_self_test(device.path, type, serial=reading.serial)
    if not begun and RUNS_ALREADY not in said:
        probed = host.probe(device.path, smart=True)
        now = readings.of_drive(probed[0], reading.serial) if probed else None
        begun = now is not None and now.running is True
    if not begun:
        lines = [line for line in said.splitlines() if line.strip()]
        words = " ".join(" ".join(lines[-3:]).split())
        return SelfTestStart(None, None, words[-300:] or "smartctl could not start it")
    minutes = (
        reading.tests.short_minutes if type == SmartTest.Type.SHORT else reading.tests.long_minutes
    )
    expected = timezone.now() + timedelta(minutes=minutes) if minutes else None
    return SelfTestStart(None, expected, "")
