"""What a stage's verbs answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .models import StageState


@dataclass(frozen=True)
class Claim:
    """One line of evidence: what is claimed, whether it holds (None: not known), and its source."""

    claim: str
    holds: bool | None
    found: str
    source: str

    def as_json(self) -> dict[str, Any]:
        return dict(vars(self))


@dataclass(frozen=True)
class Going:
    """Not yet. `note` is told in the audit log once, when the stage (re)starts by it.

    waiting_for: why it can't be told how far it is, as a sentence; empty when all is well.
    began: its work was started on the host just now.
    """

    percent: float = 0.0
    progress: dict[str, Any] = field(default_factory=dict)
    eta_at: datetime | None = None
    waiting_for: str = ""
    note: str = ""
    began: bool = False


@dataclass(frozen=True)
class Again:
    """The stage needs its host now: `begin` it again, which finds, resumes or collects its work.

    is_over: the work has ended on the host, and its result is still to be collected.
    is_gone: nothing of it runs on the host.
    """

    why: str
    is_over: bool = False
    is_gone: bool = False


@dataclass(frozen=True)
class Ended:
    """passed, failed or inconclusive (unknown), with the evidence for it; or skipped, which lets
    the job go on, and pass only where each of the claims holds.
    """

    state: StageState
    reason: str = ""
    claims: tuple[Claim, ...] = ()
    evidence: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Refused:
    """The drive may not be touched, for these reasons. No fault of the drive."""

    reasons: tuple[str, ...]
    evidence: dict[str, Any] = field(default_factory=dict)


Outcome = Going | Again | Ended | Refused
