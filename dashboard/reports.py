"""What the page of a burn-in says: one sentence first, then what it means, then the evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django.utils import timezone

from audit.models import Kind
from burnin.eta import Estimate, budget, job_estimate
from burnin.models import DESTRUCTIVE_KINDS, Job, JobState, Stage, StageKind, StageState
from burnin.progress import current_stage, job_percent

from . import pauses, words
from .event_lines import LogLine
from .rows import places_in_queue

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
#: Of a job that runs and holds still, and of one whose host can't be heard.
HELD, WAITING = ("warn", "pause"), ("calm", "away")
#: What stands under its stage on the timeline: turns, not its begin and end.
TURNS = {
    Kind.BURNIN_PAUSED, Kind.BURNIN_RESUMED, Kind.BURNIN_REATTACHED, Kind.BURNIN_STUCK,
    Kind.BURNIN_CANCEL_REQUESTED, Kind.RELEASE_GRANTED,
}  # fmt: skip
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
    """One stage on the timeline, with what happened while it ran."""

    stage: Stage
    colour: str
    icon: str
    seconds: float | None
    facts: tuple[str, ...]
    events: tuple[LogLine, ...]


@dataclass(frozen=True)
class Proof:
    """One claim of the evidence table."""

    claim: str
    found: str
    source: str
    colour: str
    icon: str
    word: str


class Report:
    """Reads a job; its stages should be prefetched. `log` is what happened, oldest first."""

    def __init__(self, job: Job, log: Sequence[LogLine] = ()) -> None:
        self.job, self.log = job, log
        self.stages = sorted(job.stages.all(), key=lambda stage: stage.position)

    @property
    def colour(self) -> str:
        return self._look[0]

    @property
    def icon(self) -> str:
        return self._look[1]

    @property
    def _look(self) -> tuple[str, str]:
        if self.is_held:
            return HELD
        if self.current is not None and self.current.waiting_for:
            return WAITING
        return LOOKS[self.job.state]

    @property
    def is_held(self) -> bool:
        """It runs, but something or somebody makes it stand still."""
        job = self.job
        running = job.state == JobState.RUNNING and not job.cancel_requested_at
        return running and pauses.is_held(job, self.current)

    @cached_property
    def percent(self) -> float:
        return job_percent(self.job, self.stages)

    @cached_property
    def current(self) -> Stage | None:
        return current_stage(self.job, self.stages) if self.job.is_active else None

    @cached_property
    def ends(self) -> Estimate | None:
        """When it is expected to be over; None while it is held or can't be told."""
        if self.current is None or self.current.waiting_for or self.is_held:
            return None
        return job_estimate(self.job, self.stages, timezone.now())

    @cached_property
    def place(self) -> int | None:
        """Its place in the queue of its system, from 1."""
        return places_in_queue().get(self.job.pk) if self.is_queued else None

    @cached_property
    def starts(self) -> Estimate | None:
        """When a queued one is expected to begin."""
        return budget(timezone.now()).starts.get(self.job.pk) if self.is_queued else None

    @property
    def sentence(self) -> str:
        """The answer to: may I put this drive in?"""
        job, reason = self.job, self.job.error_text
        if job.state == JobState.QUEUED:
            return f"Queued, {words.ordinal(self.place)} in line." if self.place else "Queued."
        if job.cancel_requested_at and job.is_active:
            return f"Cancelling, asked by {job.cancel_requested_by}."
        if job.state == JobState.RUNNING:
            where = self.current.get_kind_display() if self.current else "the verdict"
            if self.is_held:
                held = pauses.told(job, self.current)[0]
                return f"{held}, {where} at {self.percent:.1f} % of the whole."
            waits = self.current is not None and self.current.waiting_for
            head = "Waiting" if waits else "Running"
            return f"{head}: {where}, {self.percent:.1f} % of the whole."
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
        if any(stage.kind == StageKind.IO_VALIDATE for stage in self.stages):
            return "a sample of its surface came back as written, no counter rose"
        return "the self-tests found nothing, no counter rose; its surface was not written"

    @property
    def meaning(self) -> str:
        if self.is_held:
            if self.job.pause_requested_by:
                return f"Paused by {self.job.pause_requested_by}, until somebody resumes it."
            return f"{pauses.told(self.job, self.current)[1]}."
        if self.current is not None and self.current.waiting_for:
            return f"{self.current.waiting_for}."
        if not self.job.is_active and self.job.holds_drive:
            return "Something of it may still run on the host, so the drive stays taken until then."
        if self.job.error_text.startswith("refused: "):
            return (
                "Nothing was written. This says nothing about the drive itself. Run it again once "
                "the reason is gone or its old data released."
            )
        return MEANINGS[JobState(self.job.state)]

    @property
    def is_queued(self) -> bool:
        return self.job.state == JobState.QUEUED

    @property
    def can_cancel(self) -> bool:
        return self.job.holds_drive and self.job.cancel_requested_at is None

    @property
    def seconds(self) -> float | None:
        return _between(self.job.started_at, self.job.finished_at)

    @property
    def is_news(self) -> bool:
        """It ended badly, which nobody has acknowledged, and the drive wasn't burned in since: the
        drives page speaks of a drive's last burn-in alone."""
        job = self.job
        return job.is_unacknowledged and not job.drive.jobs.filter(pk__gt=job.pk).exists()

    @property
    def is_paused(self) -> bool:
        return bool(self.job.pause_requested_by)

    @property
    def surface_stage(self) -> Stage | None:
        """The stage that wrote to the drive, if there is one."""
        return next((one for one in self.stages if one.kind in DESTRUCTIVE_KINDS), None)

    @cached_property
    def timeline(self) -> list[Line]:
        return [
            Line(
                stage,
                *(self._look if stage.state == StageState.RUNNING else LOOKS[stage.state]),
                _between(stage.started_at, stage.finished_at),
                tuple(_facts(stage)),
                tuple(line for line in self.log if line.kind in TURNS and _is_during(stage, line)),
            )
            for stage in self.stages
        ]

    @cached_property
    def pauses(self) -> list[tuple[datetime, datetime]]:
        """From when to when it held still, as the log tells."""
        spans, since = [], None
        for line in self.log:
            if line.kind == Kind.BURNIN_PAUSED:
                since = since or line.at
            elif line.kind == Kind.BURNIN_RESUMED and since is not None:
                spans.append((since, line.at))
                since = None
        if since is not None:
            spans.append((since, self.job.finished_at or timezone.now()))
        return spans

    @property
    def strip(self) -> list[tuple[str, float, float]]:
        """Shares of time as (colour, start %, width %), pauses over the stages; empty before
        anything took time."""
        start, total = self.job.started_at, self.seconds
        if start is None or not total:
            return []

        def share(colour: str, since: datetime, until: datetime) -> tuple[str, float, float]:
            left = 100 * (since - start).total_seconds() / total
            width = 100 * (until - since).total_seconds() / total
            return colour, round(max(0.0, left), 1), round(max(0.4, width - 0.3), 1)

        shares = [
            share(
                LOOKS[line.stage.state][0],
                line.stage.started_at,
                line.stage.finished_at or timezone.now(),
            )
            for line in self.timeline
            if line.stage.started_at and (line.seconds or 0) / total >= 0.002
        ]
        return shares + [share("warn", since, until) for since, until in self.pauses]

    @property
    def strip_words(self) -> str:
        """The strip as a sentence."""
        total = self.seconds or 1
        parts = [
            f"{line.stage.get_kind_display()} {100 * (line.seconds or 0) / total:.0f} %, "
            f"{line.stage.get_state_display().lower()}"
            for line in self.timeline
            if (line.seconds or 0) / total >= 0.01
        ]
        held = sum((until - since).total_seconds() for since, until in self.pauses)
        pause = f"; held still for {words.duration(held)}" if held else ""
        return f"Share of time: {'; '.join(parts)}{pause}"

    @cached_property
    def proofs(self) -> list[Proof]:
        """The claims: of the whole when it has ended, else of the stages that have. What fails
        comes first, then what isn't known."""
        claims = self.job.claims or [
            claim for stage in self.stages for claim in stage.evidence.get("claims", [])
        ]
        order = {"fail": 0, "unsure": 1, "pass": 2}
        return sorted(map(_proof, claims), key=lambda proof: order[proof.colour])

    @property
    def tally(self) -> str:
        """How many of the claims hold, in words."""
        total = len(self.proofs)
        holding = sum(proof.colour == "pass" for proof in self.proofs)
        if total == 1:
            return f"1 claim, it {'holds' if holding else 'doesn’t hold'}"
        return f"{total} claims, {'all' if holding == total else holding or 'none'} hold"


def _is_during(stage: Stage, line: LogLine) -> bool:
    if stage.started_at is None or line.at < stage.started_at:
        return False
    return stage.finished_at is None or line.at <= stage.finished_at


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
        rate = words.rate(progress.get("rate_bytes_per_second"))
        if rate and not progress.get("paused"):
            facts[-1] += f", {rate}"
    if stage.waiting_for:
        facts.append(stage.waiting_for)
    verified = (stage.evidence.get("verdict") or {}).get("bytes_verified")
    verified = progress.get("bytes_verified") if verified is None else verified
    if stage.kind in DESTRUCTIVE_KINDS and verified:
        facts.append(f"{words.size(verified)} read back and compared")
    if stage.run_id and stage.kind in DESTRUCTIVE_KINDS:
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
