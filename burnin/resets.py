"""What an admin does by command when something is left over (B15). Each says what it does in
sentences, does nothing with `dry_run`, and is told in the audit log.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from audit.events import record
from audit.models import Kind
from drives.models import Drive, HostRun, SmartReading, SmartTest, System, TemperatureSample
from drives.selftests import Settled, finish
from live.changes import changed

from . import eta, orchestrator
from .models import ACTIVE_JOB_STATES, Job, JobState, Stage, StageKind, StageState
from .orchestrator.endings import let_go
from .orchestrator.going import stuck_after_seconds
from .progress import current_stage

#: A run that was seen alive since then goes on.
FRESH = timedelta(minutes=10)
AT_ONCE = 500


class Refused(Exception):
    """The reset would lose something, or touch what runs."""


def cancel_stuck(hours: float | None, *, by: str, dry_run: bool) -> list[str]:
    """Cancel jobs without progress for so long, and ended ones that still hold their drive.

    Raises Refused for hours that every job has gone without progress.
    """
    if hours is not None and not hours > 0:
        raise Refused("--hours must be above 0")
    told = []
    for job in Job.objects.filter(holds_drive=True).select_related("drive").order_by("pk"):
        stage = current_stage(job)
        idle = stage.idle_seconds if stage is not None else 0.0
        limit = stuck_after_seconds(job) if hours is None else 3600 * hours
        if job.state in ACTIVE_JOB_STATES and (job.state == JobState.QUEUED or idle < limit):
            continue
        why = f"no progress for {idle / 3600:.1f} h" if job.is_active else "ended, holds its drive"
        told.append(f"Burn-in {job.pk} of {job.drive.devname} {job.serial}: {why}")
        if not dry_run:
            orchestrator.cancel(job, by=by)
    return _told("cancel_stuck", told, by, dry_run)


def clear_drive_state(
    serial: str, *, by: str, dry_run: bool, host_is_gone: bool = False
) -> list[str]:
    """Let a drive go whose host does not answer: its job ends as inconclusive, its self-test as
    unknown. Its run may go on there, so it stays known, and is stopped once the host answers;
    host_is_gone: no such host will ever answer again. Raises Refused while a run of it was seen
    alive lately."""
    found = Drive.objects.filter(serial=serial)
    if not found:
        raise Refused(f"No drive has the serial {serial!r}")
    alive = HostRun.objects.filter(
        drive__in=found, alive=True, seen_at__gte=timezone.now() - FRESH
    ).first()
    if alive is not None:
        raise Refused(f"The run {alive.run_id} goes on there: cancel its burn-in instead")
    told = []
    runs = HostRun.objects.filter(drive__in=found, is_open=True)
    reason = f"Cleared by {by}: whether its work has ended isn’t known"
    later = "; its run is stopped once the host answers" if runs and not host_is_gone else ""
    for job in Job.objects.filter(drive__in=found, holds_drive=True).select_related("drive"):
        told.append(f"Burn-in {job.pk} ends and lets {job.drive.devname} go{later}")
        if not dry_run:
            let_go(job, reason)
    for test in SmartTest.objects.filter(drive__in=found, state=SmartTest.State.RUNNING):
        told.append(f"SMART {test.type} of {test.drive.devname} is unknown from now on")
        if not dry_run:
            finish(test, Settled(SmartTest.State.UNKNOWN, None, reason), timezone.now())
    if host_is_gone:
        told += [f"The run {run.run_id} isn’t waited for any more" for run in runs]
        if not dry_run:
            with transaction.atomic():
                runs.update(is_open=False, alive=False)
                changed(found.values_list("pk", flat=True))
    return _told(f"clear_drive_state {serial}", told, by, dry_run)


def delete_mock_drives(*, by: str, dry_run: bool) -> list[str]:
    """Delete the drives of mock systems with all their history. Raises Refused while one is taken.

    A mock that is still polled shows its drives again, without the history.
    """
    drives = Drive.objects.filter(system__kind=System.Kind.MOCK)
    taken = Job.objects.filter(drive__in=drives, holds_drive=True)
    if taken.exists():
        raise Refused(f"{taken.count()} burn-ins of mock drives are not over: cancel them first")
    jobs = Job.objects.filter(drive__in=drives)
    told = [f"{drives.count()} mock drives, {jobs.count()} burn-ins of them"] if drives else []
    if not dry_run:
        with transaction.atomic():
            jobs.delete()
            HostRun.objects.filter(drive__in=drives).delete()
            drives.delete()
    return _told("delete_mock_drives", told, by, dry_run)


def prune_readings(days: int, *, by: str, dry_run: bool) -> list[str]:
    """Delete SMART readings and temperatures older than so many days. What a verdict rests on
    stays, and each drive's first and last reading."""
    before = timezone.now() - timedelta(days=days)
    temperatures = TemperatureSample.objects.filter(taken_at__lt=before)
    old = SmartReading.objects.filter(taken_at__lt=before)
    kept = _cited() | _first_and_last()
    ids = [pk for pk in old.values_list("pk", flat=True) if pk not in kept]
    told = [f"{len(ids):,} SMART readings, {temperatures.count():,} temperatures"]
    if not dry_run:
        for some in _in_parts(ids):
            with transaction.atomic():
                SmartReading.objects.filter(pk__in=some).delete()
        for some in _in_parts(list(temperatures.values_list("pk", flat=True))):
            with transaction.atomic():
                TemperatureSample.objects.filter(pk__in=some).delete()
    return _told(f"prune_readings older than {days} days", told, by, dry_run)


def rebuild_percent(*, by: str, dry_run: bool) -> list[str]:
    """Work out anew how far each stage is and how much it weighs."""
    told = []
    for job in Job.objects.select_related("drive").prefetch_related("stages").order_by("pk"):
        for stage in job.stages.all():
            facts: dict[str, float] = {}
            percent = _percent(stage)
            if abs(percent - stage.percent) >= 0.01:
                facts["percent"] = percent
            if stage.expected_seconds is None:
                facts["expected_seconds"] = eta.expected_seconds(job.drive, stage.kind, job.passes)
            if facts:
                words = ", ".join(f"{name} {value:.1f}" for name, value in facts.items())
                told.append(f"{stage.get_kind_display()} of burn-in {job.pk}: {words}")
                if not dry_run:
                    with transaction.atomic():
                        Stage.objects.filter(pk=stage.pk, state=stage.state).update(**facts)
                        changed([job.drive_id])
    return _told("rebuild_percent", told, by, dry_run)


def _percent(stage: Stage) -> float:
    if stage.state == StageState.PASSED:
        return 100.0
    if stage.state in (StageState.PENDING, StageState.SKIPPED):
        return 0.0
    if stage.run_id:
        head = HostRun.objects.filter(run_id=stage.run_id).values_list("head", flat=True).first()
        percent = (head or {}).get("percent")
        if isinstance(percent, int | float) and 0 <= percent <= 100:
            return float(percent)
    return stage.percent


def _cited() -> set[int]:
    """Readings that verdicts rest on."""
    kinds = (StageKind.PRECHECK, StageKind.FINAL_CHECK)
    found = Stage.objects.filter(kind__in=kinds).values_list("evidence__reading_id", flat=True)
    return {pk for pk in found if isinstance(pk, int)}


def _first_and_last() -> set[int]:
    kept: set[int] = set()
    for drive in Drive.objects.all():
        ordered = drive.readings.order_by("taken_at").values_list("pk", flat=True)
        kept |= {pk for pk in (ordered.first(), ordered.last()) if pk is not None}
    return kept


def _in_parts(ids: list[int]) -> Iterable[list[int]]:
    return (ids[start : start + AT_ONCE] for start in range(0, len(ids), AT_ONCE))


def _told(command: str, told: list[str], by: str, dry_run: bool) -> list[str]:
    if not dry_run:
        with transaction.atomic():
            note = f"{command}: {'; '.join(told) or 'nothing to do'}"
            record(Kind.RESET, note[:4000], actor=by, data={"done": told[:AT_ONCE]})
    return told
