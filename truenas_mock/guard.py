"""What the agent's guard says of a simulated drive: may it be written to, and if not, why."""

from __future__ import annotations

import argparse
import hashlib

from .drives import Drive
from .nas import Nas
from .system import HOSTNAME

#: What the real agent looks at before it writes.
FACTS = (
    "kind", "identity", "size", "sector", "security", "pool", "other_host", "boot", "hibernation",
    "export", "mount", "swap", "holder", "partition", "loop", "open", "state_dir", "signature",
    "data",
)  # fmt: skip
#: One reason against writing: fact, state, reason and, for old data, release.
Reason = dict[str, str]


class Trouble(Exception):
    """An answer of kind error."""


def uses(nas: Nas, drive: Drive) -> list[dict[str, str]]:
    """What the probe finds: a pool's member is in use, unless the pool is exported."""
    if not drive.pool:
        return drive.use
    told = {"fact": "pool", "state": "in_use", "detail": f"In pool {drive.pool}"}
    if drive.pool in nas.exported_pools:
        words = f"ZFS pool {drive.pool}, exported by {HOSTNAME}"
        told = {"fact": "pool", "state": "old_data", "detail": words}
    return [told, *drive.use]


def unfit(drive: Drive) -> list[dict[str, str]]:
    """What no release helps against."""
    found = []
    if drive.sector_bytes not in (512, 4096):
        cure = "format it to 512 or 4096 first (sg_format --format --size=4096 DEVICE)"
        found.append(("sector", f"its sectors have {drive.sector_bytes} bytes: {cure}"))
    if drive.locked:
        cure = "hdparm --security-unlock; on FreeBSD camcontrol security -k"
        words = f"a password locks it: unlock it with that ({cure}), then disable the lock"
        found.append(("security", words))
    return [{"fact": fact, "state": "unknown", "detail": words} for fact, words in found]


def judged(
    nas: Nas, options: argparse.Namespace
) -> tuple[Drive | None, dict[str, str], list[Reason]]:
    """The drive at that path, the state of each fact, and the reasons against writing."""
    released = _released(options)
    drive = nas.drive(path=options.device)
    facts = dict.fromkeys(FACTS, "clear")
    if drive is None:
        return None, {"kind": "unknown"}, [unknown("kind", f"{options.device}: no such device")]
    found = [
        because(use["fact"], use["state"], use["detail"])
        for use in [*uses(nas, drive), *unfit(drive)]
    ]
    reasons = [reason for reason in found if reason.get("release") not in released]
    for reason in found:
        facts[reason["fact"]] = "released"
    if options.expect_serial != drive.serial:
        text = f"expected serial {options.expect_serial or 'none'}, found {drive.serial}"
        reasons.append(unknown("identity", text))
    if options.expect_size != drive.size_bytes:
        text = f"expected {options.expect_size} bytes, found {drive.size_bytes}"
        reasons.append(unknown("size", text))
    return drive, facts | {one["fact"]: one["state"] for one in reasons}, reasons


def _released(options: argparse.Namespace) -> list[str]:
    """Good for that serial only."""
    if not options.release:
        return []
    if not options.release.startswith(options.expect_serial + ":"):
        raise Trouble("the release is for another serial")
    return str(options.release[len(options.expect_serial) + 1 :]).split(",")


def because(fact: str, state: str, words: str) -> Reason:
    """Old data has a name by which exactly this finding can be released."""
    name = hashlib.sha256(f"{fact} {words}".encode()).hexdigest()[:12]
    told = {"fact": fact, "state": state, "reason": words}
    return told | ({"release": f"{fact}:{name}"} if state == "old_data" else {})


def unknown(fact: str, words: str) -> Reason:
    return because(fact, "unknown", words)
