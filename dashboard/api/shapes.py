"""What the API tells: sizes in bytes, temperatures in °C, percentages 0 to 100, times in UTC."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from django.utils import timezone
from ninja import Field, Schema
from pydantic import ConfigDict

from audit.models import AuditEvent
from burnin.models import Job, Stage
from burnin.progress import job_percent
from drives.models import SmartReading, SmartTest

from ..rows import Row


def example(*bodies: dict[str, Any]) -> ConfigDict:
    """What the description shows of a shape as a whole; a test sends and reads each."""
    return ConfigDict(json_schema_extra={"examples": [*bodies]})


JobStates = Literal["queued", "running", "passed", "failed", "cancelled", "unknown"]
StageStates = Literal["pending", "running", "passed", "failed", "cancelled", "unknown", "skipped"]


class SystemRef(Schema):
    id: int = Field(..., examples=[1])
    name: str = Field(..., examples=["nas-1"])


class TestOut(Schema):
    """The current or last self-test of a type."""

    type: Literal["short", "long"]
    state: Literal["idle", "running", "passed", "failed", "aborted", "unknown"]
    percent: float | None
    started_at: datetime | None
    eta_at: datetime | None
    finished_at: datetime | None
    error_text: str

    @classmethod
    def of(cls, test: SmartTest) -> TestOut:
        return cls(**{name: getattr(test, name) for name in cls.model_fields})


class StageOut(Schema):
    kind: str = Field(..., examples=["surface_validate"])
    state: StageStates
    percent: float
    started_at: datetime | None
    finished_at: datetime | None
    eta_at: datetime | None
    waiting_for: str = Field(..., description="why it can’t go on just now; empty when it can")
    error_text: str
    run_id: str = Field(..., description="of its run on the host; empty where it has none")
    progress: dict[str, Any] = Field(
        ..., description="of a surface run: phase, pass, rate_bytes_per_second, paused, …"
    )

    @classmethod
    def of(cls, stage: Stage) -> StageOut:
        return cls(**{name: getattr(stage, name) for name in cls.model_fields})


class ClaimOut(Schema):
    """One line of evidence. holds: null when it isn't known."""

    claim: str = Field(..., examples=["Every byte was verified"])
    holds: bool | None
    found: str
    source: str


class JobOut(Schema):
    """A burn-in. `unknown` means inconclusive."""

    id: int = Field(..., examples=[7])
    drive_id: int
    system: SystemRef
    serial: str = Field(..., examples=["ZL2ABCDE"])
    devname: str = Field(..., description="where the drive is now", examples=["sdg"])
    model: str
    size_bytes: int = Field(..., examples=[12_000_138_625_024])
    state: JobStates
    profile: str = Field(..., examples=["full"])
    passes: int
    percent: float
    operator: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    cancel_requested_at: datetime | None
    pause_requested_by: str = Field(..., description="who wants it to hold still; empty: nobody")
    acknowledged_at: datetime | None
    error_text: str = Field(..., description="why it ended so; empty while it runs or passed")
    stages: list[StageOut]

    @staticmethod
    def facts(job: Job) -> dict[str, Any]:
        """Of a job with its drive, system and stages."""
        own = set(JobOut.model_fields) - {
            "system", "devname", "model", "percent", "operator", "stages",
        }  # fmt: skip
        stages = list(job.stages.all())
        return {
            **{name: getattr(job, name) for name in own},
            "system": SystemRef(id=job.system_id, name=job.system.name),
            "devname": job.drive.devname,
            "model": job.drive.model,
            "percent": round(job_percent(job, stages), 2),
            "operator": job.operator_name,
            "stages": [StageOut.of(stage) for stage in stages],
        }

    @classmethod
    def of(cls, job: Job) -> JobOut:
        return cls(**cls.facts(job))


class JobWhole(JobOut):
    """A burn-in with its evidence."""

    claims: list[ClaimOut]
    released: list[dict[str, Any]] = Field(..., description="old data that might be overwritten")
    evidence: dict[str, Any] = Field(..., description="stage kind to what it found")

    @classmethod
    def of(cls, job: Job) -> JobWhole:
        stages = job.stages.all()
        return cls(
            **cls.facts(job),
            claims=[ClaimOut(**claim) for claim in job.claims],
            released=job.released,
            evidence={stage.kind: stage.evidence for stage in stages},
        )


class DriveJob(Schema):
    """A drive's latest burn-in, in short."""

    id: int
    state: JobStates
    percent: float
    stage: str | None = Field(..., description="kind of the stage that runs or is next")
    eta_at: datetime | None
    error_text: str


class DriveOut(Schema):
    id: int = Field(..., examples=[3])
    devname: str = Field(..., description="moves across reboots", examples=["sdg"])
    serial: str = Field(..., examples=["ZL2ABCDE"])
    model: str = Field(..., examples=["ST12000NM0008"])
    size_bytes: int = Field(..., examples=[12_000_138_625_024])
    system: SystemRef
    present: bool
    stale: bool = Field(..., description="its system has not answered lately")
    temperature_c: int | None
    smart_health: Literal["ok", "failed", "unknown"]
    pool: str
    in_use: str = Field(..., description="why it may not be written, as far as the last poll knows")
    location: str
    notes: str
    state: Literal["idle", "running", "queued", "passed", "failed", "attention"]
    tests: list[TestOut]
    burnin: DriveJob | None
    last_polled_at: datetime | None

    @classmethod
    def of(cls, row: Row) -> DriveOut:
        drive = row.drive
        own = {
            "id", "devname", "serial", "model", "size_bytes", "present", "temperature_c",
            "smart_health", "pool", "location", "notes", "last_polled_at",
        }  # fmt: skip
        age = drive.last_polled_at and (timezone.now() - drive.last_polled_at).total_seconds()
        return cls(
            **{name: getattr(drive, name) for name in own},
            system=SystemRef(id=drive.system_id, name=drive.system.name),
            stale=age is None or row.system.words.startswith("stale"),
            in_use=row.lock,
            state=row.standing,  # type: ignore[arg-type]
            tests=[TestOut.of(test) for test in (row.short, row.long) if test is not None],
            burnin=_drive_job(row),
        )


def _drive_job(row: Row) -> DriveJob | None:
    job = row.job
    if job is None:
        return None
    return DriveJob(
        id=job.pk,
        state=job.state,  # type: ignore[arg-type]
        percent=round(row.percent, 2),
        stage=row.stage.kind if row.stage else None,
        eta_at=row.stage.eta_at if row.stage else None,
        error_text=job.error_text,
    )


class ReadingOut(Schema):
    """What the drive said of itself at one moment (smartctl)."""

    taken_at: datetime
    health: Literal["ok", "failed", "unknown"]
    power_on_hours: int | None
    temperature_c: int | None
    counters: dict[str, int] = Field(
        ..., description="only what this drive reports", examples=[{"reallocated_sectors": 0}]
    )

    @classmethod
    def of(cls, reading: SmartReading) -> ReadingOut:
        return cls(**{name: getattr(reading, name) for name in cls.model_fields})


class TemperatureOut(Schema):
    taken_at: datetime
    celsius: int


class EventOut(Schema):
    """One thing that happened; the note is a sentence."""

    id: int
    at: datetime
    kind: str = Field(..., examples=["burnin_passed"])
    actor: str
    source_ip: str | None
    system_id: int | None
    system_name: str
    drive_id: int | None
    drive_serial: str
    job_id: int | None
    note: str

    @classmethod
    def of(cls, event: AuditEvent) -> EventOut:
        return cls(**{name: getattr(event, name) for name in cls.model_fields})
