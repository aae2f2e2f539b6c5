"""What this host has: each drive's identity, its use, and on request what smartctl says of it.

Of their use only what the kernel and ZFS say is asked here. No drive is opened for it, or asked by
smartctl: one that hangs holds up no other, and a poll disturbs none. What lies on a drive, whether
a password locks it and who has it open at this moment is for the guard, which looks at one.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from . import programs, sensors, smart, use
from .identity import Fact, Identity, Unidentified, identify, media_files, whole_disks


def devices(paths: list[str], with_smart: bool) -> list[dict[str, Any]]:
    """`devices` of the protocol: those named, or all. One that is not there is left out."""
    with programs.remembered():
        every = _identified(media_files() + whole_disks())
        found = _identified(paths) if paths else every
        serials = Counter(drive.serial for drive in every)
        uses = [_use(drive, serials[drive.serial]) for drive in found]
    answers = smart.read_all([drive.path for drive in found]) if with_smart else {}
    return [
        device(drive, answers.get(drive.path, smart.Smart()), facts)
        for drive, facts in zip(found, uses)
    ]


def device(drive: Identity, answer: smart.Smart, use: list[Fact]) -> dict[str, Any]:
    """One of `devices`."""
    return {
        "name": drive.name,
        "path": drive.path,
        "kind": drive.kind,
        "serial": drive.serial,
        "lunid": drive.lunid,
        "model": drive.model,
        "size_bytes": drive.size_bytes,
        "logical_sector_bytes": drive.logical_sector_bytes,
        "physical_sector_bytes": drive.physical_sector_bytes,
        "rotational": drive.rotational,
        "use": [{"fact": f.fact, "state": f.state, "detail": f.detail} for f in use],
        "temperature_c": answer.temperature_c or sensors.celsius(drive),
        "smartctl": answer.smartctl,
        "smartctl_exit": answer.exit,
        "smartctl_error": answer.error,
    }


def smart_devices(paths: list[str]) -> list[dict[str, Any]]:
    """For status: identity and smartctl of these drives. Who uses them is not asked: `use` is
    empty.
    """
    found = _identified(paths)
    answers = smart.read_all([drive.path for drive in found])
    return [device(drive, answers[drive.path], []) for drive in found]


def _identified(paths: list[str]) -> list[Identity]:
    found = []
    for path in paths:
        try:
            found.append(identify(path))
        except Unidentified:
            continue  # not there (any more): its absence tells that
    return found


def _use(drive: Identity, of_its_serial: int) -> list[Fact]:
    """What speaks against writing it; `of_its_serial`: so many drives here have its serial."""
    try:
        facts = use.facts(drive, None, looks=0, opens=0) + list(drive.declared)
    except Exception as error:
        return [Fact("use", "unknown", f"can't be read: {error}")]
    if drive.serial is not None and of_its_serial > 1:
        told = f"{of_its_serial} drives here have the serial {drive.serial}"
        facts.append(Fact("identity", "unknown", told))
    return [fact for fact in facts if fact.state != "clear" and fact.fact != "open"]
