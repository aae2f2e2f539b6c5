"""Puts one system, drive or burn-in of the story into the database, as if it had happened then."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F

from audit.models import AuditEvent, Kind
from burnin.models import Job, JobState, Stage, StageKind, StageState
from drives.models import Drive, SmartReading, System, TemperatureSample
from tests.story.evidence import Claims, proven

PRE, SHORT, LONG, SURFACE, FINAL = (
    StageKind.PRECHECK,
    StageKind.SHORT_SMART,
    StageKind.LONG_SMART,
    StageKind.SURFACE_VALIDATE,
    StageKind.FINAL_CHECK,
)
FULL = (PRE, SHORT, LONG, SURFACE, FINAL)
PROFILES = {FULL: "full", (PRE, SURFACE, FINAL): "surface", (PRE, SHORT, LONG, FINAL): "short_long"}


@contextmanager
def own_times() -> Iterator[None]:
    """While this is open, rows keep the creation times that they are given."""
    fields = [
        AuditEvent._meta.get_field("at"),
        Job._meta.get_field("created_at"),
        Drive._meta.get_field("created_at"),
    ]
    for field in fields:
        field.auto_now_add = False  # type: ignore[union-attr]
    try:
        with transaction.atomic():
            yield
    finally:
        for field in fields:
            field.auto_now_add = True  # type: ignore[union-attr]


def drive(system: System, devname: str, serial: str, model: str, tb: float, **facts: Any) -> Drive:
    size = int(tb * 1e12) // (1 << 22) * (1 << 22) + 138_624
    return Drive.objects.create(
        **{
            "identity": f"{serial}|5000c500{serial}",
            "serial": serial,
            "lunid": f"5000c500{serial}",
            "model": model,
            "size_bytes": size // 4096 * 4096,
            "system": system,
            "identifier": f"{{serial_lunid}}{serial}_5000c500{serial}",
            "devname": devname,
            "rotational": True,
            "temperature_c": 37,
            "temperature_at": system.last_polled_at,
            "last_polled_at": system.last_polled_at,
            "smart_health": "ok",
            "smart_read_at": system.last_polled_at,
            "created_at": (system.last_polled_at or system.created_at) - timedelta(days=3),
        }
        | facts
    )


@dataclass(frozen=True)
class Happened:
    """An audit event that waits for its turn; `job` is the number its job had then."""

    kind: Kind
    note: str
    at: datetime
    facts: dict[str, Any]
    job: Job | None


_happened: list[Happened] = []


def event(
    kind: Kind, note: str, at: datetime, *, of: Job | Drive | None = None, **facts: Any
) -> None:
    """It is written by `in_order`, when all of them are known."""
    of_drive = of.drive if isinstance(of, Job) else of
    known = {}
    if of_drive is not None:
        system = of.system if isinstance(of, Job) else of_drive.system
        known = {
            "drive_id": of_drive.pk,
            "drive_serial": of_drive.serial,
            "system_id": system.pk,
            "system_name": system.name,
        }
    _happened.append(Happened(kind, note, at, known | facts, of if isinstance(of, Job) else None))


#: Above every number of a burn-in of the story.
FAR = 1_000_000


def in_order() -> None:
    """Burn-ins are numbered as they were asked for, and events stand as they happened: at the end,
    because the story is told drive by drive."""
    before = list(Job.objects.order_by("created_at", "pk").values_list("pk", flat=True))
    number = {pk: place for place, pk in enumerate(before, 1)}
    for pk, place in number.items():
        Job.objects.filter(pk=pk).update(id=FAR + place)
        Stage.objects.filter(job=pk).update(job=FAR + place)
    Job.objects.update(id=F("id") - FAR)
    Stage.objects.update(job_id=F("job_id") - FAR)
    events = []
    for one in sorted(_happened, key=lambda one: one.at.replace(microsecond=0)):
        note, facts = one.note, one.facts
        if one.job is not None:
            job_id = number[one.job.pk]
            note = f"Burn-in {job_id} of {one.job.drive.devname} {one.job.serial}: {note}"
            facts = facts | {"job_id": job_id}
        events.append(AuditEvent(kind=one.kind, note=note, at=one.at, **facts))
    AuditEvent.objects.bulk_create(events)
    _happened.clear()


def reading(drive: Drive, at: datetime, raw: dict[str, Any], log: list[dict[str, Any]]) -> None:
    SmartReading.objects.create(
        drive=drive,
        taken_at=at,
        health="ok",
        power_on_hours=raw["power_on_time"]["hours"],
        temperature_c=raw["temperature"]["current"],
        counters={},
        self_tests=log,
        raw=raw,
    )


def temperatures(
    drive: Drive, start: datetime, end: datetime, shape: Sequence[int], every_minutes: int = 10
) -> None:
    """Samples from start to end that pass through these temperatures at even distances."""
    count = max(2, int((end - start).total_seconds() // 60 // every_minutes))
    samples = []
    for number in range(count):
        place = number / (count - 1) * (len(shape) - 1)
        low = min(int(place), len(shape) - 2)
        celsius = shape[low] + (shape[low + 1] - shape[low]) * (place - low)
        wobble = (number * 7919 % 13) / 13 - 0.5
        samples.append(
            TemperatureSample(
                drive=drive,
                taken_at=start + timedelta(minutes=every_minutes * number),
                celsius=round(celsius + wobble),
            )
        )
    TemperatureSample.objects.bulk_create(samples)


#: seconds that a stage takes for each byte of the drive
SECONDS = {PRE: 9.0, SHORT: 120.0, FINAL: 11.0}


def took(kind: str, size: int, passes: int) -> float:
    return SECONDS.get(StageKind(kind), size / 185e6 * (1 if kind == LONG else 2 * passes))


def job(
    drive: Drive,
    ended: datetime,
    *,
    state: JobState = JobState.PASSED,
    kinds: Sequence[StageKind] = FULL,
    fails_at: StageKind | None = None,
    share: float = 1.0,
    reason: str = "",
    by: str = "alice",
    passes: int = 2,
    slower: float = 1.0,
    evidence: dict[StageKind, dict[str, Any]] | None = None,
    found: Claims | None = None,
    closing: Claims | None = None,
    hours: int = 12_000,
    **facts: Any,
) -> Job:
    """A burn-in that is over: all stages passed, or the one at `fails_at` ended it at `share`.

    found: what that one found. closing: what the drive said of itself after it. hours: the drive's
    power-on hours at the start.
    """
    lengths, over = [], False
    for kind in kinds:
        seconds = took(kind, drive.size_bytes, passes) * (slower if kind in (LONG, SURFACE) else 1)
        lengths.append(0.0 if over else seconds * (share if kind == fails_at else 1))
        over = over or kind == fails_at
    began = at = ended - timedelta(seconds=sum(lengths))
    made = Job.objects.create(
        drive=drive,
        system=drive.system,
        serial=drive.serial,
        size_bytes=drive.size_bytes,
        state=state,
        profile=PROFILES.get(tuple(kinds), "short"),
        passes=passes,
        operator_name=by,
        created_at=began - timedelta(seconds=40),
        started_at=began,
        finished_at=ended,
        error_text=reason,
        holds_drive=False,
        **facts,
    )
    event(Kind.BURNIN_QUEUED, f"queued: {', '.join(k.label for k in kinds[1:-1])}",
          made.created_at, of=made, actor=by, source_ip="192.168.1.20")  # fmt: skip
    event(Kind.BURNIN_STARTED, "started", began, of=made)
    ending, over, stages = StageState(state.value), False, []
    claims: Claims = []
    for position, (kind, seconds) in enumerate(zip(kinds, lengths, strict=True)):
        here = StageState.SKIPPED if over else ending if kind == fails_at else StageState.PASSED
        stage = Stage(job=made, position=position, kind=kind, state=here)
        stage.evidence = (evidence or {}).get(kind, {})
        if not over:
            told = found or [] if kind == fails_at else proven(kind, drive, hours, passes)
            stage.evidence["claims"] = told
            claims += told
            stage.started_at, at = at, at + timedelta(seconds=seconds)
            stage.finished_at = at
            stage.percent = 100 * (share if kind == fails_at else 1)
            stage.error_text = reason if kind == fails_at else ""
            event(Kind.STAGE_STARTED, f"{kind.label} started", stage.started_at, of=made)
            words = f"{kind.label} passed"
            if kind == fails_at:
                words = reason if reason.startswith(kind.label) else f"{kind.label}: {reason}"
                if reason.startswith("refused: "):
                    event(Kind.BURNIN_REFUSED, reason, at, of=made)
            event(Kind.STAGE_FINISHED, words, at, of=made)
        over = over or kind == fails_at
        stages.append(stage)
    Stage.objects.bulk_create(stages)
    end = {"passed": Kind.BURNIN_PASSED, "failed": Kind.BURNIN_FAILED,
           "cancelled": Kind.BURNIN_CANCELLED}.get(state.value, Kind.BURNIN_UNKNOWN)  # fmt: skip
    ending_words = f"{state.label.lower()}{': ' + reason if reason else ''}"
    if state == JobState.CANCELLED and reason:
        ending_words = reason
    event(end, ending_words, ended, of=made)
    order = {False: 0, None: 1, True: 2}
    made.claims = sorted(claims, key=lambda claim: order[claim["holds"]]) + (closing or [])
    made.save(update_fields=["claims"])
    return made


def going(
    drive: Drive,
    now: datetime,
    at_kind: StageKind,
    percent: float,
    *,
    kinds: Sequence[StageKind] = FULL,
    by: str = "alice",
    passes: int = 2,
    progress: dict[str, Any] | None = None,
    waiting_for: str = "",
    hours: int = 12_000,
    **facts: Any,
) -> Job:
    """A burn-in that runs now, in that stage."""
    lengths = [took(kind, drive.size_bytes, passes) for kind in kinds]
    place = list(kinds).index(at_kind)
    here = lengths[place] * percent / 100
    at = began = now - timedelta(seconds=sum(lengths[:place]) + here)
    made = Job.objects.create(
        drive=drive, system=drive.system, serial=drive.serial, size_bytes=drive.size_bytes,
        state=JobState.RUNNING, profile=PROFILES.get(tuple(kinds), "short"), passes=passes,
        operator_name=by, created_at=began - timedelta(seconds=40), started_at=began, **facts,
    )  # fmt: skip
    event(Kind.BURNIN_QUEUED, f"queued: {', '.join(k.label for k in kinds[1:-1])}",
          made.created_at, of=made, actor=by, source_ip="192.168.1.20")  # fmt: skip
    event(Kind.BURNIN_STARTED, "started", began, of=made)
    stages = []
    for position, (kind, seconds) in enumerate(zip(kinds, lengths, strict=True)):
        stage = Stage(job=made, position=position, kind=kind)
        if position < place:
            stage.state, stage.percent, stage.started_at = StageState.PASSED, 100, at
            stage.evidence = {"claims": proven(kind, drive, hours, passes)}
            event(Kind.STAGE_STARTED, f"{kind.label} started", at, of=made)
            stage.finished_at = at = at + timedelta(seconds=seconds)
            event(Kind.STAGE_FINISHED, f"{kind.label} passed", at, of=made)
        elif position == place:
            stage.state, stage.percent, stage.started_at = StageState.RUNNING, percent, at
            stage.progress, stage.waiting_for = progress or {}, waiting_for
            if not waiting_for and not stage.progress.get("paused"):
                stage.eta_at = now + timedelta(seconds=seconds - here)
            event(Kind.STAGE_STARTED, f"{kind.label} started", at, of=made)
        stages.append(stage)
    Stage.objects.bulk_create(stages)
    return made
