"""How a self-test ended, from the drive's own log against the log before the start.

A pass needs an entry that wasn't there before. The NAS's job is no evidence: its SUCCESS only means
that no test is running any more.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from audit.events import record
from audit.models import Kind
from live.changes import changed

from .models import Drive, SmartTest
from .smart import Reading


@dataclass(frozen=True)
class Settled:
    """A self-test that is over: passed, failed, aborted or unknown, with the log entry if any."""

    state: SmartTest.State
    entry: dict[str, Any] | None
    error_text: str


def new_entries(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The entries at the head of `after` which `before` did not have; both are newest first.

    An ATA log holds 21 entries, so old ones fall out at the end. Entries of a test in progress
    are no results and are left out of the comparison.
    """
    old = [entry for entry in before if entry.get("outcome") != "running"]
    now = [entry for entry in after if entry.get("outcome") != "running"]
    for count in range(len(now) + 1):
        kept = now[count:]
        if kept == old[: len(kept)] and (kept or not old or count == len(now)):
            return now[:count]
    return now


# Power-on hours in a self-test log have 16 bits.
HOURS_WRAP_AT = 65_536
HOURS_TOLERANCE = 2
# From the start to the moment at which a drive surely says that it is testing.
SETTLE_AFTER_SECONDS = 10


def settle(
    type: str, before: list[dict[str, Any]] | None, reading: Reading, *, elapsed_hours: float
) -> Settled | None:
    """None while the test runs, or while it can't be told; else how it ended.

    elapsed_hours: since the start; an entry that is older by the drive's own clock isn't ours.
    """
    if reading.running is not False:
        return None
    if before is None or reading.self_tests is None:
        return Settled(SmartTest.State.UNKNOWN, None, "The drive’s self-test log could not be read")
    found = new_entries(before, [entry.as_json() for entry in reading.self_tests])
    fresh = [entry for entry in found if entry["type"] == type]
    if not fresh:
        if elapsed_hours * 3600 < SETTLE_AFTER_SECONDS:
            return None
        # As after a power cut: some drives write nothing then.
        words = "No test is running, and the drive’s self-test log has no new entry for it"
        return Settled(SmartTest.State.ABORTED, None, words)
    # Ours is the oldest; others may have been started since. A failure among them counts anyway.
    entry = next((entry for entry in fresh if entry["outcome"] == "failed"), fresh[-1])
    if entry["hours"] is not None and reading.power_on_hours is not None:
        age = _hours_since(entry["hours"], reading.power_on_hours)
        if age > elapsed_hours + HOURS_TOLERANCE:
            return Settled(
                SmartTest.State.UNKNOWN,
                entry,
                f"The newest entry of the drive’s self-test log is {age} h old, not of this test",
            )
    where = f", first error at LBA {entry['lba']:,}" if entry.get("lba") else ""
    text = entry.get("text") or "no text"
    match entry["outcome"]:
        case "passed":
            return Settled(SmartTest.State.PASSED, entry, "")
        case "failed":
            return Settled(SmartTest.State.FAILED, entry, f"The drive says: {text}{where}")
        case "aborted":
            return Settled(SmartTest.State.ABORTED, entry, f"The drive says: {text}")
    return Settled(SmartTest.State.UNKNOWN, entry, f"The drive says: {text}")


def _hours_since(hours: int, power_on_hours: int) -> int:
    """Modulo 65,536. A log that runs a little ahead of the drive's own counter, as where one of
    them rounds up, tells of now.
    """
    ahead = power_on_hours + HOURS_TOLERANCE
    return max(0, (ahead - hours) % HOURS_WRAP_AT - HOURS_TOLERANCE)


OUTCOMES = {
    "passed": SmartTest.State.PASSED,
    "failed": SmartTest.State.FAILED,
    "aborted": SmartTest.State.ABORTED,
}


def pick_up(drive: Drive, reading: Reading, at: datetime) -> None:
    """Results of tests that the drive ran for others (D3), from its own log.

    A row whose test runs, or has ended by an entry of the log, stays as it is; the newest entry
    that came after that replaces it.
    """
    if reading.self_tests is None:
        return
    log = [entry.as_json() for entry in reading.self_tests if entry.outcome != "running"]
    rows = {test.type: test for test in drive.smart_tests.all()}
    for type in SmartTest.Type:
        entry = next((entry for entry in log if entry["type"] == type), None)
        row = rows.get(type)
        if entry is None or (row is not None and not _is_later(row, entry, log)):
            continue
        state = OUTCOMES.get(entry["outcome"], SmartTest.State.UNKNOWN)
        words = "" if state == SmartTest.State.PASSED else f"The drive says: {entry['text']}"
        facts = {
            "state": state,
            "percent": None,
            "started_at": None,
            "eta_at": None,
            "finished_at": _ended_at(entry, reading, at),
            "error_text": words,
            "nas_job_id": None,
            "log_before": None,
            "log_entry": entry,
        }
        with transaction.atomic():
            SmartTest.objects.update_or_create(drive=drive, type=type, defaults=facts)
            if row is not None and row.state != SmartTest.State.IDLE:
                note = f"SMART {type} of {drive.devname} ran outside of this program: {state.label}"
                record(Kind.SMART_FINISHED, note, system=drive.system, drive=drive)
            changed([drive.pk])


def _is_later(row: SmartTest, entry: dict[str, Any], log: list[dict[str, Any]]) -> bool:
    """Whether the log's newest entry of the row's type came after what the row tells of."""
    if row.state == SmartTest.State.RUNNING:
        return False
    if row.state == SmartTest.State.IDLE:
        return True
    if row.log_entry is not None:
        return _facts_of(entry) != _facts_of(row.log_entry)
    if row.log_before is None:
        return False
    # It ended without an entry, as cancelled tests may: the first that came since is its own.
    fresh = [one for one in new_entries(row.log_before, log) if one["type"] == row.type]
    return len(fresh) > 1


def _facts_of(entry: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(entry.get(name) for name in ("type", "outcome", "hours", "lba"))


def _ended_at(entry: dict[str, Any], reading: Reading, at: datetime) -> datetime | None:
    """By the drive's own clock, to the hour; None where it tells no hours."""
    if entry["hours"] is None or reading.power_on_hours is None:
        return None
    return at - timedelta(hours=_hours_since(entry["hours"], reading.power_on_hours))


def begin(
    drive: Drive,
    type: SmartTest.Type,
    *,
    log_before: list[dict[str, Any]],
    nas_job_id: int | None,
    eta_at: datetime | None,
    now: datetime,
    note: str,
    job_id: int | None = None,
    actor: str = "",
    source_ip: str | None = None,
) -> SmartTest:
    """Record that a test was started, with the log as it was before."""
    with transaction.atomic():
        test, _ = SmartTest.objects.update_or_create(
            drive=drive,
            type=type,
            defaults={
                "state": SmartTest.State.RUNNING,
                "percent": 0.0,
                "started_at": now,
                "eta_at": eta_at,
                "finished_at": None,
                "error_text": "",
                "nas_job_id": nas_job_id,
                "log_before": log_before,
                "log_entry": None,
            },
        )
        record(
            Kind.SMART_STARTED,
            note,
            actor=actor,
            source_ip=source_ip,
            system=drive.system,
            drive=drive,
            job_id=job_id,
        )
        changed([drive.pk])
    return test


def cancelled(test: SmartTest, by: str, now: datetime) -> None:
    """Record that we stopped it, also where a poll has read the drive's own words for that."""
    words = f"Cancelled by {by}"
    finish(test, Settled(SmartTest.State.ABORTED, None, words), now)
    with transaction.atomic():
        SmartTest.objects.filter(pk=test.pk, state=SmartTest.State.ABORTED).update(error_text=words)
        changed([test.drive_id])


def finish(test: SmartTest, settled: Settled, now: datetime) -> None:
    """Record how a running test ended; nothing happens when it isn't running any more."""
    with transaction.atomic():
        done = SmartTest.objects.filter(pk=test.pk, state=SmartTest.State.RUNNING).update(
            state=settled.state,
            percent=100.0 if settled.state == SmartTest.State.PASSED else test.percent,
            finished_at=now,
            eta_at=None,
            error_text=settled.error_text,
            log_entry=settled.entry,
        )
        if done:
            words = SmartTest.State(settled.state).label.lower()
            record(
                Kind.SMART_FINISHED,
                f"SMART {test.type} of {test.drive.devname}: {words}. {settled.error_text}".strip(),
                system=test.drive.system,
                drive=test.drive,
            )
            changed([test.drive_id])
