"""What a row of the drives table shows: a drive, its system, its last burn-in and self-tests.

The number of queries is the same for 1 and for 500 drives.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from django.db.models import Max, Prefetch
from django.utils import timezone

from burnin.eta import Budget, Estimate, budget, job_estimate
from burnin.models import DESTRUCTIVE_KINDS, Job, JobState, Stage
from burnin.progress import current_stage, job_percent
from config import runtime
from drives.health import SystemState, system_state
from drives.models import Drive, SmartTest, System

from . import pauses, words
from .sparks import sparks

#: The states that the stats bar counts and the filter offers, in their order.
STANDINGS = {
    "idle": "Idle",
    "running": "Running",
    "queued": "Queued",
    "passed": "Passed",
    "failed": "Failed",
    "attention": "Needs attention",
}

#: So long an absent drive stays in the table.
ABSENT_SHOWN = timedelta(days=30)

#: What changes at each poll and no row shows.
UNSHOWN = {
    "_state", "_prefetched_objects_cache", "last_polled_at", "temperature_at", "smart_read_at",
    "smart_asked_at", "checked_at", "idle_seconds", "lease_until", "lease_holder", "also_at",
}  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One drive as the table shows it. `place` is its place in the queue of its system, from 1;
    above `hot_c` it is too hot to start; `spark` is the path of its last 24 h of temperature;
    `starts` when a queued burn-in is expected to begin.
    """

    drive: Drive
    system: SystemState
    job: Job | None
    stages: tuple[Stage, ...]
    short: SmartTest | None
    long: SmartTest | None
    place: int | None
    now: datetime
    hot_c: int = 50
    spark: str = ""
    starts: Estimate | None = None

    @cached_property
    def kind(self) -> str:
        """Which form the burn-in cell has; the first that holds."""
        job = self.job
        if job is not None and job.is_active:
            if job.cancel_requested_at:
                return "cancelling"
            if job.state == JobState.QUEUED:
                return "queued"
            if pauses.is_held(job, self.stage):
                return "paused"
            return "waiting" if self.stage is not None and self.stage.waiting_for else "running"
        if not self.drive.present:
            return "absent"
        if self.lock:
            return "used"
        return str(job.state) if job is not None else "never"

    @cached_property
    def standing(self) -> str:
        """Under which tile of the stats bar the drive is counted."""
        state = self.job.state if self.job is not None else None
        if state in {JobState.QUEUED, JobState.RUNNING, JobState.PASSED, JobState.FAILED}:
            return str(state)
        if state == JobState.UNKNOWN or self.drive.smart_health == Drive.Health.FAILED:
            return "attention"
        return "idle"

    @property
    def lock(self) -> str:
        """Why it may not be written, as far as the last poll knows; empty when nothing is."""
        pool, reason = self.drive.pool, self.drive.use_reason
        if pool and pool not in reason:
            return f"In pool {pool}"
        return reason[:1].upper() + reason[1:]

    @property
    def held_by_ended(self) -> bool:
        """Its last burn-in has ended, but something of it may still run on the host."""
        return self.job is not None and self.job.holds_drive and not self.job.is_active

    @property
    def paused_since(self) -> datetime | None:
        try:
            return datetime.fromisoformat(str(pauses.by_host(self.stage).get("since")))
        except ValueError:
            return None

    @property
    def is_paused_by_hand(self) -> bool:
        return bool(self.job and self.job.is_active and self.job.pause_requested_by)

    @property
    def pause(self) -> tuple[str, str]:
        """The two lines of a paused burn-in: what holds it, and what makes it go on."""
        return pauses.told(self.job, self.stage) if self.job is not None else ("", "")

    @property
    def can_pause(self) -> bool:
        """Only what writes can hold still; a self-test of the drive can't."""
        return (
            self.kind in {"running", "waiting", "paused", "queued"}
            and not self.is_paused_by_hand
            and any(stage.kind in DESTRUCTIVE_KINDS for stage in self.stages)
        )

    @property
    def why_not(self) -> str:
        """Why it can't be chosen for a burn-in, as a sentence; empty when it can."""
        if self.can_start:
            return ""
        if self.kind == "absent":
            return f"{self.drive.system.name} doesn’t list this drive any more."
        if self.kind == "used":
            return f"{self.lock}."
        if self.held_by_ended:
            return "Its last burn-in may still run on the host."
        return f"A burn-in of it is {'queued' if self.kind == 'queued' else 'running'}."

    @property
    def can_start(self) -> bool:
        return self.kind in {"never", "passed", "failed", "cancelled", "unknown"} and (
            not self.held_by_ended
        )

    @property
    def can_cancel(self) -> bool:
        if self.held_by_ended:
            return self.job is not None and not self.job.cancel_requested_at
        return self.kind in {"queued", "running", "paused", "waiting"}

    @property
    def is_dim(self) -> bool:
        """Nothing can be done with it just now."""
        return self.kind in {"used", "absent"}

    @property
    def is_long_gone(self) -> bool:
        """Absent for so long that only its own page, the history and programs have it. Not while
        its burn-in goes on, or ended badly and nobody has acknowledged that."""
        since, job = self.drive.absent_since, self.job
        if self.drive.present or since is None or self.now - since < ABSENT_SHOWN:
            return False
        return job is None or not (job.holds_drive or job.is_unacknowledged)

    @cached_property
    def stage(self) -> Stage | None:
        return current_stage(self.job) if self.job is not None else None

    @property
    def step(self) -> str:
        """Where in its stages a running burn-in is: 4/5."""
        ids = [stage.pk for stage in self.stages]
        return f"{ids.index(self.stage.pk) + 1}/{len(ids)}" if self.stage else ""

    @cached_property
    def percent(self) -> float:
        return job_percent(self.job) if self.job is not None else 0.0

    @property
    def failed_stage(self) -> Stage | None:
        return next((stage for stage in self.stages if stage.state == "failed"), None)

    @property
    def failed_stage_words(self) -> str:
        """As in: Failed at surface, Failed at SMART long."""
        stage = self.failed_stage
        if stage is None:
            return ""
        name = stage.get_kind_display()
        return name if name.startswith("SMART") else name.lower()

    @property
    def refused(self) -> str:
        """Why a queued burn-in was not begun after all; empty for any other end."""
        text = self.job.error_text if self.job is not None else ""
        return text.removeprefix("refused: ").strip() if text.startswith("refused: ") else ""

    @cached_property
    def ends(self) -> Estimate | None:
        """When a running burn-in is expected to be over."""
        return job_estimate(self.job, self.stages, self.now) if self.job is not None else None

    @property
    def verified(self) -> str:
        """What a passed burn-in has shown, in three words."""
        job = self.job
        return words.verified(job.profile, job.size_bytes, job.passes) if job is not None else ""

    @property
    def is_hot(self) -> bool:
        celsius = self.drive.temperature_c
        return celsius is not None and celsius >= self.hot_c

    @property
    def facts(self) -> tuple[object, ...]:
        """All that its HTML is made of: as long as this is equal, so is that, but for ages."""
        models = (self.drive, self.job, *self.stages, self.short, self.long)
        shown = tuple(
            tuple(value for name, value in vars(model).items() if name not in UNSHOWN)
            for model in models
            if model is not None
        )
        starts = self.starts and (self.starts.ends_at.replace(second=0, microsecond=0),)
        return shown, self.drive.system.name, self.place, self.hot_c, self.spark, starts

    @property
    def search_text(self) -> str:
        """What the search looks into, in lower case."""
        drive = self.drive
        return f"{drive.devname} {drive.serial} {drive.model} {drive.location}".lower()


def natural(devname: str) -> tuple[str, int, str]:
    """A sort key that puts sdb before sdaa and da2 before da10."""
    if match := re.fullmatch(r"([svx]d|hd)([a-z]+)", devname):
        return match[1], len(match[2]), match[2]
    match = re.fullmatch(r"(.*?)(\d*)", devname)
    assert match is not None
    return match[1], int(match[2] or 0), ""


def load_rows(
    ids: Collection[int] | None = None,
    *,
    brief: bool = False,
    planned: Budget | None = None,
) -> list[Row]:
    """The rows of all drives, or of those with the given ids, in the order of the table. Drives of
    removed systems have none: they are in the history alone.

    brief leaves out stages, self-tests and places in the queue: enough for counts and banners.
    planned: the budget, where the caller has it already.
    """
    now, limits = timezone.now(), runtime.current()
    drives = Drive.objects.filter(system__removed_at=None)
    if ids is not None:
        drives = drives.filter(pk__in=list(ids))
    found = list(drives.defer("notes"))
    # Once each, and without their secrets, which would be decrypted for every drive.
    systems = System.objects.defer("api_key", "ssh_password").in_bulk()
    for drive in found:
        drive.system = systems[drive.system_id]
    jobs = _last_jobs(ids, brief=brief)
    tests = {} if brief else _tests(ids)
    places = {} if brief else places_in_queue()
    states = {pk: system_state(system, now, limits) for pk, system in systems.items()}
    lines = {} if brief else sparks()
    starts = {} if brief or not places else (planned or budget(now)).starts
    rows = [
        Row(
            drive=drive,
            system=states[drive.system_id],
            job=(job := jobs.get(drive.pk)),
            stages=tuple(job.stages.all()) if job is not None and not brief else (),
            short=tests.get((drive.pk, SmartTest.Type.SHORT)),
            long=tests.get((drive.pk, SmartTest.Type.LONG)),
            place=places.get(job.pk) if job is not None else None,
            now=now,
            hot_c=limits.temp_start_max_c,
            spark=lines.get(drive.pk, ""),
            starts=starts.get(job.pk) if job is not None else None,
        )
        for drive in found
    ]
    return sorted(
        rows,
        key=lambda row: (
            row.drive.system.name,
            not row.drive.present,
            *natural(row.drive.devname),
        ),
    )


def table_rows(ids: Collection[int] | None = None, **how: Any) -> list[Row]:
    """The same without those that have been absent for long: what the page shows and counts."""
    return [row for row in load_rows(ids, **how) if not row.is_long_gone]


def _last_jobs(ids: Collection[int] | None, *, brief: bool) -> dict[int, Job]:
    latest = Job.objects.order_by().values("drive").annotate(last=Max("pk"))
    if ids is not None:
        latest = latest.filter(drive__in=list(ids))
    jobs = Job.objects.filter(pk__in=latest.values("last")).defer("claims")
    # The evidence of a surface run is long, and no row shows it.
    stages = Stage.objects.order_by("position").defer("evidence")
    if not brief:
        jobs = jobs.prefetch_related(Prefetch("stages", queryset=stages))
    return {job.drive_id: job for job in jobs}


def _tests(ids: Collection[int] | None) -> dict[tuple[int, str], SmartTest]:
    tests = SmartTest.objects.only(
        "drive_id", "type", "state", "percent", "finished_at", "error_text"
    )
    if ids is not None:
        tests = tests.filter(drive__in=list(ids))
    return {(test.drive_id, test.type): test for test in tests}


def places_in_queue() -> dict[int, int]:
    """Job id to place, from 1, in the queue of its system."""
    places: dict[int, int] = {}
    length: dict[int, int] = {}
    queued = Job.objects.filter(state=JobState.QUEUED).order_by("pk")
    for job_id, system_id in queued.values_list("pk", "system_id"):
        length[system_id] = places[job_id] = length.get(system_id, 0) + 1
    return places
