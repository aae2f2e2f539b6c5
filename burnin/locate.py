"""Where is this drive right now? NAS and host are both asked, and must agree with the record.

Device names move across reboots, so this is done right before every use.
"""

from __future__ import annotations

from dataclasses import dataclass

from drives import clients
from drives.apply import identity_of
from drives.hosts.types import HostDevice
from drives.models import Drive
from drives.truenas.types import NasDrive, NasView


@dataclass(frozen=True)
class Located:
    """The drive's present place, or the reasons why it may not be used there.

    absent: NAS or host doesn't list it at all, as while the machine is still starting.
    """

    nas: NasDrive | None
    device: HostDevice | None
    view: NasView
    reasons: tuple[str, ...]
    absent: bool


def locate(drive: Drive, *, smart: bool = False) -> Located:
    """Ask NAS and host. With `smart` the device comes with its smartctl report.

    Raises NasError or HostError when one of them can't be asked.
    """
    system = drive.system
    with clients.nas(system) as nas:
        view = nas.view()
    reasons: list[str] = []
    entries = [entry for entry in view.drives if identity_of(entry) == drive.identity]
    entry = entries[0] if len(entries) == 1 else None
    if not entries:
        reasons.append(f"{system.name} doesn't list serial {drive.serial}")
    elif entry is None:
        reasons.append(f"{system.name} lists serial {drive.serial} {len(entries)} times")
    else:
        if entry.size_bytes != drive.size_bytes:
            reasons.append(
                f"{system.name} gives {entry.size_bytes:,} bytes, the record {drive.size_bytes:,}"
            )
        if use := view.uses.get(entry.name):
            reasons.append(use)
    host = clients.host(system)
    found = [device for device in host.probe() if device.serial == drive.serial]
    device = found[0] if len(found) == 1 else None
    if not found:
        reasons.append(f"The host of {system.name} has no drive with serial {drive.serial}")
    elif device is None:
        reasons.append(
            f"The host of {system.name} has {len(found)} drives with serial {drive.serial}"
        )
    else:
        if device.size_bytes != drive.size_bytes:
            reasons.append(
                f"The host gives {device.size_bytes:,} bytes, the record {drive.size_bytes:,}"
            )
        # That a process has it open may be another short look of our own agent at this very moment.
        # The guard, which is asked before each write, waits such a look out; a probe doesn't.
        in_use = [fact for fact in device.use if fact.state == "in_use" and fact.fact != "open"]
        reasons += [fact.reason for fact in in_use]
        if smart:
            device = _with_smart(host.probe(device.path, smart=True), drive.serial)
            if device is None:
                reasons.append("The drive was exchanged while it was asked")
    absent = not entries or not found
    return Located(entry, device, view, tuple(dict.fromkeys(reasons)), absent)


def _with_smart(devices: list[HostDevice], serial: str) -> HostDevice | None:
    return devices[0] if len(devices) == 1 and devices[0].serial == serial else None
