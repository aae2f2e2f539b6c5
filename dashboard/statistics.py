"""What all burn-ins together say: by model, day and cause; and which drive differs from its peers.

Everything is counted by the database; the number of queries doesn't depend on how many there are.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median

from django.db.models import Avg, Count, DurationField, ExpressionWrapper, F, Sum
from django.db.models.functions import TruncDate

from burnin.models import DESTRUCTIVE_KINDS, Job, JobState, Stage, StageKind, StageState
from burnin.words import ERROR_CLASSES
from drives.models import Drive, TemperatureSample

from . import days, words

DAYS = 14
#: Fewer drives than this have no peers to be compared with.
PEERS = 4
#: A drive this much slower than the median of its model is named.
SLOWER = 0.10
#: °C above the median of its model, on the same system.
HOTTER = 5.0
SHOWN = 10
#: What the bar of a model's speeds shows, on either side of its median.
SPREAD = 0.3
OVER = [JobState.PASSED, JobState.FAILED, JobState.UNKNOWN, JobState.CANCELLED]
TESTING = [StageKind.SHORT_SMART, StageKind.LONG_SMART, *DESTRUCTIVE_KINDS]
TOOK = ExpressionWrapper(F("finished_at") - F("started_at"), output_field=DurationField())


@dataclass(frozen=True)
class ModelLine:
    """One model. A burn-in that was cancelled or is inconclusive says nothing of the rate."""

    model: str
    passed: int
    failed: int
    unknown: int
    speeds: tuple[float, ...]  #: bytes a second of each whole surface run, pauses included

    @property
    def judged(self) -> int:
        return self.passed + self.failed

    @property
    def rate(self) -> float:
        """Percent."""
        return 100 * self.passed / self.judged if self.judged else 0.0

    @property
    def failed_share(self) -> float:
        return 100 - self.rate if self.judged else 0.0

    @property
    def speed(self) -> float:
        return median(self.speeds) if self.speeds else 0.0

    @property
    def slowest(self) -> float:
        return min(self.speeds, default=0.0)

    @property
    def fastest(self) -> float:
        return max(self.speeds, default=0.0)

    def _place(self, speed: float) -> float:
        """Percent of a scale from SPREAD below to SPREAD above the median."""
        off = speed / self.speed - 1 if self.speed else 0.0
        return min(100.0, max(0.0, 50 + 50 * off / SPREAD))

    @property
    def from_percent(self) -> str:
        return f"{self._place(self.slowest):.1f}"

    @property
    def span_percent(self) -> str:
        return f"{max(0.8, self._place(self.fastest) - self._place(self.slowest)):.1f}"


@dataclass(frozen=True)
class Day:
    """Burn-ins that ended on a day."""

    day: date
    passed: int
    failed: int
    other: int

    @property
    def total(self) -> int:
        return self.passed + self.failed + self.other


@dataclass(frozen=True)
class Bar:
    """A part of a day's column, in percent of the plot's height from the top."""

    style: str
    top: float
    height: float


@dataclass(frozen=True)
class Column:
    day: Day
    left: float
    width: float
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class Cause:
    """Why drives failed, and how many."""

    words: str
    count: int
    share: float


@dataclass(frozen=True)
class Outlier:
    """A drive that differs from the others of its model."""

    drive: Drive
    what: str
    found: str
    usual: str
    peers: int
    job_id: int | None = None


@dataclass(frozen=True)
class Statistics:
    """Everything on the page."""

    counts: dict[str, int]
    models: tuple[ModelLine, ...]
    days: tuple[Day, ...]
    causes: tuple[Cause, ...]
    outliers: tuple[Outlier, ...]
    bytes_verified: int
    hours_tested: float

    @property
    def judged(self) -> int:
        return self.counts.get(JobState.PASSED, 0) + self.counts.get(JobState.FAILED, 0)

    @property
    def sentence(self) -> str:
        """The answer to: how good are the drives that we get?"""
        if not self.judged:
            return "No drive has been judged yet."
        passed = self.counts.get(JobState.PASSED, 0)
        rate = 100 * passed / self.judged
        return f"{passed:,} of {words.plural(self.judged, 'burn-in')} passed: {rate:.1f} %."

    @property
    def meaning(self) -> str:
        left = sum(self.counts.get(state, 0) for state in (JobState.UNKNOWN, JobState.CANCELLED))
        told = f"{words.size(self.bytes_verified)} verified, {self.hours_tested:,.0f} h tested."
        if left:
            told += f" {left:,} cancelled or inconclusive ones count in no rate."
        return told

    @property
    def most_a_day(self) -> int:
        return max((day.total for day in self.days), default=0)

    @property
    def columns(self) -> list[Column]:
        """The days as stacked columns."""
        top = max(1, self.most_a_day)
        width = 100 / len(self.days)
        columns = []
        for number, day in enumerate(self.days):
            bars, reached = [], 100.0
            for style, count in (("pass", day.passed), ("fail", day.failed), ("calm", day.other)):
                height = 100 * count / top
                reached -= height
                if count:
                    bars.append(Bar(style, round(reached, 2), round(height, 2)))
            columns.append(
                Column(day, round(number * width + width * 0.15, 2), width * 0.7, tuple(bars))
            )
        return columns

    @property
    def days_words(self) -> str:
        busy = max(self.days, key=lambda day: day.total)
        total = sum(day.total for day in self.days)
        if not total:
            return f"No burn-in ended in the last {DAYS} days"
        most = f"most on {busy.day:%a} {busy.day.day} {busy.day:%b}, {busy.total}"
        return f"{words.plural(total, 'burn-in')} ended in the last {DAYS} days; {most}"


def load(now: datetime) -> Statistics:
    """Count it all."""
    counted = Job.objects.order_by().values_list("state").annotate(count=Count("pk"))
    speeds = _speeds()
    tested = Stage.objects.filter(kind__in=TESTING, finished_at__isnull=False)
    seconds = tested.aggregate(sum=Sum(TOOK))["sum"] or timedelta()
    verified = Job.objects.filter(
        stages__kind=StageKind.SURFACE_VALIDATE, stages__state=StageState.PASSED
    ).aggregate(sum=Sum(F("size_bytes") * F("passes")))["sum"]
    return Statistics(
        counts=dict(counted),
        models=_models(speeds),
        days=_days(now),
        causes=_causes(),
        outliers=_outliers(speeds, now),
        bytes_verified=verified or 0,
        hours_tested=seconds.total_seconds() / 3600,
    )


Speeds = dict[str, list[tuple[int, int, float]]]


def _speeds() -> Speeds:
    """By model (drive, job, bytes a second) of each whole surface run."""
    stages = Stage.objects.filter(
        kind=StageKind.SURFACE_VALIDATE,
        state=StageState.PASSED,
        started_at__isnull=False,
        finished_at__isnull=False,
    )
    found: Speeds = defaultdict(list)
    columns = (
        "job__drive__model",
        "job__drive_id",
        "job_id",
        "job__size_bytes",
        "job__passes",
        "took",
    )
    for model, drive, job, size, passes, took in (
        stages.annotate(took=TOOK).order_by("pk").values_list(*columns)
    ):
        if took and took.total_seconds() > 0:
            found[model].append((drive, job, 2 * size * passes / took.total_seconds()))
    return found


def _models(speeds: Speeds) -> tuple[ModelLine, ...]:
    counts: dict[str, dict[str, int]] = defaultdict(dict)
    jobs = Job.objects.filter(state__in=OVER).order_by()
    for model, state, count in jobs.values_list("drive__model", "state").annotate(
        count=Count("pk")
    ):
        counts[model][state] = count
    lines = [
        ModelLine(
            model or "unknown model",
            states.get(JobState.PASSED, 0),
            states.get(JobState.FAILED, 0),
            states.get(JobState.UNKNOWN, 0),
            tuple(rate for _, _, rate in speeds.get(model, ())),
        )
        for model, states in counts.items()
    ]
    return tuple(sorted(lines, key=lambda line: (-line.judged, line.model)))


def _days(now: datetime) -> tuple[Day, ...]:
    last = days.today()
    first = last - timedelta(days=DAYS - 1)
    jobs = Job.objects.filter(state__in=OVER, finished_at__gte=days.begin(first))
    counts: dict[date, dict[str, int]] = defaultdict(dict)
    counted = jobs.annotate(day=TruncDate("finished_at")).order_by()
    for day, state, count in counted.values_list("day", "state").annotate(count=Count("pk")):
        counts[day][state] = count
    return tuple(
        Day(
            day,
            counts[day].get(JobState.PASSED, 0),
            counts[day].get(JobState.FAILED, 0),
            counts[day].get(JobState.UNKNOWN, 0) + counts[day].get(JobState.CANCELLED, 0),
        )
        for day in (first + timedelta(days=number) for number in range(DAYS))
    )


def _causes() -> tuple[Cause, ...]:
    stages = Stage.objects.filter(state=StageState.FAILED, job__state=JobState.FAILED)
    counts: dict[str, int] = defaultdict(int)
    columns = ("kind", "error_text", "evidence__verdict__errors")
    for kind, text, errors in stages.order_by("pk").values_list(*columns):
        counts[cause(kind, text, errors)] += 1
    total = sum(counts.values()) or 1
    ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return tuple(Cause(name, count, 100 * count / total) for name, count in ranked)


def cause(kind: str, text: str, errors: object) -> str:
    """The kind of fault in words, without what is of one drive alone."""
    stage = StageKind(kind).label
    if kind in DESTRUCTIVE_KINDS:
        first = errors[0] if isinstance(errors, list) and errors else {}
        known = ERROR_CLASSES.get(str(first.get("class")) if isinstance(first, dict) else "")
        if known:
            return f"{stage}: {known[1]}"
    if text.startswith("SMART counters rose: "):
        name = text.removeprefix("SMART counters rose: ").split(",")[0]
        return (
            f"{stage}: {' '.join(w for w in name.split() if not w[:1].isdigit() and w != '→')} rose"
        )
    return f"{stage}: the self-test failed" if kind in TESTING else f"{stage}: SMART health failed"


def _outliers(speeds: Speeds, now: datetime) -> tuple[Outlier, ...]:
    slow = _slow(speeds)
    hot = _hot(now)
    ids = {drive for drive, *_ in slow} | {drive for drive, *_ in hot}
    drives = Drive.objects.select_related("system").in_bulk(ids)
    return tuple(
        Outlier(drives[drive], what, found, usual, peers, job)
        for drive, what, found, usual, peers, job in [*slow, *hot][: 2 * SHOWN]
        if drive in drives
    )


Found = list[tuple[int, str, str, str, int, int | None]]


def _slow(speeds: Speeds) -> Found:
    """The last run of each drive against the median of the last runs of its model."""
    found: list[tuple[float, int, int, float, float, int]] = []
    for runs in speeds.values():
        last = {drive: (job, rate) for drive, job, rate in runs}
        if len(last) < PEERS:
            continue
        usual = median(rate for _, rate in last.values())
        found += [
            (rate / usual, drive, job, rate, usual, len(last))
            for drive, (job, rate) in last.items()
            if rate < usual * (1 - SLOWER)
        ]
    return [
        (
            drive,
            f"{100 * (1 - share):.0f} % slower",
            words.rate(rate),
            words.rate(usual),
            peers,
            job,
        )
        for share, drive, job, rate, usual, peers in sorted(found)[:SHOWN]
    ]


def _hot(now: datetime) -> Found:
    """The mean of the last two days against the drives of the same model on the same system."""
    samples = TemperatureSample.objects.filter(
        taken_at__gte=now - timedelta(days=2), drive__present=True
    ).order_by()
    columns = ("drive_id", "drive__model", "drive__system_id")
    means = samples.values_list(*columns).annotate(mean=Avg("celsius"))
    groups: dict[tuple[str, int], list[tuple[int, float]]] = defaultdict(list)
    for drive, model, system, mean in means:
        groups[model, system].append((drive, mean))
    found: list[tuple[float, int, float, float, int]] = []
    for peers in groups.values():
        if len(peers) >= PEERS:
            usual = median(mean for _, mean in peers)
            found += [
                (usual - mean, drive, mean, usual, len(peers))
                for drive, mean in peers
                if mean > usual + HOTTER
            ]
    return [
        (drive, f"{-less:.0f} °C hotter", f"{mean:.0f} °C", f"{usual:.0f} °C", count, None)
        for less, drive, mean, usual, count in sorted(found)[:SHOWN]
    ]
