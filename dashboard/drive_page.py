"""What the page of a drive says: one sentence first, then all that is known of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from audit.models import AuditEvent
from burnin.models import Job, JobState, Stage, StageKind
from drives.models import Drive, SmartReading, SmartTest

from . import attributes, words
from .event_lines import LogLine, log_line
from .reports import Report

JOBS = 50
EVENTS = 8
#: Colour, icon and word of each outcome of a self-test.
OUTCOMES = {
    "passed": ("pass", "check", "Completed"),
    "failed": ("fail", "fail", "Failed"),
    "aborted": ("calm", "cancel", "Aborted"),
    "running": ("run", "run", "Running"),
    "unknown": ("unsure", "unsure", "Unknown"),
}


@dataclass(frozen=True)
class Answer:
    """The first sentence, and what it means."""

    colour: str
    icon: str
    sentence: str
    meaning: str


@dataclass(frozen=True)
class SelfTest:
    """One line of the drive's self-test log, or the test that runs."""

    type: str
    colour: str
    icon: str
    word: str
    hours: int | None
    job_id: int | None
    started_by: str


class DrivePage:
    """Everything about one drive; the number of queries doesn't depend on how much there is."""

    def __init__(self, drive: Drive, now: datetime) -> None:
        self.drive, self.now = drive, now
        jobs: QuerySet[Job] = Job.objects.filter(drive=drive).select_related("system")
        self.jobs = list(jobs.defer("claims")[:JOBS])
        self.job_count = len(self.jobs) if len(self.jobs) < JOBS else jobs.count()
        last = self.jobs[0] if self.jobs else None
        stages = Stage.objects.filter(job=last).defer("evidence") if last else Stage.objects.none()
        self.stages = list(stages)
        self.report = None
        if last is not None:
            last.drive = drive
            last._prefetched_objects_cache = {"stages": self.stages}  # type: ignore[attr-defined]
            self.report = Report(last)
        readings = SmartReading.objects.filter(drive=drive)
        self.first = readings.order_by("taken_at").first()
        self.last = readings.order_by("-taken_at").first()
        lines = attributes.compared(self.first, self.last)
        self.attributes = [line for line in lines if not attributes.is_folded(line)]
        self.folded = [line for line in lines if attributes.is_folded(line)]
        events = AuditEvent.objects.filter(drive_id=drive.pk)
        self.event_count = events.count()
        self.events: list[LogLine] = [log_line(one, of_job=False) for one in events[:EVENTS]]

    @property
    def job(self) -> Job | None:
        """The last burn-in."""
        return self.jobs[0] if self.jobs else None

    @property
    def current(self) -> Job | None:
        return self.job if self.job and self.job.is_active else None

    @property
    def answer(self) -> Answer:
        """May I put this drive in? The first that holds."""
        drive, report = self.drive, self.report
        if report is not None and report.job.is_active:
            return Answer(report.colour, report.icon, report.sentence, report.meaning)
        if not drive.present:
            since = ""
            if drive.absent_since is not None:
                since = f" for {words.duration((self.now - drive.absent_since).total_seconds())}"
            sentence = f"Absent: {drive.system.name} hasn’t listed it{since}."
            return Answer("calm", "away", sentence, self._before or "It was never burned in.")
        use = drive.use_reason or (f"in pool {drive.pool}" if drive.pool else "")
        if use:
            return Answer(
                "calm",
                "lock",
                f"In use: {use}.",
                f"It can’t be burned in while it is. {self._before}".strip(),
            )
        if report is None:
            meaning = "Nothing is known of its surface. Burn it in before you trust it with data."
            return Answer("calm", "never", "Never burned in.", meaning)
        meaning = report.meaning
        if report.job.state == JobState.PASSED:
            meaning = f"You may put this drive in a pool.{self._one_thing}"
        return Answer(report.colour, report.icon, self._dated(report), meaning)

    @property
    def _before(self) -> str:
        if self.report is None:
            return ""
        dated = self._dated(self.report)
        return f"Last burn-in: {dated[:1].lower()}{dated[1:]}"

    def _dated(self, report: Report) -> str:
        """The sentence of a burn-in that is over, with how long ago that was."""
        sentence, ended = report.sentence, report.job.finished_at
        if ended is None:
            return sentence
        age = f"{words.duration((self.now - ended).total_seconds())} ago"
        head, colon, rest = sentence.partition(":")
        if not colon:
            return f"{sentence.removesuffix('.')}, {age}."
        return f"{head} {age}:{rest}"

    @property
    def _one_thing(self) -> str:
        """What rose, though it was no reason to fail."""
        rose = [line for line in self.attributes if line.is_bad]
        if not rose:
            return ""
        told = ", ".join(f"{line.name.lower()} {line.change_text}" for line in rose)
        return f" One thing to know: {told} since the first reading."

    @property
    def firmware(self) -> str:
        return attributes.firmware(self.last)

    @property
    def sectors(self) -> str:
        return attributes.sectors(self.last)

    @property
    def self_tests(self) -> list[SelfTest]:
        """Running ones, then the drive's own log, newest first: also what others started."""
        ours = self._ours()
        running = SmartTest.objects.filter(drive=self.drive, state=SmartTest.State.RUNNING)
        lines = [
            SelfTest(test.type, "run", "run", f"Running, {test.percent or 0:.0f} %", None,
                     self.current.pk if self.current else None, "")
            for test in running
        ]  # fmt: skip
        for entry in (self.last.self_tests if self.last else None) or []:
            outcome = str(entry.get("outcome"))
            if outcome == "running" and lines:
                continue
            colour, icon, word = OUTCOMES.get(outcome, OUTCOMES["unknown"])
            if outcome not in {"passed", "aborted"} and entry.get("text"):
                word = str(entry["text"])
            job_id = ours.get(_key(entry))
            by = "" if job_id else "not this program" if _key(entry) not in ours else "this program"
            type_ = str(entry.get("type", ""))
            lines.append(SelfTest(type_, colour, icon, word, entry.get("hours"), job_id, by))
        return lines

    def _ours(self) -> dict[tuple[Any, ...], int | None]:
        """Log entries that settled a test of this program, with the burn-in that it was of."""
        kinds = [StageKind.SHORT_SMART, StageKind.LONG_SMART]
        found: dict[tuple[Any, ...], int | None] = {}
        for entry in SmartTest.objects.filter(drive=self.drive).values_list("log_entry", flat=True):
            if entry:
                found[_key(entry)] = None
        stages = Stage.objects.filter(job__drive=self.drive, kind__in=kinds)
        for job_id, entry in stages.values_list("job_id", "evidence__log_entry"):
            if isinstance(entry, dict):
                found[_key(entry)] = job_id
        return found


def _key(entry: dict[str, Any]) -> tuple[Any, ...]:
    return entry.get("type"), entry.get("outcome"), entry.get("hours")
