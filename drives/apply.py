"""Writes what a poll saw into the database. Called inside one transaction; no network here."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from audit.events import record
from audit.models import Kind
from config import runtime
from live.changes import changed

from . import readings, selftests
from .health import is_stale
from .hosts.types import HostStatus, RunHead
from .models import Drive, HostRun, SmartTest, System, TemperatureSample
from .truenas.types import NasDrive, NasView

SAMPLE_EVERY = timedelta(seconds=60)
#: A status is an answer within that; what was seen later still was seen by a clock set back since.
SINCE_ASKED = timedelta(minutes=10)


def identity_of(entry: NasDrive) -> str:
    """What makes a drive that drive (D2): serial and lunid; weaker facts where those are empty."""
    if entry.serial and entry.lunid:
        return f"{entry.serial}|{entry.lunid}"
    return f"{entry.serial}|{entry.model}|{entry.size_bytes}|{entry.identifier}"


def changed_all(system: System) -> None:
    """Every row of a system shows something else."""
    changed(Drive.objects.filter(system=system).values_list("pk", flat=True))


def drives(system: System, view: NasView, at: datetime) -> None:
    """Upsert the system's drives; those that it no longer lists become absent."""
    entries = {identity_of(entry): entry for entry in view.drives}
    count = Counter(identity_of(entry) for entry in view.drives)
    of_serial = Counter(entry.serial for entry in view.drives if entry.serial)
    known = {
        drive.identity: drive
        for drive in Drive.objects.filter(identity__in=entries).select_related("system", "also_on")
    }
    under_test = _ids_under_test(system)
    seen: list[int] = []
    touched: list[int] = []
    samples: list[TemperatureSample] = []
    for identity, entry in entries.items():
        drive = known.get(identity) or _same_by_weaker_facts(entry, entries)
        if drive is not None and _is_claimed_elsewhere(drive, system, at):
            reason = _claimed_twice(drive.system, system, entry.serial)
            Drive.objects.filter(pk=drive.pk).update(also_on=system, also_at=at, use_reason=reason)
            touched.append(drive.pk)
            continue
        use = view.uses.get(entry.name, "")
        if drive is not None and is_claimed_twice(drive, at):
            use = _claimed_twice(system, drive.also_on, entry.serial)
        twins = max(count[identity], of_serial[entry.serial])
        if twins > 1:
            # The host's devices are matched by serial: none of them is touched.
            use = f"{twins} drives of {system.name} report the serial {entry.serial}"
        facts: dict[str, Any] = {
            "serial": entry.serial,
            "lunid": entry.lunid or (drive.lunid if drive else ""),
            "model": entry.model,
            # A size that was known doesn't become unknown for one answer without it.
            "size_bytes": entry.size_bytes or (drive.size_bytes if drive else 0),
            "rotational": entry.rotational,
            "system": system,
            "identifier": entry.identifier,
            "devname": entry.name,
            "present": True,
            "absent_since": None,
            "pool": view.pools.get(entry.name, ""),
            "use_reason": use,
        }
        celsius = view.temperatures.get(entry.name)
        if celsius is not None:
            facts["temperature_c"] = celsius
        if entry.lunid:
            facts["identity"] = identity
        if drive is None or not drive.form:
            facts["form"] = _form(entry)
        if drive is None:
            drive = Drive.objects.create(**{"identity": identity} | facts)
            words = f"{entry.name} {entry.serial} seen for the first time on {system.name}"
            record(Kind.DRIVE_SEEN, words, system=system, drive=drive)
            touched.append(drive.pk)
        elif _update(drive, facts, system):
            touched.append(drive.pk)
        seen.append(drive.pk)
        sampled_at = drive.temperature_at
        every = timedelta(0) if drive.pk in under_test else SAMPLE_EVERY
        if celsius is not None and (sampled_at is None or at - sampled_at >= every):
            samples.append(TemperatureSample(drive=drive, taken_at=at, celsius=celsius))
    sampled = [sample.drive_id for sample in samples]
    Drive.objects.filter(pk__in=sampled).update(temperature_at=at)
    TemperatureSample.objects.bulk_create(samples)
    here = Drive.objects.filter(system=system)
    here.filter(pk__in=seen).update(last_polled_at=at)
    for drive in here.filter(present=True).exclude(pk__in=seen):
        Drive.objects.filter(pk=drive.pk).update(present=False, absent_since=at, host_path="")
        words = f"{drive.devname} {drive.serial} is no longer listed by {system.name}"
        record(Kind.DRIVE_ABSENT, words, system=system, drive=drive)
        touched.append(drive.pk)
    changed(touched)


def _form(entry: NasDrive) -> str:
    """By what the NAS says, until the drive itself has been read."""
    if entry.name.startswith(("nvme", "nvd", "nda")):
        return Drive.Form.NVME
    if entry.rotational is None:
        return ""
    return Drive.Form.HDD if entry.rotational else Drive.Form.SSD


def _is_claimed_elsewhere(drive: Drive, system: System, at: datetime) -> bool:
    """Another system has it too, just now: one of two twins, or a cable to two hosts.

    A drive that is under test stays where it is tested, whatever others list.
    """
    if drive.system_id == system.pk or not drive.present:
        return False
    return not is_stale(drive.system, at) or is_under_test(drive)


def _claimed_twice(system: System, other: System | None, serial: str) -> str:
    return f"{system.name} and {other} both list the serial {serial}"


def _ids_under_test(system: System) -> set[int]:
    """Their temperatures are kept at each poll (D9)."""
    here = Drive.objects.filter(system=system)
    tests = here.filter(smart_tests__state=SmartTest.State.RUNNING)
    return {*tests.values_list("pk", flat=True)} | {
        *here.filter(runs__is_open=True).values_list("pk", flat=True)
    }


def is_under_test(drive: Drive) -> bool:
    return (
        drive.runs.filter(is_open=True).exists()
        or drive.smart_tests.filter(state=SmartTest.State.RUNNING).exists()
    )


def is_claimed_twice(drive: Drive, at: datetime) -> bool:
    """Another system has listed it within the time after which answers are stale."""
    if drive.also_on_id in (None, drive.system_id) or drive.also_at is None:
        return False
    return (at - drive.also_at).total_seconds() <= runtime.current().stale_threshold_seconds


def _same_by_weaker_facts(entry: NasDrive, entries: dict[str, NasDrive]) -> Drive | None:
    """The drive that this is, where the NAS tells its lunid at some times and not at others."""
    if not entry.serial:
        return None
    same = Drive.objects.filter(serial=entry.serial, model=entry.model).exclude(
        identity__in=entries
    )
    found = [
        drive
        for drive in same.select_related("system", "also_on")
        if not (entry.lunid and drive.lunid)
        and (not entry.size_bytes or drive.size_bytes == entry.size_bytes)
    ]
    return found[0] if len(found) == 1 else None


def _update(drive: Drive, facts: dict[str, Any], system: System) -> bool:
    """Write what differs; True when something did."""
    different = {name: value for name, value in facts.items() if getattr(drive, name) != value}
    if not different:
        return False
    if "system" in different or "devname" in different or not drive.present:
        different["host_path"] = ""  # it may have another name there now
    if "system" in different:
        words = f"{drive.serial} moved from {drive.system.name} to {system.name}"
        record(Kind.DRIVE_MOVED, words, system=system, drive=drive)
    elif not drive.present:
        words = f"{facts['devname']} {drive.serial} is back on {system.name}"
        record(Kind.DRIVE_RETURNED, words, system=system, drive=drive)
    for name, value in different.items():
        setattr(drive, name, value)
    drive.save(update_fields=list(different))
    return True


def jobs(system: System, view: NasView, at: datetime) -> None:
    """Progress of smart.test.wait jobs; a self-test that somebody else started gets its row."""
    if view.jobs is None:
        return
    running = {
        (job.identifier, job.type): job
        for job in view.jobs
        if job.state == "RUNNING" and job.type in SmartTest.Type.values
    }
    here = {drive.identifier: drive for drive in Drive.objects.filter(system=system, present=True)}
    tests = {
        (test.drive.identifier, test.type): test
        for test in SmartTest.objects.filter(drive__in=here.values()).select_related("drive")
    }
    touched = []
    for key, job in running.items():
        test, drive = tests.get(key), here.get(key[0])
        if drive is None:
            continue
        if test is not None and test.state != SmartTest.State.RUNNING:
            if test.nas_job_id == job.job_id:
                continue  # the NAS's waiting lags behind the drive's own log, which settled it
            test = None
        if test is None:
            selftests.begin(
                drive,
                SmartTest.Type(job.type),
                log_before=_last_known_log(drive),
                nas_job_id=job.job_id,
                eta_at=None,
                now=job.started_at or at,
                note=f"SMART {job.type} of {drive.devname} was started outside of this program",
            )
        elif job.percent is not None and test.percent != job.percent:
            SmartTest.objects.filter(pk=test.pk, state=SmartTest.State.RUNNING).update(
                percent=job.percent, nas_job_id=job.job_id
            )
            touched.append(drive.pk)
    changed(touched)


def _last_known_log(drive: Drive) -> list[dict[str, Any]]:
    reading = drive.readings.exclude(self_tests=None).order_by("-taken_at").first()
    return reading.self_tests or [] if reading else []


def runs(system: System, status: HostStatus, at: datetime) -> None:
    """Keep what the host says of each run that we know, and which of them it doesn't know."""
    heads = {head.run_id: head for head in status.runs}
    touched = []
    alive = [run_id for run_id, head in heads.items() if head.alive]
    # A run that was taken for over, and lives: it is watched again, and whoever may stops it.
    HostRun.objects.filter(system=system, run_id__in=alive, is_open=False).update(is_open=True)
    for run in HostRun.objects.filter(system=system, is_open=True):
        if run.seen_at is not None and at <= run.seen_at <= at + SINCE_ASKED:
            continue  # somebody has talked to the run itself since this was asked
        head = heads.get(run.run_id)
        if head is not None:
            note_run(run, head, at)
        elif run.run_id not in status.garbled and run.missing_since is None:
            HostRun.objects.filter(pk=run.pk).update(missing_since=at, alive=False)
        touched.append(run.drive_id)
    changed(touched)


def note_run(run: HostRun, head: RunHead, at: datetime) -> None:
    """Store a head; a run with a verdict whose process is gone is over."""
    HostRun.objects.filter(pk=run.pk).update(
        head=head.raw,
        alive=head.alive,
        is_open=head.alive or head.verdict is None,
        seen_at=at,
        missing_since=None,
    )


def self_tests(system: System, status: HostStatus, at: datetime) -> None:
    """Readings of the drives that were asked; self-tests that ended are settled by them."""
    by_serial = {device.serial: device for device in status.devices if device.serial}
    for device in status.devices:
        # Another drive has that path by now; the next poll asks where ours has gone.
        misplaced = Drive.objects.filter(system=system, host_path=device.path)
        misplaced.exclude(serial=device.serial).update(host_path="")
    tests = SmartTest.objects.filter(
        drive__system=system, drive__serial__in=by_serial, state=SmartTest.State.RUNNING
    ).select_related("drive", "drive__system")
    read: dict[int, Any] = {}
    for test in tests:
        device = by_serial[test.drive.serial]
        reading = readings.of_drive(device, test.drive.serial)
        if reading is None:
            continue
        if test.drive_id not in read:
            read[test.drive_id] = readings.keep(test.drive, device, reading, at)
        elapsed = (at - test.started_at).total_seconds() / 3600 if test.started_at else 0.0
        settled = selftests.settle(test.type, test.log_before, reading, elapsed_hours=elapsed)
        if settled is not None:
            selftests.finish(test, settled, at)
        elif reading.running_percent is not None and (test.percent or 0) < reading.running_percent:
            SmartTest.objects.filter(pk=test.pk, state=SmartTest.State.RUNNING).update(
                percent=reading.running_percent
            )
    changed(read)
