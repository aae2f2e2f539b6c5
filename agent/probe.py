"""What this host has: each drive's identity, its use, and on request what smartctl says of it."""

from __future__ import annotations

from typing import Any

from . import guard, sensors, smart
from .identity import Fact, Identity, Unidentified, identify, media_files, whole_disks


def devices(paths: list[str], with_smart: bool) -> list[dict[str, Any]]:
    """`devices` of the protocol: those named, or all. One that is not there is left out."""
    found = _identified(paths or media_files() + whole_disks())
    answers = smart.read_all([drive.path for drive in found]) if with_smart else {}
    return [device(drive, answers.get(drive.path, smart.Smart()), _use(drive)) for drive in found]


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


def _use(drive: Identity) -> list[Fact]:
    """What speaks against writing it."""
    try:
        facts = guard.use_facts(drive)
    except Exception as error:
        return [Fact("use", "unknown", f"can't be read: {error}")]
    return [fact for fact in facts if fact.state != "clear"]
