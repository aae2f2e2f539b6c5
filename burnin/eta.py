"""When will it be done? Of a stage, a job, the queue and all of it, and how far off that may be.

A surface run is told by the drive's own curve (curve.py), a self-test by the drive's own estimate
and then by its progress, what has not begun by what earlier runs on drives of that model took.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db.models import Prefetch

from config import runtime
from config.models import freeze
from drives import smart
from drives.hosts.types import RunHead
from drives.models import Drive, SmartTest

from . import curve
from .curve import Curve, Left
from .models import ACTIVE_JOB_STATES, Job, JobState, Stage, StageKind, StageState
from .plan import Plan

# Of an expectation that rests on earlier runs or on the drive's own words, as a share of it.
DOUBT = 0.2
EARLIER_RUNS = 5
KEPT_SECONDS = 600
INSTANT_SECONDS = 10.0
SHORT_SECONDS = 120.0
SAMPLE_SECONDS = 1200.0
SELF_TESTS = (StageKind.SHORT_SMART, StageKind.LONG_SMART)


@dataclass(frozen=True)
class Estimate:
    """ends_at may be off by spread_seconds either way."""

    ends_at: datetime
    spread_seconds: float


@dataclass(frozen=True)
class Budget:
    """All that is asked for: done at `all_done`, None when that can't be told.

    starts: of each queued job, by its id, where that can be told.
    """

    running: int
    queued: int
    all_done: Estimate | None
    starts: Mapping[int, Estimate]


# --- before it begins --------------------------------------------------------------------------
def plan_seconds(drive: Drive, plan: Plan) -> float:
    """How long a burn-in by this plan takes on this drive, once it starts."""
    passes = plan.passes_on(drive)
    return sum(expected_seconds(drive, kind, passes) for kind in plan.all_stages)


def expected_seconds(drive: Drive, kind: str, passes: int) -> float:
    """Of one stage: the drive's own word, what others of its model took, else its capacity."""
    if kind == StageKind.SURFACE_VALIDATE:
        left = curve.surface_left(
            drive.size_bytes,
            passes,
            of_model=curve_of_model(drive.model),
            rotational=not drive.is_flash,
        )
        return max(INSTANT_SECONDS, left.seconds)
    if kind in SELF_TESTS:
        return _own_word(drive, kind) or _of_model(drive.model, kind) or _by_size(drive, kind)
    if kind == StageKind.IO_VALIDATE:
        return _of_model(drive.model, kind) or SAMPLE_SECONDS
    return INSTANT_SECONDS


@lru_cache(maxsize=256)
def _kept_curve_of_model(model: str, _: int) -> Curve | None:
    return curve_of_model(model)


def curve_of_model(model: str) -> Curve | None:
    """The mean curve of the last whole surface runs on drives of this model."""
    if not model:
        return None
    passed = Stage.objects.filter(
        kind=StageKind.SURFACE_VALIDATE, state=StageState.PASSED, job__drive__model=model
    )
    kept = passed.order_by("-pk").values_list("evidence__curve", flat=True)[:EARLIER_RUNS]
    return curve.mean([Curve.parse(each) for each in kept])


def _own_word(drive: Drive, kind: str) -> float | None:
    reading = drive.readings.first()
    report = smart.parse(reading.raw) if reading is not None else None
    if report is None:
        return None
    is_short = kind == StageKind.SHORT_SMART
    minutes = report.tests.short_minutes if is_short else report.tests.long_minutes
    return minutes * 60.0 if minutes else None


def _of_model(model: str, kind: str) -> float | None:
    passed = Stage.objects.filter(kind=kind, state=StageState.PASSED, job__drive__model=model)
    times = passed.order_by("-pk").values_list("started_at", "finished_at")[:EARLIER_RUNS]
    took = [(end - start).total_seconds() for start, end in times if start and end]
    return sum(took) / len(took) if took and model else None


def _by_size(drive: Drive, kind: str) -> float:
    if kind == StageKind.SHORT_SMART:
        return SHORT_SECONDS
    return max(SHORT_SECONDS, drive.size_bytes / curve.USUAL_RATE)


# --- while it runs -----------------------------------------------------------------------------
def learnt(stage: Stage, head: RunHead) -> Curve:
    """The drive's curve with what this look at its run adds."""
    found = Curve.parse(stage.progress.get("curve"))
    position = head.raw.get("position_bytes")
    if (
        head.sample
        or head.paused
        or not head.alive
        or not isinstance(position, int)
        or not head.size_bytes
    ):
        return found
    return found.learn(head.phase, position / head.size_bytes, head.rate_bytes_per_second)


def run_left(stage: Stage, head: RunHead, learnt_curve: Curve, now: datetime) -> Left | None:
    """Of a surface run as this look saw it."""
    if head.sample:
        if stage.started_at is None or not stage.expected_seconds:
            return None
        elapsed = (now - stage.started_at).total_seconds()
        return curve.self_test_left(stage.expected_seconds, elapsed, head.percent, coarse=False)
    drive = stage.job.drive
    position = head.raw.get("position_bytes")
    of_model = None
    if not learnt_curve.is_whole():
        # At each poll of each run: looked up anew now and then.
        of_model = _kept_curve_of_model(drive.model, int(time.time() / KEPT_SECONDS))
    return curve.surface_left(
        head.size_bytes,
        head.passes,
        phase=head.phase,
        pass_number=head.pass_number,
        position=position if isinstance(position, int) else 0,
        curve=learnt_curve,
        of_model=of_model,
        rotational=not drive.is_flash,
    )


def self_test_left(stage: Stage, test: SmartTest, now: datetime) -> Left | None:
    """By what the NAS expected at the start, else what was expected at the request; None before
    either is known."""
    if test.started_at is None:
        return None
    expected = stage.expected_seconds
    if test.eta_at is not None:
        expected = (test.eta_at - test.started_at).total_seconds()
    if not expected:
        return None
    elapsed = (now - test.started_at).total_seconds()
    return curve.self_test_left(expected, elapsed, test.percent)


def stage_estimate(stage: Stage, now: datetime) -> Estimate | None:
    """Of a stage that runs; None while it is paused or it can't be told."""
    if stage.state != StageState.RUNNING or stage.eta_at is None or stage.progress.get("paused"):
        return None
    spread = stage.progress.get("spread_seconds")
    return Estimate(max(now, stage.eta_at), float(spread) if spread else 0.0)


def job_estimate(job: Job, stages: Sequence[Stage], now: datetime) -> Estimate | None:
    """Of a job that runs: its running stage, and what is still to come. No query.

    None while it is held, or when it can't be told.
    """
    if job.state != JobState.RUNNING or job.pause_requested_by or job.cancel_requested_at:
        return None
    ends_at, spread = now, 0.0
    for stage in stages:
        if stage.state == StageState.RUNNING:
            estimate = stage_estimate(stage, now)
            if estimate is None and stage.kind not in (StageKind.PRECHECK, StageKind.FINAL_CHECK):
                return None
            if estimate is not None:
                ends_at, spread = max(ends_at, estimate.ends_at), spread + estimate.spread_seconds
        elif stage.state == StageState.PENDING:
            seconds = stage.expected_seconds or INSTANT_SECONDS
            ends_at, spread = ends_at + timedelta(seconds=seconds), spread + DOUBT * seconds
    return Estimate(ends_at, spread)


# --- all of it ---------------------------------------------------------------------------------
def _schedule(
    jobs: Iterable[Job], now: datetime, at_once: int
) -> dict[int, tuple[Estimate | None, Estimate | None]]:
    """Start (of queued ones) and end of each active job of one system, by its id.

    A queued one starts when one of those before it makes room; nothing is told of those behind one
    that can't be told. jobs: with their stages.
    """
    active = sorted(jobs, key=lambda job: job.pk)
    found: dict[int, tuple[Estimate | None, Estimate | None]] = {}
    rooms: list[tuple[datetime, float]] = []  # when each place gets free
    unknown = 0
    for job in active:
        if job.state == JobState.RUNNING:
            estimate = job_estimate(job, list(job.stages.all()), now)
            found[job.pk] = (None, estimate)
            if estimate is None:
                unknown += 1
            else:
                heapq.heappush(rooms, (estimate.ends_at, estimate.spread_seconds))
    while len(rooms) + unknown < at_once:
        heapq.heappush(rooms, (now, 0.0))
    for job in active:
        if job.state != JobState.QUEUED:
            continue
        if not rooms:
            found[job.pk] = (None, None)
            continue
        starts, spread = heapq.heappop(rooms)
        starts = max(starts, now)
        seconds = sum(stage.expected_seconds or INSTANT_SECONDS for stage in job.stages.all())
        ends, wider = starts + timedelta(seconds=seconds), spread + DOUBT * seconds
        found[job.pk] = (Estimate(starts, spread), Estimate(ends, wider))
        heapq.heappush(rooms, (ends, wider))
    return found


def budget(now: datetime) -> Budget:
    """When everything that was asked for is done, and when what waits for it begins (two queries
    and the settings)."""
    jobs = (
        Job.objects.filter(state__in=ACTIVE_JOB_STATES)
        .defer("claims", "released")
        .prefetch_related(Prefetch("stages", Stage.objects.defer("evidence")))
    )
    of: dict[int, list[Job]] = {}
    for job in jobs:
        of.setdefault(job.system_id, []).append(job)
    at_once = runtime.current().max_parallel_burnins
    ends: list[Estimate | None] = []
    starts: dict[int, Estimate] = {}
    for each in of.values():
        for pk, (start, end) in _schedule(each, now, at_once).items():
            ends.append(end)
            if start is not None:
                starts[pk] = start
    known = [end for end in ends if end is not None]
    running = sum(job.state == JobState.RUNNING for each in of.values() for job in each)
    queued = sum(map(len, of.values())) - running
    if not ends or len(known) < len(ends) or freeze() is not None:
        return Budget(running, queued, None, starts)
    return Budget(running, queued, max(known, key=lambda end: end.ends_at), starts)


def progress_facts(left: Left | None, now: datetime) -> tuple[datetime | None, Mapping[str, Any]]:
    """What a stage keeps of it: when it ends, and how far off that may be."""
    if left is None:
        return None, {}
    seconds = max(left.seconds, float(settings.POLL_INTERVAL_SECONDS) / 2)
    return now + timedelta(seconds=seconds), {"spread_seconds": round(left.spread)}
