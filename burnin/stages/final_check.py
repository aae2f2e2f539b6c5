"""Is it still the same drive, healthy, and did no counter rise since the precheck (B11)?"""

from __future__ import annotations

from config import runtime
from drives import readings
from drives.models import Drive

from .. import verdict
from ..locate import locate
from ..models import StageKind, StageState
from ..outcomes import Again, Claim, Ended, Going, Outcome
from . import Context


def begin(context: Context) -> Outcome:
    """All of it at once; it takes seconds."""
    job, drive = context.job, context.drive
    located = locate(drive, context.system, smart=True)
    if located.is_incomplete:
        return Going(waiting_for="; ".join(located.reasons))
    same = Claim(
        "Same drive before and after",
        not located.reasons and located.device is not None,
        "; ".join(located.reasons) or f"Serial {job.serial}, {job.size_bytes:,} bytes",
        f"{context.system.name}, its host and the record",
    )
    if located.reasons or located.device is None:
        reason = f"The final check could not be done: {'; '.join(located.reasons)}"
        return Ended(StageState.UNKNOWN, reason, (same,))
    reading = readings.of_drive(located.device, drive.serial)
    if reading is None:
        why = located.device.smartctl_error or "no report"
        return Going(waiting_for=f"The closing SMART reading can’t be had: {why}")
    row = readings.store(drive, located.device, reading, context.now)
    before = context.evidence_of(StageKind.PRECHECK).get("counters")
    compared = verdict.counters(before, reading.counters, runtime.current().rises_allowed)
    health = Claim(
        "SMART health at the end",
        {Drive.Health.OK: True, Drive.Health.FAILED: False}.get(reading.health),
        reading.health.label,
        "smartctl",
    )
    claims = (*compared.claims, same, health)
    evidence = {"before": before, "after": reading.counters, "reading_id": row.pk}
    state, reason = compared.state, compared.reason
    if reading.health == Drive.Health.FAILED:
        state = StageState.FAILED
        reason = "; ".join(filter(None, [reason, "The drive says that it is failing"]))
    elif reading.health != Drive.Health.OK and state == StageState.PASSED:
        state, reason = StageState.UNKNOWN, "The drive doesn’t tell its SMART health"
    return Ended(state, reason, claims, evidence)


def check(context: Context) -> Outcome:
    return Again("its answer was lost", is_gone=True)


def stop(context: Context) -> bool:
    """Nothing of it runs on the host."""
    return True
