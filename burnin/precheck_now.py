"""May this drive be written? Asked right now of NAS and host, for the dialog and the request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from drives import clients
from drives.hosts.ssh import HostError
from drives.hosts.types import Fact
from drives.models import Drive
from drives.truenas.types import NasError

from .locate import Site, ask, place


@dataclass(frozen=True)
class GuardAnswer:
    """No reasons: it may be written, as far as was found. facts: fact → clear, in_use, …"""

    reasons: list[str]
    facts: dict[str, str] = field(default_factory=dict)
    findings: tuple[Fact, ...] = ()

    @property
    def releasable(self) -> list[Fact]:
        """The findings, where each reason is old data that may be released; else none."""
        can = len(self.findings) == len(self.reasons) and all(f.release for f in self.findings)
        return list(self.findings) if can else []


def guard_answer(
    drive: Drive, release: Sequence[str] = (), site: Site | None = None
) -> GuardAnswer:
    """Ask NAS and host. Whoever doesn't answer is a reason against it.

    release: findings of the host that don't count, by their `Fact.release`. site: what both have
    just said of all their drives, where many are asked for.
    """
    try:
        located = place(drive, drive.system, site or ask(drive.system))
        if located.reasons or located.device is None:
            return GuardAnswer(list(located.reasons))
        guard = clients.host(drive.system).guard(
            located.device.path,
            serial=drive.serial,
            size_bytes=drive.size_bytes,
            release=release,
        )
    except (HostError, NasError) as error:
        return GuardAnswer([f"{drive.system.name} can’t be asked: {error}"])
    reasons = [fact.reason for fact in guard.reasons]
    if not guard.allowed and not reasons:
        reasons = ["The host refuses without a reason"]
    return GuardAnswer(reasons, guard.facts, guard.reasons)
