"""The closing SMART reading of a job that ended before its final check: failed or cancelled too."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from config import runtime
from drives import clients, readings
from drives.hosts.ssh import HostError
from drives.leases import leased
from live.changes import changed

from . import verdict
from .models import Job, Stage, StageKind, StageState
from .outcomes import Claim

logger = logging.getLogger(__name__)

GIVE_UP_AFTER = timedelta(hours=1)


def take(job_id: int) -> None:
    """Read the drive once more and add what changed to the evidence. The verdict stays."""
    job = (
        Job.objects.select_related("drive", "system")
        .filter(pk=job_id, closing_reading_due=True)
        .first()
    )
    if job is None or job.finished_at is None:
        return
    with leased(Stage.objects.filter(job=job, position=0), "lease") as lease:
        if lease is not None:
            _take(job)


def _take(job: Job) -> None:
    assert job.finished_at is not None
    now = timezone.now()
    try:
        claims = _claims(job)
    except HostError as error:
        if now - job.finished_at < GIVE_UP_AFTER:
            logger.info("%s: no closing reading yet: %s", job, error)
            return
        claims = [Claim("Closing SMART reading", None, f"Not taken: {error}", "smartctl")]
    with transaction.atomic():
        done = Job.objects.filter(pk=job.pk, closing_reading_due=True).update(
            closing_reading_due=False,
            claims=job.claims + [claim.as_json() for claim in claims],
        )
        if done:
            changed([job.drive_id])


def _claims(job: Job) -> list[Claim]:
    host = clients.host(job.system)
    devices = [device for device in host.probe() if device.serial == job.serial]
    if len(devices) != 1:
        why = f"The host has {len(devices)} drives with serial {job.serial}"
        return [Claim("Closing SMART reading", None, why, "The host")]
    probed = host.probe(devices[0].path, smart=True)
    reading = readings.of_drive(probed[0], job.serial) if probed else None
    if reading is None:
        return [Claim("Closing SMART reading", None, "The drive gave no report", "smartctl")]
    readings.store(job.drive, probed[0], reading, timezone.now())
    precheck = job.stages.filter(kind=StageKind.PRECHECK, state=StageState.PASSED).first()
    before = precheck.evidence.get("counters") if precheck else None
    if before is None:
        text = f"Taken, {len(reading.counters)} counters"
        return [Claim("Closing SMART reading", True, text, "smartctl")]
    allowed = runtime.current().rises_allowed
    return list(verdict.counters(before, reading.counters, allowed).claims)
