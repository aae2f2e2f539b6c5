"""Where is this drive right now? NAS and host are both asked, and must agree with the record.

Device names move across reboots, so this is done right before every use.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

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


@dataclass(frozen=True)
class Site:
    """What NAS and host of a system say of all their drives, at one moment."""

    view: NasView
    devices: tuple[HostDevice, ...]


def ask(system: System) -> Site:
    """Ask both. Raises NasError or HostError when one of them can't be asked."""
    with clients.nas(system) as nas:
        view = nas.view(temperatures=False)
    return Site(view, tuple(clients.host(system).probe()))


def locate(drive: Drive, system: System, *, smart: bool = False, to_write: bool = True) -> Located:
    """Ask NAS and host. With `smart` the device comes with its smartctl report.

    to_write: what uses the drive is a reason against it; a self-test bears it.
    Raises NasError or HostError when one of them can't be asked.
    """
    located = place(drive, system, ask(system), to_write=to_write)
    if not smart or located.device is None:
        return located
    probed = clients.host(system).probe(located.device.path, smart=True)
    device = _with_smart(probed, drive.serial)
    if device is not None:
        return replace(located, device=device)
    reasons = (*located.reasons, "The drive was exchanged while it was asked")
    return replace(located, device=None, reasons=reasons, is_incomplete=False)


def place(drive: Drive, system: System, site: Site, *, to_write: bool = True) -> Located:
    """Where the drive is in these answers."""
    missing: list[str] = []
    reasons: list[str] = []
    entries = [entry for entry in site.view.drives if _is_it(entry, drive)]
    entry = entries[0] if len(entries) == 1 else None
    if not entries:
        missing.append(f"{system.name} doesn’t list serial {drive.serial}")
    elif entry is None:
        reasons.append(f"{system.name} lists serial {drive.serial} {len(entries)} times")
    else:
        if not entry.size_bytes:
            missing.append(f"{system.name} doesn’t tell the drive’s size")
        elif entry.size_bytes != drive.size_bytes:
            reasons.append(
                f"{system.name} gives {entry.size_bytes:,} bytes, the record {drive.size_bytes:,}"
            )
        if not is_same_model(entry.model, drive.model):
            reasons.append(f"{system.name} gives the model {entry.model}, the record {drive.model}")
        if to_write and (use := site.view.uses.get(entry.name)):
            reasons.append(use)
    found = [device for device in site.devices if device.serial == drive.serial]
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
        if not is_same_model(device.model, drive.model):
            reasons.append(f"The host gives the model {device.model}, the record {drive.model}")
        if to_write:
            reasons += uses(device)
    told = tuple(dict.fromkeys([*missing, *reasons]))
    return Located(entry, device, site.view, told, bool(missing) and not reasons)


def uses(device: HostDevice) -> list[str]:
    """What the host's probe says of its use. The guard, which is asked before each write, looks
    closer: at what lies on it, and at who has it open.
    """
    return [fact.reason for fact in device.use if fact.state == "in_use"]


def is_same_model(one: str, other: str) -> bool:
    """Do both mean one model? Each writes it in its own way: with the maker's name or without, cut
    off after 16 letters, with underscores. A word of one must begin a word of the other. Where one
    doesn't tell, serial and size have to do.
    """
    words = [
        [word for word in re.split(r"[^a-z0-9]+", text.lower()) if len(word) > 3]
        for text in (one, other)
    ]
    if not all(words):
        return True
    return any(a.startswith(b) or b.startswith(a) for a in words[0] for b in words[1])


def _is_it(entry: NasDrive, drive: Drive) -> bool:
    """By serial; a lunid that both have must agree."""
    agree = not entry.lunid or not drive.lunid or entry.lunid == drive.lunid
    return bool(entry.serial) and entry.serial == drive.serial and agree


def _with_smart(devices: list[HostDevice], serial: str) -> HostDevice | None:
    return devices[0] if len(devices) == 1 and devices[0].serial == serial else None
