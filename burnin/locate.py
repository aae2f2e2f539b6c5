"""Where is this drive right now? NAS and host are both asked, and must agree with the record.

Device names move across reboots, so this is done right before every use.
"""

from __future__ import annotations

from dataclasses import dataclass

from drives import clients
from drives.hosts.types import HostDevice
from drives.models import Drive, System
from drives.truenas.types import NasDrive, NasView


@dataclass(frozen=True)
class Located:
    """The drive's present place, or the reasons why it may not be used there.

    is_incomplete: each reason is an answer that is missing, as while the machine is starting.
    """

    nas: NasDrive | None
    device: HostDevice | None
    view: NasView
    reasons: tuple[str, ...]
    is_incomplete: bool


def locate(drive: Drive, system: System, *, smart: bool = False) -> Located:
    """Ask NAS and host. With `smart` the device comes with its smartctl report.

    Raises NasError or HostError when one of them can't be asked.
    """
    with clients.nas(system) as nas:
        view = nas.view()
    missing: list[str] = []
    reasons: list[str] = []
    entries = [entry for entry in view.drives if _is_it(entry, drive)]
    entry = entries[0] if len(entries) == 1 else None
    if not entries:
        missing.append(f"{system.name} doesn't list serial {drive.serial}")
    elif entry is None:
        reasons.append(f"{system.name} lists serial {drive.serial} {len(entries)} times")
    else:
        if not entry.size_bytes:
            missing.append(f"{system.name} doesn't tell the drive's size")
        elif entry.size_bytes != drive.size_bytes:
            reasons.append(
                f"{system.name} gives {entry.size_bytes:,} bytes, the record {drive.size_bytes:,}"
            )
        if use := view.uses.get(entry.name):
            reasons.append(use)
    host = clients.host(system)
    found = [device for device in host.probe() if device.serial == drive.serial]
    device = found[0] if len(found) == 1 else None
    if not found:
        missing.append(f"The host of {system.name} has no drive with serial {drive.serial}")
    elif device is None:
        reasons.append(
            f"The host of {system.name} has {len(found)} drives with serial {drive.serial}"
        )
    else:
        if device.size_bytes != drive.size_bytes:
            reasons.append(
                f"The host gives {device.size_bytes:,} bytes, the record {drive.size_bytes:,}"
            )
        reasons += uses(device)
        if smart:
            device = _with_smart(host.probe(device.path, smart=True), drive.serial)
            if device is None:
                reasons.append("The drive was exchanged while it was asked")
    told = tuple(dict.fromkeys([*missing, *reasons]))
    return Located(entry, device, view, told, bool(missing) and not reasons)


def uses(device: HostDevice) -> list[str]:
    """What the host's probe says of its use.

    That a process has it open may be another short look of our own agent at this very moment: the
    guard, which is asked before each write, waits such a look out; a probe doesn't.
    """
    return [f.reason for f in device.use if f.state == "in_use" and f.fact != "open"]


def _is_it(entry: NasDrive, drive: Drive) -> bool:
    """By serial; a lunid that both have must agree."""
    agree = not entry.lunid or not drive.lunid or entry.lunid == drive.lunid
    return bool(entry.serial) and entry.serial == drive.serial and agree


def _with_smart(devices: list[HostDevice], serial: str) -> HostDevice | None:
    return devices[0] if len(devices) == 1 and devices[0].serial == serial else None
