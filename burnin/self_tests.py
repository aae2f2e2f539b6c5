"""One SMART self-test of one drive, outside of a burn-in (D10). Any drive may be tested: it is read
only, also one in a pool.

The row is written before the drive is asked to start, with the drive's log as it was: whatever
happens to the answer, the poll settles the row by that log.
"""

from __future__ import annotations

import logging

from django.db import transaction
from django.utils import timezone

from audit.events import record
from audit.models import Kind
from drives import clients, readings, selftests, starting
from drives.health import is_stale
from drives.hosts.ssh import HostError
from drives.models import Drive, SmartTest, System
from drives.selftests import Settled
from drives.smart import Reading
from drives.truenas.types import NasError

from .locate import locate
from .models import Job
from .orchestrator import NotActive, RequestRefused

logger = logging.getLogger(__name__)


def refusals(drive: Drive) -> list[str]:
    """Every reason against a self-test that the database knows."""
    reasons = []
    if not drive.present:
        reasons.append(f"{drive.system.name} doesn’t list this drive any more")
    if is_stale(drive.system, timezone.now()):
        reasons.append(f"{drive.system.name} has not answered lately")
    if not drive.serial:
        reasons.append("The drive reports no serial number, so it can’t be told from another")
    if holding := _holding(drive):
        reasons.append(f"Burn-in {holding.pk} has this drive")
    if running := drive.smart_tests.filter(state=SmartTest.State.RUNNING).first():
        reasons.append(f"{running.get_type_display()} runs on it already")
    return reasons


def start(drive: Drive, type: str, *, by: str, source_ip: str | None = None) -> SmartTest:
    """Start a self-test, short or long. Raises RequestRefused with every reason.

    1. Ask the record. 2. Find the drive and read its log. 3. Write the row. 4. Start.
    """
    kind = SmartTest.Type(type)
    if reasons := refusals(drive):
        raise RequestRefused(reasons)
    try:
        located, reading = _ready(drive)
    except (HostError, NasError) as error:
        raise RequestRefused([f"{drive.system.name} can’t be asked: {error}"]) from None
    with transaction.atomic():
        # Two clicks take turns here, and the second finds the row of the first.
        Drive.objects.select_for_update(no_key=True).get(pk=drive.pk)
        if reasons := refusals(drive):
            raise RequestRefused(reasons)
        test = selftests.begin(
            drive,
            kind,
            log_before=[entry.as_json() for entry in reading.self_tests or ()],
            nas_job_id=None,
            eta_at=None,
            now=timezone.now(),
            note=f"{kind.label} of {drive.devname} started by {by}",
            actor=by,
            source_ip=source_ip,
        )
    try:
        started = starting.start(drive.system, located, reading, kind)
    except (HostError, NasError) as error:
        # It may run or not; the drive's own log tells at the next poll.
        logger.warning("%s: no answer to the start of %s: %s", drive, kind, error)
        return test
    if started.error:
        words = f"{drive.system.name} could not start it: {started.error}"
        selftests.finish(test, Settled(SmartTest.State.UNKNOWN, None, words), timezone.now())
        raise RequestRefused([words])
    SmartTest.objects.filter(pk=test.pk, state=SmartTest.State.RUNNING).update(
        nas_job_id=started.job_id, eta_at=started.expected_at
    )
    test.refresh_from_db()
    return test


def cancel(drive: Drive, type: str, *, by: str, source_ip: str | None = None) -> None:
    """Stop a self-test on the drive itself, and record it once the drive says that it has stopped.

    Raises NotActive where none runs, RequestRefused where it can't be stopped.
    """
    test = SmartTest.objects.filter(drive=drive, type=type, state=SmartTest.State.RUNNING).first()
    if test is None:
        raise NotActive(f"No SMART {type} test runs on {drive.devname}")
    if holding := _holding(drive):
        raise RequestRefused([f"It belongs to burn-in {holding.pk}: cancel that"])
    try:
        if not stop_on_drive(drive, drive.system):
            raise RequestRefused(["The drive was asked to stop, and doesn’t say that it has"])
    except HostError as error:
        raise RequestRefused([f"{drive.system.name} can’t be asked: {error}"]) from None
    with transaction.atomic():
        record(
            Kind.SMART_CANCELLED,
            f"SMART {type} of {drive.devname} cancelled by {by}",
            actor=by,
            source_ip=source_ip,
            system=drive.system,
            drive=drive,
        )
        selftests.cancelled(test, by, timezone.now())
    forget_on_nas(test)


def stop_on_drive(drive: Drive, system: System) -> bool:
    """`smartctl -X` on the host: the NAS's own abort lets the drive go on (CORE, to 24.04).

    True once the drive says that it tests no more, or isn't there. Raises HostError.
    """
    host = clients.host(system)
    devices = [device for device in host.probe() if device.serial == drive.serial]
    if len(devices) > 1:
        raise HostError(f"{len(devices)} drives report the serial {drive.serial}")
    if not devices:
        return True
    host.abort_self_test(devices[0].path, serial=drive.serial)
    probed = host.probe(devices[0].path, smart=True)
    reading = readings.of_drive(probed[0], drive.serial) if probed else None
    return reading is not None and reading.running is False


def forget_on_nas(test: SmartTest) -> None:
    """The drive has stopped; the NAS's job that waits for it is only untidy."""
    if test.nas_job_id is None:
        return
    try:
        with clients.nas(test.drive.system) as nas:
            nas.forget_self_test(test.nas_job_id, test.drive.identifier, test.type)
    except NasError as error:
        logger.info("%s: the NAS’s job stays: %s", test, error)


def _ready(drive: Drive) -> tuple[starting.Where, Reading]:
    """Where the drive is, and what it says of itself, where a test may be started now.

    Raises RequestRefused, HostError or NasError.
    """
    located = locate(drive, drive.system, smart=True, to_write=False)
    if located.reasons or located.device is None or located.nas is None:
        raise RequestRefused(list(located.reasons))
    reading = readings.of_drive(located.device, drive.serial)
    if reading is None:
        why = located.device.smartctl_error or "no report"
        raise RequestRefused([f"The drive’s SMART data can’t be read: {why}"])
    if why := reading.tests.why_none:
        raise RequestRefused([why[:1].upper() + why[1:]])
    if reading.self_tests is None or reading.running is None:
        raise RequestRefused(["The drive has no self-test log that can be read"])
    if reading.running:
        raise RequestRefused(["A self-test runs on the drive already"])
    readings.store(drive, located.device, reading, timezone.now())
    return starting.Where(located.view, located.nas, located.device), reading


def _holding(drive: Drive) -> Job | None:
    """By serial: a drive may have two rows where a NAS doesn't tell the same facts each time."""
    return Job.objects.filter(serial=drive.serial, holds_drive=True).exclude(serial="").first()
