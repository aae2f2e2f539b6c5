"""One poll of one system: observe (network, no transaction), then apply (one transaction).

It asks a constant number of questions, however many drives there are: the API's seven, and one SSH
command for the host while a drive of it is under test.
"""

from __future__ import annotations

import logging
import random
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import Max
from django.utils import timezone

from audit.events import record
from audit.models import Kind

from . import apply, capabilities, clients
from .hosts.ssh import HostError, HostKeyChanged
from .hosts.types import HostStatus
from .leases import leased
from .models import Drive, HostRun, SmartTest, System
from .truenas.types import NasError, NasView

logger = logging.getLogger(__name__)

PATIENT_FAILURES = 3
SLOWEST_INTERVALS = 5


@dataclass(frozen=True)
class Observation:
    """What one system answered; None with a reason where it did not, or was not asked."""

    at: datetime
    view: NasView | None
    nas_error: str
    status: HostStatus | None
    host_error: str


def run(system_id: int) -> bool:
    """Poll a system unless somebody else does just now. True when its answers were applied."""
    with leased(System.objects.filter(pk=system_id), "poll_lease") as lease:
        if lease is None:
            return False
        system = System.objects.get(pk=system_id)
        seen = observe(system)
        rows = System.objects.filter(pk=system_id)
        rows.update(poll_finished_at=timezone.now(), **_backoff(system, seen))
        try:
            with transaction.atomic():
                if not lease.confirm():
                    logger.warning("the poll of %s came too late and was dropped", system.name)
                    return False
                _apply(system, seen)
        except (DatabaseError, ValueError, OverflowError) as error:
            # Its jobs are still to be looked at: cancelling must not depend on one odd answer.
            logger.exception("the answers of %s can’t be stored", system.name)
            words = f"its answers can’t be stored: {type(error).__name__}"
            with transaction.atomic():
                _note_health(system, replace(seen, view=None, status=None, nas_error=words))
        return True


def _backoff(system: System, seen: Observation) -> dict[str, Any]:
    """When to ask next: a NAS that doesn't answer is asked less often, down to once in
    SLOWEST_INTERVALS, and not at the same moment as others."""
    if not seen.nas_error or system.stopped:
        return {"poll_failures": 0, "next_poll_at": None}
    failures = system.poll_failures + 1
    if failures <= PATIENT_FAILURES:
        return {"poll_failures": failures, "next_poll_at": None}
    doubled = settings.POLL_INTERVAL_SECONDS * 2 ** min(16, failures - PATIENT_FAILURES)
    slowest = SLOWEST_INTERVALS * settings.POLL_INTERVAL_SECONDS
    delay = min(slowest, doubled) * random.uniform(0.7, 1.0)
    return {"poll_failures": failures, "next_poll_at": seen.at + timedelta(seconds=delay)}


def observe(system: System) -> Observation:
    """Ask the NAS, and its host where something of ours or a self-test runs there."""
    at = timezone.now()
    if system.stopped:
        return Observation(at, None, system.stopped, None, system.stopped)
    view, nas_error = None, ""
    try:
        with clients.nas(system) as nas:
            view = nas.view(temperatures=_are_temperatures_due(system, at))
    except NasError as error:
        nas_error = str(error)
    status, host_error = None, ""
    if is_host_needed(system):
        try:
            status = _ask_host(system, at)
        except HostKeyChanged as error:
            # Who answers there is not who it was: its API isn't believed either.
            return Observation(at, None, str(error), None, str(error))
        except HostError as error:
            host_error = str(error)
    return Observation(at, view, nas_error, status, host_error)


def _are_temperatures_due(system: System, at: datetime) -> bool:
    """Where each question wakes smartctl for all drives, it is asked no more than once a minute."""
    last = Drive.objects.filter(system=system, present=True).aggregate(last=Max("temperature_at"))[
        "last"
    ]
    return last is None or at - last >= apply.SAMPLE_EVERY


def is_host_needed(system: System) -> bool:
    """Each login is a line in the NAS's audit log, so it is asked only for drives under test."""
    return (
        HostRun.objects.filter(system=system, is_open=True).exists()
        or SmartTest.objects.filter(
            drive__system=system, drive__present=True, state=SmartTest.State.RUNNING
        ).exists()
    )


def _ask_host(system: System, at: datetime) -> HostStatus:
    host = clients.host(system)
    due = _drives_due_for_smart(system, at)
    if any(not drive.host_path for drive in due):
        learn_paths(system)
        due = _drives_due_for_smart(system, at)
    status = host.status(sorted(drive.host_path for drive in due if drive.host_path))
    Drive.objects.filter(pk__in=[drive.pk for drive in due]).update(smart_asked_at=at)
    return status


def _drives_due_for_smart(system: System, at: datetime) -> list[Drive]:
    """Drives with a self-test that were last asked SMART_INTERVAL_SECONDS ago, whether or not
    they answered: a smartctl that hangs holds up no more than one poll in that time."""
    under_test = Drive.objects.filter(
        system=system, present=True, smart_tests__state=SmartTest.State.RUNNING
    ).distinct()
    interval = timedelta(seconds=settings.SMART_INTERVAL_SECONDS)
    return [
        drive
        for drive in under_test
        if all(
            last is None or at - last >= interval
            for last in (drive.smart_read_at, drive.smart_asked_at)
        )
    ]


def learn_paths(system: System) -> None:
    """Ask the host what it calls each of its drives, and keep that by serial."""
    devices = clients.host(system).probe()
    paths: dict[str, list[str]] = {}
    for device in devices:
        paths.setdefault(device.serial, []).append(device.path)
    for drive in Drive.objects.filter(system=system, present=True):
        found = paths.get(drive.serial, [])
        path = found[0] if drive.serial and len(found) == 1 else ""
        if path != drive.host_path:
            Drive.objects.filter(pk=drive.pk).update(host_path=path)


def _apply(system: System, seen: Observation) -> None:
    if seen.view is not None:
        apply.drives(system, seen.view, seen.at)
        apply.jobs(system, seen.view, seen.at)
    if seen.status is not None:
        apply.runs(system, seen.status, seen.at)
        apply.self_tests(system, seen.status, seen.at)
    _note_health(system, seen)


def _note_health(system: System, seen: Observation) -> None:
    """Keep when it answered last; tell once when it begins to fail and once when it recovers."""
    changes: dict[str, object] = {"last_error": seen.nas_error}
    if seen.view is not None:
        changes["last_polled_at"] = seen.at
        changes |= _what_it_is(system, seen.view)
    changes["host_error"] = seen.host_error
    if seen.status is not None:
        changes["host_answered_at"] = seen.at
    error = seen.nas_error or seen.host_error
    if error and system.failing_since is None:
        changes["failing_since"] = seen.at
        record(Kind.SYSTEM_FAILING, f"{system.name} doesn’t answer: {error}", system=system)
        logger.warning("%s doesn’t answer: %s", system.name, error)
    elif not error and system.failing_since is not None:
        changes["failing_since"] = None
        record(Kind.SYSTEM_RECOVERED, f"{system.name} answers again", system=system)
    shown_before = bool(system.last_error or system.host_error)
    System.objects.filter(pk=system.pk).update(**changes)
    if shown_before != bool(error):
        apply.changed_all(system)


def _what_it_is(system: System, view: NasView) -> dict[str, object]:
    """Its version, and what it can do by that; a change of version is told."""
    if system.version and system.version != view.version:
        words = f"{system.name} runs {view.version} now, and ran {system.version} before"
        record(Kind.SYSTEM_CHANGED, words, system=system)
    can = capabilities.as_json(capabilities.assess(system, view))
    return {"version": view.version, "release": view.release[:100], "capabilities": can}
