"""May this drive be written, now? Every question is asked again each time; what can't be answered
refuses.

Asked by `guard` and `start`, by `run` with the drive open just before its first write, on resume,
and between passes. There is no option that skips it. In this release only regular files and loop
devices may be written.
"""

from __future__ import annotations

import os
from typing import Any, NamedTuple

from . import signatures, use
from .identity import Fact, Identity, Unidentified, identify, media_folder

ASKED = (
    "kind",
    "identity",
    "size",
    "pool",
    "mount",
    "swap",
    "holder",
    "partition",
    "loop",
    "open",
    "state_dir",
    "signature",
    "data",
)
NOT_YET = "physical drives are not enabled yet"
GRAVITY = ("clear", "old_data", "unknown", "in_use")


class Judgement(NamedTuple):
    path: str
    drive: Identity | None
    facts: list[Fact]

    @property
    def allowed(self) -> bool:
        return self.drive is not None and all(fact.state == "clear" for fact in self.facts)

    @property
    def reasons(self) -> list[dict[str, str]]:
        return [
            {"fact": f.fact, "state": f.state, "reason": f.detail}
            for f in self.facts
            if f.state != "clear"
        ]

    def answer(self) -> dict[str, Any]:
        """As the protocol's `guard`: the gravest state of each fact."""
        gravest: dict[str, str] = {}
        for fact in self.facts:
            if GRAVITY.index(fact.state) >= GRAVITY.index(gravest.get(fact.fact, "clear")):
                gravest[fact.fact] = fact.state
        drive = self.drive
        return {
            "device": self.path,
            "serial": drive.serial if drive else None,
            "model": drive.model if drive else None,
            "size_bytes": drive.size_bytes if drive else 0,
            "allowed": self.allowed,
            "facts": gravest,
            "reasons": self.reasons,
        }


def judge_identity(path: str, serial: str | None, size: int | None) -> Judgement:
    """Only what it is: kind, serial, size. Nothing is opened."""
    try:
        drive = identify(path)
    except Unidentified as error:
        return Judgement(path, None, [Fact(error.fact, "unknown", error.reason)])
    except Exception as error:
        return Judgement(path, None, [Fact("identity", "unknown", f"can't be identified: {error}")])
    return Judgement(path, drive, [_kind(drive), _identity(drive, serial), _size(drive, size)])


def judge(
    path: str,
    serial: str | None,
    size: int | None,
    state_dir: str | None = None,
    written: bool = False,
    looks: int = use.OPENER_LOOKS,
) -> Judgement:
    """`written`: this run has written here before, so an unreadable sector hides nobody's data.
    `looks`: how often, 0.3 s apart, to look for an opener that goes away.
    """
    found = judge_identity(path, serial, size)
    if found.drive is None:
        return found
    facts = found.facts + use_facts(found.drive, state_dir, written, looks)
    missing = set(ASKED) - {fact.fact for fact in facts}
    facts += [Fact(name, "unknown", f"{name} was not looked at") for name in sorted(missing)]
    return Judgement(path, found.drive, facts)


def use_facts(
    drive: Identity,
    state_dir: str | None = None,
    written: bool = False,
    looks: int = use.OPENER_LOOKS,
) -> list[Fact]:
    """Who uses it and what lies on it; also what `probe` lists."""
    facts = use.facts(drive, state_dir, looks) + _signatures(drive, written) + list(drive.declared)
    zfs = any(fact.fact == "signature" and fact.detail.startswith("zfs") for fact in facts)
    if not any(fact.fact == "pool" for fact in drive.declared):
        facts.append(
            Fact("pool", "unknown", "ZFS labels: it may belong to a pool")
            if zfs
            else Fact("pool", "clear", "")
        )
    return facts


def _kind(drive: Identity) -> Fact:
    if drive.kind == "loop":
        return Fact("kind", "clear", "")
    if drive.kind != "file":
        return Fact("kind", "unknown", NOT_YET)
    folder = media_folder()
    if folder is None or os.path.realpath(drive.path) != os.path.join(folder, drive.file_name):
        return Fact("kind", "unknown", f"it is no file in BURNIN_MEDIA, and {NOT_YET}")
    if os.stat(drive.path, follow_symlinks=False).st_nlink != 1:
        return Fact("kind", "unknown", "the file has another name too (a hard link)")
    return Fact("kind", "clear", "")


def _identity(drive: Identity, serial: str | None) -> Fact:
    if (serial or None) != drive.serial:
        return Fact(
            "identity",
            "unknown",
            f"expected serial {serial or 'none'}, found {drive.serial or 'none'}",
        )
    return Fact("identity", "clear", "")


def _size(drive: Identity, size: int | None) -> Fact:
    if size is None or size != drive.size_bytes:
        return Fact("size", "unknown", f"expected {size} bytes, found {drive.size_bytes}")
    return Fact("size", "clear", "")


def _signatures(drive: Identity, written: bool) -> list[Fact]:
    try:
        descriptor = os.open(drive.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        return [Fact("signature", "unknown", f"can't be opened for reading: {error.strerror}")]
    try:
        found = signatures.scan(
            lambda offset, length: os.pread(descriptor, length, offset), drive.size_bytes
        )
    except Exception as error:
        return [Fact("signature", "unknown", f"can't be read: {error}")]
    finally:
        os.close(descriptor)
    facts = [Fact(hit.kind, "old_data", f"{hit.name} at byte {hit.offset}") for hit in found.hits]
    if found.unknown and not written:
        facts.append(Fact("data", "old_data", f"unknown data at byte {found.unknown[0]}"))
    else:
        facts.append(Fact("data", "clear", ""))
    if found.unreadable and not written:
        facts.append(Fact("signature", "unknown", f"can't be read at byte {found.unreadable[0]}"))
    return (
        facts
        if any(fact.fact == "signature" for fact in facts)
        else facts + [Fact("signature", "clear", "")]
    )
