"""May this drive be written, now? Every question is asked again each time; what can't be answered
refuses.

Asked by `guard` and `start`, by `run` with the drive open just before its first write, on resume,
when a drive is back, after a pause, and between passes. There is no option that skips it: a release
covers exactly the old data that it names (see `release`).
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from . import openers, release, signatures, smart, texts, use, zfs
from .clock import pace
from .device import Medium, advise
from .explained import Own
from .identity import (
    Fact,
    Identity,
    Unidentified,
    disk_sequence,
    identify,
    media_files,
    media_folder,
    node_of,
    opened_sequence,
    whole_disks,
)

ASKED = (
    "kind",
    "identity",
    "size",
    "sector",
    "security",
    "pool",
    "other_host",
    "boot",
    "hibernation",
    "export",
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
VOID = (
    "; it was released, but since then something was written to the drive, it was taken out, or "
    "its host was restarted: look again what it holds"
)
GRAVITY = ("clear", "released", "old_data", "unknown", "in_use")
HARMLESS = ("clear", "released")
SECTOR_BYTES = (512, 4096)
TXG_SECONDS = 30
NOBODY = Own({})


class Judgement(NamedTuple):
    """`samples`: of the data that nothing explains, place → hash."""

    path: str
    drive: Identity | None
    facts: list[Fact]
    samples: dict[int, str]

    @property
    def allowed(self) -> bool:
        return self.drive is not None and all(fact.state in HARMLESS for fact in self.facts)

    @property
    def reasons(self) -> list[dict[str, Any]]:
        return [_told(fact) for fact in self.facts if fact.state not in HARMLESS]

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


def _told(fact: Fact) -> dict[str, Any]:
    """As one of the protocol's `reasons`."""
    reason = {"fact": fact.fact, "state": fact.state, "reason": fact.detail}
    token = release.token(fact)
    return {**reason, "release": token} if token else reason


def judge_identity(path: str, serial: str | None, size: int | None) -> Judgement:
    """Only what it is: kind, serial, size. Nothing is opened."""
    try:
        drive = identify(path)
    except Unidentified as error:
        return Judgement(path, None, [Fact(error.fact, "unknown", error.reason)], {})
    except Exception as error:
        told = f"can't be identified: {error}"
        return Judgement(path, None, [Fact("identity", "unknown", told)], {})
    facts = [_kind(drive), _identity(drive, serial), _size(drive, size), _sector(drive)]
    return Judgement(path, drive, facts, {})


def judge(
    path: str,
    serial: str | None,
    size: int | None,
    state_dir: str | None = None,
    own: Own = NOBODY,
    looks: int = openers.LOOKS,
    released: Iterable[str] = (),
    held: Medium | None = None,
) -> Judgement:
    """`own`: what a run knows of it that has begun to write. `looks`: how often, 0.3 s apart, to
    look for an opener that goes away. `released`: tokens of old data that may be overwritten.
    `held`: the medium as the run has it open; without it the path is opened to be read.
    """
    found = judge_identity(path, serial, size)
    drive = found.drive
    if drive is None:
        return found
    # Before the looking: what is written meanwhile counts too.
    mark, why = ("", "") if own.has_begun else _mark(drive)
    on_it, samples = _on_medium(drive, own, held)
    facts = found.facts + _use(drive, state_dir, looks, held.opens if held else 0) + on_it
    missing = set(ASKED) - {fact.fact for fact in facts}
    facts += [Fact(name, "unknown", f"{name} was not looked at") for name in sorted(missing)]
    if any(fact.fact == "pool" and fact.state == "old_data" for fact in facts):
        facts += _watched(drive, facts, held)
    if not own.has_begun:
        facts = _as_it_was(mark, why, facts)
    tokens = list(released)
    facts = [_told_if_void(fact, mark, tokens) for fact in release.applied(facts, tokens)]
    return Judgement(path, drive, facts, samples)


def _mark(drive: Identity) -> tuple[str, str]:
    """(a part that stands for how much was written to it, why it can't be known)"""
    try:
        return release.part(b"written", use.written(drive).encode()), ""
    except Exception as error:
        return "", f"what is written to it meanwhile can't be known: {error}"


def _as_it_was(mark: str, why: str, facts: list[Fact]) -> list[Fact]:
    """Old data is released as it is: a release isn't good any more once something else was written
    to the drive, wherever it lies. From the first byte of a run on, its own writes count too.
    """
    if not any(fact.parts for fact in facts):
        return facts
    if not mark:
        return [*facts, Fact("data", "unknown", why)]
    return [fact._replace(parts=(*fact.parts, mark)) if fact.parts else fact for fact in facts]


def _told_if_void(fact: Fact, mark: str, released: list[str]) -> Fact:
    """What was released and is refused all the same says why."""
    if fact.state != "old_data" or not mark or mark not in fact.parts:
        return fact
    bare = fact._replace(parts=tuple(part for part in fact.parts if part != mark))
    return fact._replace(detail=fact.detail + VOID) if release.covers(released, bare) else fact


def _use(drive: Identity, state_dir: str | None, looks: int, opens: int) -> list[Fact]:
    found = use.facts(drive, state_dir, looks, opens) + list(drive.declared)
    return found + [_twins(drive), _security(drive)]


def _twins(drive: Identity) -> Fact:
    """Two drives with one serial: nobody can say which one was meant."""
    if drive.serial is None:
        return Fact("identity", "clear", "")
    for path in media_files() + whole_disks():
        if path == drive.path:
            continue
        try:
            other = identify(path)
        except Unidentified:
            continue
        if other.serial == drive.serial and other.node != drive.node:
            told = f"{other.path} has the serial {drive.serial} too"
            return Fact("identity", "unknown", told)
    return Fact("identity", "clear", "")


def _sector(drive: Identity) -> Fact:
    if use.zones(drive) == "host-managed":
        told = "its zones are host-managed (SMR): it bears no writing but in their order"
        return Fact("sector", "unknown", told)
    logical = drive.logical_sector_bytes
    if logical in SECTOR_BYTES and drive.size_bytes % 512 == 0:
        return Fact("sector", "clear", "")
    if drive.kind == "file":
        return Fact("sector", "clear", "")
    cure = "format it to 512 or 4096 first (sg_format --format --size=4096 DEVICE)"
    return Fact("sector", "unknown", f"its sectors have {logical} bytes: {cure}")


def _security(drive: Identity) -> Fact:
    """Only disks have a lock; one that doesn't tell can't be read either, which refuses."""
    if drive.kind != "disk":
        return Fact("security", "clear", "")
    told = smart.security(drive.path)
    if told.smartctl is None:
        return Fact("security", "unknown", f"its lock can't be asked for: {told.error}")
    try:
        locked = texts.is_locked(told.smartctl)
    except texts.Unreadable as error:
        return Fact("security", "unknown", str(error))
    if locked:
        cure = "hdparm --security-unlock; on FreeBSD camcontrol security -k"
        words = f"a password locks it: unlock it with that ({cure}), then disable the lock"
        return Fact("security", "unknown", words)
    return Fact("security", "clear", "")


# --- what lies on it --------------------------------------------------------------------------
@contextlib.contextmanager
def _reading(drive: Identity, held: Medium | None) -> Iterator[signatures.Read]:
    """Reads the medium itself: another host's writes are in no cache of this one. What is read is
    what was identified, by the descriptor that the run holds or by one that is compared.
    """
    if held is not None:
        if not held.same_as(drive):
            raise OSError("the path leads to another drive now")
        yield held.look
        return
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    descriptor = os.open(drive.path, flags)
    try:
        opened = (node_of(os.fstat(descriptor)), os.lseek(descriptor, 0, os.SEEK_END))
        sequence = opened_sequence(descriptor)
        if opened != (drive.node, drive.size_bytes) or (
            sequence is not None and sequence != disk_sequence(drive.node)
        ):
            raise OSError("what was opened is not what was identified")
        advise(descriptor, "DONTNEED")
        advise(descriptor, "RANDOM")
        yield lambda offset, length: os.pread(descriptor, length, offset)
    finally:
        os.close(descriptor)


def _on_medium(drive: Identity, own: Own, held: Medium | None) -> tuple[list[Fact], dict[int, str]]:
    """What lies on it; and of unknown data, place → hash."""
    try:
        with _reading(drive, held) as read:
            found = signatures.scan(read, drive.size_bytes, own)
    except Exception as error:
        return [Fact("signature", "unknown", f"can't be read: {error}")], {}
    facts = _grouped(found.hits) + _pool_labels(found.labels)
    if found.unknown:
        told = f"unknown data at byte {min(found.unknown)}"
        facts.append(Fact("data", "old_data", told, (found.unknown_part,)))
    else:
        facts.append(Fact("data", "clear", ""))
    if found.unreadable and not own.has_written:
        facts.append(Fact("signature", "unknown", f"can't be read at byte {found.unreadable[0]}"))
    named = {fact.fact for fact in facts}
    facts += [Fact(name, "clear", "") for name in ("signature", "other_host") if name not in named]
    return facts, found.unknown


def _grouped(hits: list[signatures.Hit]) -> list[Fact]:
    """One finding for each thing, however many places tell of it."""
    things: dict[tuple[str, str], list[signatures.Hit]] = {}
    for hit in hits:
        things.setdefault((hit.kind, hit.name), []).append(hit)
    return [
        Fact(
            kind,
            "old_data",
            f"{name} at byte {', '.join(str(hit.offset) for hit in same)}",
            tuple(hit.part for hit in same),
        )
        for (kind, name), same in things.items()
    ]


def _pool_labels(labels: list[zfs.Label]) -> list[Fact]:
    """A label of an imported pool is in use, be it that of a member that isn't there now."""
    if not labels:
        return []
    try:
        names = {vdev.pool for vdev in use.imported()}
    except Exception as error:
        told = f"{labels[0].told()}; which pools are imported can't be read: {error}"
        return [Fact("pool", "unknown", told)]
    found: dict[str, list[zfs.Label]] = {}
    for label in labels:
        found.setdefault(label.pool, []).append(label)
    facts = []
    for pool, same in found.items():
        newest = max(same, key=lambda label: (bool(label.pairs), label.written))
        parts = tuple(sorted({release.part(label.names) for label in same}))
        if pool and pool in names:
            facts.append(Fact("pool", "in_use", f"its label names the imported pool {pool}"))
        else:
            facts.append(Fact("pool", "old_data", newest.told(), parts))
            facts += _not_let_go(same)
    return facts


def _not_let_go(labels: list[zfs.Label]) -> list[Fact]:
    """A pool that nobody exported may be imported elsewhere at this moment, and be quiet: no label
    tells. So whoever releases it says for himself that no other host uses it.
    """
    own = use.host_id()
    held = [label for label in labels if not label.is_let_go(own)]
    if not held:
        return []
    newest = max(held, key=lambda label: (bool(label.pairs), label.written))
    parts = tuple(sorted({release.part(label.names) for label in held}))
    user = f"last used by {newest.last_user}" if newest.last_user else "whose label names no host"
    thing = f"pool {newest.shown}" if newest.pool else "a pool"
    told = f"{thing}, {user}, was never exported: confirm that no running system uses it"
    return [Fact("other_host", "old_data", told, parts)]


def _watched(drive: Identity, facts: list[Fact], held: Medium | None) -> list[Fact]:
    """An exported pool that another host has imported is written there every few seconds.

    Asked only where nothing else refuses for good: it takes half a minute.
    """
    if any(fact.state in ("in_use", "unknown") for fact in facts):
        return []
    try:
        before = _labels(drive, held)
        if not before:
            return []  # the pool is only declared
        time.sleep(pace("BURNIN_TXG_SECONDS", TXG_SECONDS, drive.kind))
        after = _labels(drive, held)
    except Exception as error:
        return [
            Fact("pool", "unknown", f"whether another host uses the pool can't be read: {error}")
        ]
    if [label.names for label in before] == [label.names for label in after]:
        return []
    old, new = (max((label.txg for label in labels), default=0) for labels in (before, after))
    told = f"the txg rose from {old} to {new}" if new > old else "its labels change"
    return [Fact("pool", "in_use", f"another host uses the pool: {told} while it was watched")]


def _labels(drive: Identity, held: Medium | None) -> list[zfs.Label]:
    with _reading(drive, held) as read:
        return signatures.labels(read, drive.size_bytes)


# --- what it is -------------------------------------------------------------------------------
def _kind(drive: Identity) -> Fact:
    if drive.kind != "file":
        return Fact("kind", "clear", "")
    folder = media_folder()
    if folder is None or os.path.realpath(drive.path) != os.path.join(folder, drive.file_name):
        return Fact("kind", "unknown", "it is neither a drive nor a file in BURNIN_MEDIA")
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
    if drive.kind == "disk" and not drive.serial:
        return Fact("identity", "unknown", "a disk without a serial can't be told from another")
    return Fact("identity", "clear", "")


def _size(drive: Identity, size: int | None) -> Fact:
    if size is None or size != drive.size_bytes:
        return Fact("size", "unknown", f"expected {size} bytes, found {drive.size_bytes}")
    return Fact("size", "clear", "")
