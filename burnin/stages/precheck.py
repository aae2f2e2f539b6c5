"""May this drive be burnt in at all, and what did it say of itself before (B10)?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from config import runtime
from drives import clients, readings
from drives.models import Drive
from drives.smart import Reading
from drives.truenas.types import SelfTestJob

from ..locate import locate
from ..models import DESTRUCTIVE_KINDS, StageState
from ..outcomes import Again, Claim, Ended, Going, Outcome, Refused
from ..temperature import too_warm
from . import Context

A_MOMENT = timedelta(minutes=1)


def may_be_testing(reading: Reading, jobs: Sequence[SelfTestJob], now: datetime) -> bool:
    """Whether a self-test may run on a drive. jobs: the NAS's, that wait for it.

    The drive's own word counts: a job ends minutes after its test, and on CORE 12.0 never where the
    drive's log is full. But a drive takes a moment until it says that it tests.
    """
    if reading.running is not False:
        return reading.running is True or any(job.state == "RUNNING" for job in jobs)
    return any(
        job.state == "RUNNING" and (job.started_at is None or abs(now - job.started_at) < A_MOMENT)
        for job in jobs
    )


def begin(context: Context) -> Outcome:
    """All of it at once; it takes seconds."""
    job, drive = context.job, context.drive
    located = locate(drive, context.system, smart=True)
    reasons = list(located.reasons)
    if drive.use_reason and drive.use_reason not in reasons:
        reasons.append(drive.use_reason)
    if drive.serial != job.serial or drive.size_bytes != job.size_bytes:
        reasons.append("The drive’s serial or size has changed since the request")
    if drive.system_id != job.system_id:
        reasons.append(f"The drive has moved to {drive.system.name}")
    if reasons or located.device is None or located.nas is None:
        return Refused(tuple(reasons))

    reading = readings.of_drive(located.device, drive.serial)
    if reading is None:
        why = located.device.smartctl_error or "no report"
        return Refused((f"The drive’s SMART data can’t be read: {why}",))
    if warm := too_warm(drive, reading.temperature_c, runtime.current()):
        reasons.append(warm)
    if located.view.jobs is None:
        return Going(waiting_for=f"{context.system.name} doesn’t tell which self-tests run")
    waiting = [job for job in located.view.jobs if job.identifier == located.nas.identifier]
    if may_be_testing(reading, waiting, context.now):
        reasons.append("A self-test runs on the drive, or it can’t be told that none does")

    facts: dict[str, str] = {}
    if any(kind in DESTRUCTIVE_KINDS for kind in job.stages.values_list("kind", flat=True)):
        guard = clients.host(context.system).guard(
            located.device.path,
            serial=job.serial,
            size_bytes=job.size_bytes,
            release=job.release,
        )
        facts = guard.facts
        if not guard.allowed:
            reasons += [fact.reason for fact in guard.reasons] or ["The host refuses"]
        if reading.zoned == Drive.Zoned.HOST_MANAGED:
            reasons.append(
                "Its zones are managed by the host (SMR): it can’t be written as other drives are"
            )
    if reasons:
        return Refused(tuple(reasons), {"facts": facts})

    row = readings.store(drive, located.device, reading, context.now)
    claims = [
        Claim(
            "It is the drive that was asked for",
            True,
            f"Serial {job.serial}, {job.size_bytes:,} bytes",
            f"{context.system.name}, its host and the record",
        ),
        Claim(
            "Nothing uses it",
            True,
            f"{len(facts)} facts clear" if facts else "In no pool, not mounted",
            "Pools and boot disks of the NAS, guard on the host",
        ),
        Claim(
            "SMART health at the start",
            {Drive.Health.OK: True, Drive.Health.FAILED: False}.get(reading.health),
            f"{reading.health.label}, {len(reading.counters)} counters read",
            "smartctl",
        ),
    ]
    evidence = {"facts": facts, "reading_id": row.pk, "counters": reading.counters}
    if reading.health == Drive.Health.FAILED:
        reason = "The drive says of itself that it is failing (SMART health)"
        return Ended(StageState.FAILED, reason, tuple(claims), evidence)
    if reading.health != Drive.Health.OK:
        reason = "The drive doesn’t tell its SMART health"
        return Ended(StageState.UNKNOWN, reason, tuple(claims), evidence)
    return Ended(StageState.PASSED, "", tuple(claims), evidence)


def check(context: Context) -> Outcome:
    return Again("its answer was lost", is_gone=True)


def stop(context: Context) -> bool:
    """Nothing of it runs on the host."""
    return True
