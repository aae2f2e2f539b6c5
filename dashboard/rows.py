"""What a row of the drives table shows: a drive, its system, its last burn-in and self-tests.

The number of queries is the same for 1 and for 500 drives.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from django.db.models import Max, Prefetch
from django.utils import timezone

from burnin.models import Job, JobState, Stage, StageKind, StageState
from burnin.progress import current_stage, job_percent
from config import runtime
from drives.health import SystemState, system_state
from drives.models import Drive, SmartTest

from . import words

#: The states that the stats bar counts and the filter offers, in their order.
STANDINGS = {
    "idle": "Idle",
    "running": "Running",
    "queued": "Queued",
    "passed": "Passed",
    "failed": "Failed",
    "attention": "Needs attention",
}


@dataclass(frozen=True)
class Row:
    """One drive as the table shows it. `place` is its place in the queue of its system, from 1;
    above `hot_c` it is too hot to start.
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

    @cached_property
    def kind(self) -> str:
        """Which form the burn-in cell has; the first that holds."""
        job = self.job
        if job is not None and job.is_active:
            if job.cancel_requested_at:
                return "cancelling"
            if job.state == JobState.QUEUED:
                return "queued"
            if self.stage is not None and self.stage.waiting_for:
                return "waiting"
            if self.stage is not None and self.stage.progress.get("paused"):
                return "paused"
            return "running"
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

    @property
    def ends_job(self) -> bool:
        """Whether nothing long follows the running stage, so that its end is the job's."""
        following = [stage for stage in self.stages if stage.state == StageState.PENDING]
        return all(stage.kind == StageKind.FINAL_CHECK for stage in following)

    @property
    def verified(self) -> str:
        """What a passed burn-in has shown, in three words."""
        job = self.job
        kinds = {stage.kind for stage in self.stages}
        if "io_validate" in kinds:
            return "a sample verified"
        if job is None or "surface_validate" not in kinds:
            return "self-tests only"
        return f"{words.size(job.size_bytes)} verified {words.times(job.passes)}"

    @property
    def is_hot(self) -> bool:
        celsius = self.drive.temperature_c
        return celsius is not None and celsius >= self.hot_c

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
    ids: Collection[int] | None = None, *, brief: bool = False, evidence: bool = False
) -> list[Row]:
    """The rows of all drives, or of those with the given ids, in the order of the table.

    brief leaves out stages, self-tests and places in the queue: enough for counts and banners.
    evidence brings the claims and the evidence of the stages along, which no row shows.
    """
    now, limits = timezone.now(), runtime.current()
    drives = Drive.objects.select_related("system")
    if ids is not None:
        drives = drives.filter(pk__in=list(ids))
    found = list(drives)
    jobs = _last_jobs(ids, brief=brief, evidence=evidence)
    tests = {} if brief else _tests(ids)
    places = {} if brief else places_in_queue()
    states = {drive.system_id: system_state(drive.system, now, limits) for drive in found}
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


def _last_jobs(ids: Collection[int] | None, *, brief: bool, evidence: bool) -> dict[int, Job]:
    latest = Job.objects.order_by().values("drive").annotate(last=Max("pk"))
    if ids is not None:
        latest = latest.filter(drive__in=list(ids))
    jobs = Job.objects.filter(pk__in=latest.values("last"))
    stages = Stage.objects.order_by("position")
    if not evidence:
        # That of a surface run is long.
        jobs, stages = jobs.defer("claims"), stages.defer("evidence")
    if not brief:
        jobs = jobs.prefetch_related(Prefetch("stages", queryset=stages))
    return {job.drive_id: job for job in jobs}


def _tests(ids: Collection[int] | None) -> dict[tuple[int, str], SmartTest]:
    tests = SmartTest.objects.defer("log_before", "log_entry")
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
