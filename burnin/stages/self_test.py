"""The procedure of a SMART self-test; short and long differ in their type alone.

The NAS starts it and tells how far it is; the drive's own log tells how it ended.
"""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from config import runtime
from drives import readings, selftests, starting
from drives.models import SmartTest

from .. import eta, self_tests
from ..locate import locate
from ..models import StageState
from ..outcomes import Again, Claim, Ended, Going, Outcome, Refused
from . import Context

RETRIES = 1


def begin(context: Context, type: SmartTest.Type) -> Outcome:
    """1. Find the drive and read its log. 2. Remember the log. 3. Start, or find the test started.

    The log is stored before the start, so that a start whose answer was lost is recognised.
    """
    drive = context.drive
    located = locate(drive, context.system, smart=True)
    if located.is_incomplete:
        return Going(waiting_for="; ".join(located.reasons))
    if located.reasons or located.device is None or located.nas is None:
        return Refused(located.reasons)
    reading = readings.of_drive(located.device, drive.serial)
    if reading is None:
        why = located.device.smartctl_error or "no report"
        return Going(waiting_for=f"The drive’s SMART data can’t be read: {why}")
    if reading.tests.why_none:
        return _skipped(type, reading.tests.why_none)
    if reading.self_tests is None or reading.running is None:
        return Ended(
            StageState.UNKNOWN,
            "The drive has no self-test log that can be read",
            (Claim(_name(type), None, "No self-test log", "smartctl"),),
        )
    readings.store(drive, located.device, reading, context.now)
    log_now = [entry.as_json() for entry in reading.self_tests]
    before: list[dict[str, Any]] | None = context.stage.evidence.get("before")
    retries, note = int(context.stage.evidence.get("retries", 0)), ""
    test = _test_of_stage(context, type)
    if test is not None and test.state == SmartTest.State.ABORTED:
        before, retries = None, retries + 1
        note = f"it was interrupted ({test.error_text}); started once more"
    waiting = [
        job
        for job in located.view.jobs or ()
        if job.identifier == located.nas.identifier and job.type == type and job.state == "RUNNING"
    ]
    if before is not None and (
        reading.running
        or any(entry["type"] == type for entry in selftests.new_entries(before, log_now))
    ):
        # An earlier attempt had started it.
        selftests.begin(
            drive,
            type,
            log_before=before,
            nas_job_id=waiting[0].job_id if waiting else None,
            eta_at=None,
            now=context.stage.started_at or context.now,
            note=f"{_name(type)} of {drive.devname} found on the drive, started before",
            job_id=context.job.pk,
        )
        percent = reading.running_percent or 0.0
        return Going(percent, note="found on the drive, started before", began=True)
    if reading.running:
        return Going(waiting_for="Another self-test runs on the drive")
    context.remember(evidence={"before": log_now, "retries": retries})
    where = starting.Where(located.view, located.nas, located.device)
    started = starting.start(context.system, where, reading, type)
    if started.error:
        if starting.RUNS_ALREADY in started.error:
            return Going(waiting_for="Another self-test runs on the drive")
        reason = f"{context.system.name} could not start the self-test: {started.error}"
        claim = Claim(_name(type), None, "Not started", context.system.name)
        return Ended(StageState.UNKNOWN, reason, (claim,))
    selftests.begin(
        drive,
        type,
        log_before=log_now,
        nas_job_id=started.job_id,
        eta_at=started.expected_at,
        now=timezone.now(),
        note=f"{_name(type)} of {drive.devname} started",
        job_id=context.job.pk,
    )
    return Going(eta_at=started.expected_at, note=note, began=True)


def check(context: Context, type: SmartTest.Type) -> Outcome:
    """Read off the self-test's row, which the poll keeps by the drive's own log."""
    test = _test_of_stage(context, type)
    if test is None:
        return Again("the self-test of this stage isn’t known", is_gone=True)
    if test.state == SmartTest.State.RUNNING:
        waiting = ""
        if error := context.system.last_error or context.system.host_error:
            waiting = f"Can’t reach {context.system.name}: {error}. The self-test goes on there"
        elif not context.drive.present:
            waiting = f"{context.system.name} doesn’t list the drive any more"
        left = eta.self_test_left(context.stage, test, context.now)
        eta_at, facts = eta.progress_facts(None if waiting else left, context.now)
        return Going(test.percent or 0.0, dict(facts), eta_at, waiting)
    entry = test.log_entry
    found = _found(entry) if entry else test.error_text
    claim = Claim(
        _name(type),
        {SmartTest.State.PASSED: True, SmartTest.State.FAILED: False}.get(
            SmartTest.State(test.state)
        ),
        found,
        "The drive’s self-test log, an entry that was not there before the start",
    )
    evidence = {**context.stage.evidence, "log_entry": entry}
    if test.state == SmartTest.State.PASSED and entry is not None:
        return Ended(StageState.PASSED, "", (claim,), evidence)
    if test.state == SmartTest.State.FAILED and entry is not None:
        reason = f"{_name(type)} failed. {test.error_text}"
        return Ended(StageState.FAILED, reason, (claim,), evidence)
    retries = int(context.stage.evidence.get("retries", 0))
    if test.state == SmartTest.State.ABORTED and retries < RETRIES:
        return Again(f"it was interrupted: {test.error_text}", is_gone=True)
    reason = f"{_name(type)} gave no result. {test.error_text}".strip()
    return Ended(StageState.UNKNOWN, reason, (claim,), evidence)


def stop(context: Context, type: SmartTest.Type) -> bool:
    """The drive is asked to stop, and asked whether it has."""
    if "before" not in context.stage.evidence:
        return True  # it was never asked to start
    if not self_tests.stop_on_drive(context.drive, context.system):
        return False
    test = _test_of_stage(context, type)
    if test is not None:
        self_tests.forget_on_nas(test)
        selftests.cancelled(test, context.job.cancel_requested_by or "the dashboard", context.now)
    return True


def _skipped(type: SmartTest.Type, found: str) -> Ended:
    """A drive without self-tests: the other stages go on, and the policy says whether they are
    enough. By default they aren't.
    """
    may_pass = not runtime.current().self_tests_required
    if may_pass:
        found += ", and the settings don’t require them"
    claim = Claim(_name(type), True if may_pass else None, found, "smartctl")
    return Ended(StageState.SKIPPED, found[:1].upper() + found[1:], (claim,))


def _test_of_stage(context: Context, type: SmartTest.Type) -> SmartTest | None:
    """The row of the test that this stage started; None while there is none."""
    before = context.stage.evidence.get("before")
    test = SmartTest.objects.filter(drive=context.drive, type=type).first()
    return test if test is not None and before is not None and test.log_before == before else None


def _name(type: SmartTest.Type) -> str:
    return f"SMART {type.value}"


def _found(entry: dict[str, Any]) -> str:
    hours = f", at {entry['hours']:,} h" if entry.get("hours") is not None else ""
    return f"{entry.get('text') or 'no text'}{hours}"
