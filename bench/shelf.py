"""Drives in every state, for measuring and looking at pages: rows in a database, and no NAS."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from burnin.models import Job, JobState, Stage, StageKind, StageState
from burnin.plan import Plan
from drives.models import Drive, SmartTest, System, TemperatureSample

MODELS = (
    ("ST12000NM0008", 12 * 10**12),
    ("WD80EFAX", 8 * 10**12),
    ("ST16000NM001G", 16 * 10**12),
    ("MG06ACA10TE", 10 * 10**12),
    ("HUS728T8TAL5200", 8 * 10**12),
)
SAMPLE_EVERY = timedelta(minutes=20)
ORDER = (StageKind.SHORT_SMART, StageKind.LONG_SMART, StageKind.SURFACE_VALIDATE)


def fill(drives: int, running: int, *, systems: int = 2, seed: int = 1) -> None:
    """Make that many drives on that many systems; of them `running` with a surface run going on,
    and some of each other state."""
    dice = random.Random(seed)  # noqa: S311
    now = timezone.now()
    made = [_system(f"nas-{number + 1}", now) for number in range(systems)]
    rows = []
    for number in range(drives):
        model, size = MODELS[dice.randrange(len(MODELS))]
        serial = f"ZHZ{number:05d}"
        rows.append(
            Drive(
                identity=f"{serial}|",
                serial=serial,
                model=model,
                size_bytes=size,
                system=made[number * systems // drives],
                identifier=serial,
                devname=f"sd{letters(number)}",
                temperature_c=dice.randint(30, 46),
                smart_health=Drive.Health.OK,
                last_polled_at=now,
                location=f"Shelf {'ABCDEFGH'[number // 24 % 8]} · {number % 24 + 1}",
                use_reason="In pool tank" if number % 12 == 0 else "",
                pool="tank" if number % 12 == 0 else "",
            )
        )
    found = Drive.objects.bulk_create(rows)
    _temperatures(found, dice, now)
    _tests(found, now)
    free = [drive for drive in found if not drive.use_reason]
    for drive in free[:running]:
        _running(drive, dice, now)
    rest = free[running:]
    ends = (JobState.PASSED, JobState.PASSED, JobState.PASSED, JobState.FAILED, JobState.UNKNOWN)
    for number, drive in enumerate(rest[: len(rest) // 3]):
        _ended(drive, ends[number % 20] if number % 20 < len(ends) else JobState.PASSED, now)
    for drive in rest[len(rest) // 3 : len(rest) // 3 + running // 5]:
        _job(drive, now, state=JobState.QUEUED)


def letters(number: int) -> str:
    """0 → a, 25 → z, 26 → aa: as Linux names its disks."""
    name = ""
    number += 1
    while number:
        number, place = divmod(number - 1, 26)
        name = chr(ord("a") + place) + name
    return name


def _system(name: str, now: datetime) -> System:
    return System.objects.create(
        name=name,
        kind=System.Kind.MOCK,
        base_url="http://127.0.0.1:1",
        api_key="mock-key",
        ssh_host="127.0.0.1",
        ssh_port=1,
        ssh_key_file="/nowhere/key",
        ssh_host_key="ssh-ed25519 AAAA",
        version="TrueNAS-13.0-U6.1",
        last_polled_at=now,
    )


def _temperatures(drives: Sequence[Drive], dice: random.Random, now: datetime) -> None:
    steps = timedelta(hours=24) // SAMPLE_EVERY
    samples = []
    for drive in drives:
        celsius = float(drive.temperature_c or 35)
        for step in range(steps):
            celsius += dice.uniform(-0.5, 0.5)
            at = now - step * SAMPLE_EVERY
            samples.append(TemperatureSample(drive=drive, taken_at=at, celsius=round(celsius)))
    TemperatureSample.objects.bulk_create(samples, batch_size=5000)


def _tests(drives: Sequence[Drive], now: datetime) -> None:
    SmartTest.objects.bulk_create(
        SmartTest(
            drive=drive,
            type=type_,
            state=SmartTest.State.PASSED,
            finished_at=now - timedelta(hours=5 + drive.pk % 200),
        )
        for drive in drives
        for type_ in SmartTest.Type
    )


def _job(drive: Drive, now: datetime, **facts: Any) -> Job:
    plan = Plan.from_choice([str(kind) for kind in ORDER], 2)
    job = Job.objects.create(
        **{
            "drive": drive,
            "system": drive.system,
            "serial": drive.serial,
            "size_bytes": drive.size_bytes,
            "profile": plan.profile,
            "passes": 2,
            "operator_name": "alice",
        }
        | facts
    )
    Stage.objects.bulk_create(
        Stage(job=job, position=position, kind=kind)
        for position, kind in enumerate(plan.all_stages)
    )
    return job


def _running(drive: Drive, dice: random.Random, now: datetime) -> None:
    started = now - timedelta(hours=dice.randint(2, 70))
    job = _job(drive, now, state=JobState.RUNNING, started_at=started)
    job.stages.filter(position__lt=3).update(
        state=StageState.PASSED, percent=100, started_at=started, finished_at=started
    )
    percent = dice.uniform(1, 99)
    total = 4 * drive.size_bytes
    job.stages.filter(position=3).update(
        state=StageState.RUNNING,
        percent=percent,
        started_at=started,
        eta_at=now + timedelta(hours=dice.randint(1, 60)),
        progress={
            "phase": "verify",
            "pass": 1,
            "rate_bytes_per_second": dice.randint(150, 240) * 10**6,
            "bytes_written": int(total * percent / 200),
            "bytes_verified": int(total * percent / 200),
            "bytes_total": total,
            "paused": None,
        },
    )


def _ended(drive: Drive, state: JobState, now: datetime) -> None:
    why = {
        JobState.FAILED: "12 sectors could not be read back, the first at LBA 7,812,939,776 "
        "(33 % of the drive)",
        JobState.UNKNOWN: "Host rebooted during SMART long",
    }.get(state, "")
    ended = now - timedelta(hours=3 + drive.pk % 100)
    job = _job(
        drive,
        now,
        state=state,
        error_text=why,
        holds_drive=False,
        started_at=ended - timedelta(hours=60),
        finished_at=ended,
    )
    passed = 5 if state == JobState.PASSED else 3
    job.stages.filter(position__lt=passed).update(state=StageState.PASSED, percent=100)
    if state == JobState.FAILED:
        job.stages.filter(position=3).update(state=StageState.FAILED, error_text=why, percent=33)
