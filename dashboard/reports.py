"""What the page of a burn-in says: one sentence first, then what it means, then the evidence."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django.utils import timezone

from audit.models import AuditEvent
from burnin.models import Job, JobState, Stage, StageKind, StageState
from burnin.progress import current_stage, job_percent

from . import words

#: Colour and icon of each state of a job or stage.
LOOKS: dict[str, tuple[str, str]] = {
    "queued": ("calm", "queue"),
    "pending": ("calm", "queue"),
    "running": ("run", "run"),
    "passed": ("pass", "pass"),
    "failed": ("fail", "fail"),
    "cancelled": ("calm", "cancel"),
    "unknown": ("unsure", "unsure"),
    "skipped": ("calm", "never"),
}
EVENT_LOOKS = {
    "burnin_passed": ("pass", "pass"),
    "burnin_failed": ("fail", "fail"),
    "burnin_unknown": ("unsure", "unsure"),
    "burnin_stuck": ("unsure", "unsure"),
    "burnin_refused": ("warn", "lock"),
    "burnin_cancelled": ("calm", "cancel"),
    "burnin_cancel_requested": ("calm", "cancel"),
    "burnin_reattached": ("run", "again"),
}
MEANINGS = {
    JobState.QUEUED: "Nothing has been done to the drive yet. It starts when its system has room.",
    JobState.RUNNING: "It goes on by itself, also while this program or its page is closed.",
    JobState.PASSED: "The drive may be used. Every claim below was proven, each from its source.",
    JobState.FAILED: "Don’t put this drive in a pool. Return it, or burn it in once more to see "
    "whether the fault comes back.",
    JobState.CANCELLED: "This says nothing about the drive. What was measured so far is kept.",
    JobState.UNKNOWN: "The drive is neither proven good nor bad. Look at the reason, then burn it "
    "in again before you use it.",
}


@dataclass(frozen=True)
class Line:
    """One stage on the timeline."""

    stage: Stage
    colour: str
    icon: str
    seconds: float | None
    facts: tuple[str, ...]


@dataclass(frozen=True)
class Proof:
    """One claim of the evidence table."""

    claim: str
    found: str
    source: str
    colour: str
    icon: str
    word: str


@dataclass(frozen=True)
class LogLine:
    """One thing that happened."""

    at: datetime
    words: str
    colour: str
    icon: str


class Report:
    """Reads a job; its stages should be prefetched."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.stages = sorted(job.stages.all(), key=lambda stage: stage.position)

    @property
    def colour(self) -> str:
        return LOOKS[self.job.state][0]

    @property
    def icon(self) -> str:
        return LOOKS[self.job.state][1]

    @cached_property
    def percent(self) -> float:
        return job_percent(self.job, self.stages)

    @cached_property
    def current(self) -> Stage | None:
        return current_stage(self.job, self.stages) if self.job.is_active else None

    @property
    def sentence(self) -> str:
        """The answer to: may I put this drive in?"""
        job, reason = self.job, self.job.error_text
        if job.state == JobState.QUEUED:
            return "Queued."
        if job.cancel_requested_at and job.is_active:
            return f"Cancelling, asked by {job.cancel_requested_by}."
        if job.state == JobState.RUNNING:
            where = self.current.get_kind_display() if self.current else "the verdict"
            return f"Running: {where}, {self.percent:.1f} % of the whole."
        if job.state == JobState.PASSED:
            return f"Passed: {self._proven}."
        if job.state == JobState.FAILED:
            stage = next((one for one in self.stages if one.state == StageState.FAILED), None)
            # A reason may name the stage itself.
            if stage is None or reason.startswith(stage.get_kind_display()):
                return f"Failed: {reason}."
            return f"Failed at {_name(stage)}: {reason}."
        if job.state == JobState.CANCELLED:
            if reason.startswith("refused: "):
                return f"Refused: {reason.removeprefix('refused: ')}."
            return f"{reason or 'Cancelled'} at {self.percent:.0f} %."
        return f"Inconclusive: {reason or 'no reason was recorded'}."

    @property
    def _proven(self) -> str:
        job = self.job
        if any(stage.kind == StageKind.SURFACE_VALIDATE for stage in self.stages):
            times = words.times(job.passes)
            return f"{job.size_bytes:,} bytes verified {times}, no errors, no counter rose"
        return "the self-tests found nothing, no counter rose; its surface was not written"

    @property
    def meaning(self) -> str:
        if self.current is not None and self.current.waiting_for:
            return f"{self.current.waiting_for}."
        if not self.job.is_active and self.job.holds_drive:
            return "Something of it may still run on the host, so the drive stays taken until then."
        if self.job.error_text.startswith("refused: "):
            return "Nothing was written. This says nothing about the drive itself."
        return MEANINGS[JobState(self.job.state)]

    @property
    def can_cancel(self) -> bool:
        return self.job.holds_drive and self.job.cancel_requested_at is None

    @property
    def seconds(self) -> float | None:
        return _between(self.job.started_at, self.job.finished_at)

    @cached_property
    def timeline(self) -> list[Line]:
        return [
            Line(
                stage,
                *LOOKS[stage.state],
                _between(stage.started_at, stage.finished_at),
                tuple(_facts(stage)),
            )
            for stage in self.stages
        ]

    @property
    def strip(self) -> list[tuple[str, float, float]]:
        """Shares of time as (colour, start %, width %); empty before anything took time."""
        lengths = [(line.colour, line.seconds or 0.0) for line in self.timeline]
        total, at, shares = sum(seconds for _, seconds in lengths), 0.0, []
        for colour, seconds in lengths:
            if total and seconds / total >= 0.002:
                shares.append((colour, round(at, 1), round(100 * seconds / total - 0.3, 1)))
            at += 100 * seconds / total if total else 0
        return shares

    @cached_property
    def proofs(self) -> list[Proof]:
        """The claims: of the whole when it has ended, else of the stages that have."""
        claims = self.job.claims or [
            claim for stage in self.stages for claim in stage.evidence.get("claims", [])
        ]
        return [_proof(claim) for claim in claims]

    @cached_property
    def errors(self) -> list[dict[str, Any]]:
        """Where the surface run found something, by address: class, LBA, length, pass, phase."""
        for stage in self.stages:
            if stage.kind == StageKind.SURFACE_VALIDATE:
                verdict = stage.evidence.get("verdict") or {}
                errors = verdict.get("errors") or []
                return sorted(errors, key=lambda error: int(error.get("offset_bytes", 0)))
        return []


def log_line(event: AuditEvent) -> LogLine:
    """An audit event on the page of its job, which need not say which job it is of."""
    words = re.sub(r"^Burn-in \d+ of [^:]*: ", "", event.note)
    colour, icon = EVENT_LOOKS.get(event.kind, ("calm", "info"))
    return LogLine(event.at, words[:1].upper() + words[1:], colour, icon)


def _name(stage: Stage) -> str:
    name = stage.get_kind_display()
    return name if name.startswith("SMART") else name.lower()


def _between(start: datetime | None, end: datetime | None) -> float | None:
    return ((end or timezone.now()) - start).total_seconds() if start else None


def _facts(stage: Stage) -> list[str]:
    """What is known of a stage beside its state: how far, how fast, why it waits."""
    facts = []
    progress = stage.progress or {}
    if stage.state == StageState.RUNNING:
        facts.append(f"{stage.percent:.1f} %")
        if phase := progress.get("phase"):
            facts[-1] += f", {phase} of pass {progress.get('pass', 1)}"
        if rate := words.rate(progress.get("rate_bytes_per_second")):
            facts[-1] += f", {rate}"
    if stage.waiting_for:
        facts.append(stage.waiting_for)
    verified = (stage.evidence.get("verdict") or {}).get("bytes_verified")
    verified = progress.get("bytes_verified") if verified is None else verified
    if stage.kind == StageKind.SURFACE_VALIDATE and verified:
        facts.append(f"{words.size(verified)} read back and compared")
    if stage.run_id and stage.kind == StageKind.SURFACE_VALIDATE:
        facts.append(f"Run {stage.run_id}")
    return facts


def _proof(claim: dict[str, Any]) -> Proof:
    holds = claim.get("holds")
    look = ("unsure", "unsure", "not known")
    if isinstance(holds, bool):
        look = ("pass", "pass", "holds") if holds else ("fail", "fail", "fails")
    return Proof(
        str(claim.get("claim", "")),
        str(claim.get("found", "")),
        str(claim.get("source", "")),
        *look,
    )
