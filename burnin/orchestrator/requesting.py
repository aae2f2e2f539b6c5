"""The request of a burn-in: what stands against it, and the rows that queue it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction
from django.utils import timezone

from audit.events import record
from audit.models import Kind
from config import runtime
from drives.health import is_stale
from drives.hosts.types import Fact
from drives.models import Drive, SmartTest
from live.changes import changed

from .. import eta
from ..locate import Site
from ..models import ACTIVE_JOB_STATES, Job, Stage
from ..plan import Plan
from ..precheck_now import guard_answer
from ..temperature import too_warm
from .telling import after_commit_admit, tell

if TYPE_CHECKING:
    from django.contrib.auth.models import User


class RequestRefused(Exception):
    """The request creates nothing, for these reasons (409)."""

    def __init__(self, reasons: list[str]) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = reasons


class NotConfirmed(Exception):
    """The operator has not confirmed that drives are overwritten (422)."""


class ReleaseNotConfirmed(NotConfirmed):
    """Old data was to be released without the serial of its drive (422)."""


def refusals(drive: Drive) -> list[str]:
    """Every reason against a burn-in that the database knows. Empty says nothing of the host."""
    reasons = []
    if not drive.present:
        reasons.append(f"{drive.system.name} doesn’t list this drive any more")
    if is_stale(drive.system, timezone.now()):
        reasons.append(f"{drive.system.name} has not answered lately, so its pools aren’t known")
    if drive.use_reason:
        reasons.append(drive.use_reason)
    if not drive.serial:
        reasons.append("The drive reports no serial number, so it can’t be told from another")
    twins = Drive.objects.filter(serial=drive.serial, present=True).exclude(serial="")
    for twin in twins.select_related("system"):
        # On its own system the poll has locked both; elsewhere another lunid makes it another row.
        if twin.pk != drive.pk and not is_stale(twin.system, timezone.now()):
            reasons.append(f"{twin.system.name} lists a drive with this serial number too")
    if drive.size_bytes <= 0:
        reasons.append("The drive’s size isn’t known")
    # By serial: a drive may have two rows where a NAS doesn't tell the same facts each time.
    holding = Job.objects.filter(serial=drive.serial, holds_drive=True).exclude(serial="").first()
    if holding:
        reasons.append(f"Burn-in {holding.pk} of this drive is not over")
    if drive.smart_tests.filter(state=SmartTest.State.RUNNING).exists() and not holding:
        reasons.append("A SMART self-test runs on it")
    if warm := too_warm(drive, drive.temperature_c, runtime.current()):
        reasons.append(warm)
    return reasons


def request(
    drive: Drive,
    plan: Plan,
    *,
    operator: User,
    typed_serial: str | None = None,
    release: Sequence[str] = (),
    source_ip: str | None = None,
) -> Job:
    """Queue a burn-in. With a destructive stage the serial must be typed, and the host is asked.

    release: old data on the drive that may be overwritten, by the host's names of its findings;
    good for this job only. Raises NotConfirmed or RequestRefused; then nothing was created.
    """
    if plan.destructive and (typed_serial or "").strip() != drive.serial:
        raise NotConfirmed("Type the serial number of this drive exactly as shown")
    reasons = refusals(drive)
    released: list[Fact] = []
    if not reasons and plan.destructive:
        reasons, released, _ = ask_host(drive, release)
    return enqueue(drive, plan, reasons, released, operator=operator, source_ip=source_ip)


def ask_host(
    drive: Drive, release: Sequence[str] = (), site: Site | None = None
) -> tuple[list[str], list[Fact], list[Fact]]:
    """What the host has against writing to it now, which of its findings are released, and which
    of those that refuse may be."""
    answer = guard_answer(drive, site=site)
    released = [finding for finding in answer.releasable if finding.release in release]
    if released:
        answer = guard_answer(drive, [finding.release for finding in released], site)
    return answer.reasons, released, answer.releasable


def enqueue(
    drive: Drive,
    plan: Plan,
    reasons: list[str],
    released: Sequence[Fact],
    *,
    operator: User,
    source_ip: str | None,
) -> Job:
    """The rows of a burn-in against which nothing speaks; raises RequestRefused else."""
    if reasons:
        _tell_refusal(drive, reasons, operator.get_username(), source_ip)
        raise RequestRefused(reasons)
    passes = plan.passes_on(drive)
    expected = {kind: eta.expected_seconds(drive, kind, passes) for kind in plan.all_stages}
    try:
        with transaction.atomic():
            job = Job.objects.create(
                drive=drive,
                system=drive.system,
                serial=drive.serial,
                size_bytes=drive.size_bytes,
                profile=plan.profile,
                passes=passes,
                released=[
                    {"fact": one.fact, "reason": one.reason, "release": one.release}
                    for one in released
                ],
                operator=operator,
                operator_name=operator.get_username(),
            )
            Stage.objects.bulk_create(
                Stage(job=job, position=position, kind=kind, expected_seconds=expected[kind])
                for position, kind in enumerate(plan.all_stages)
            )
            words = ", ".join(kind.label for kind in plan.stages)
            if released:
                found = "; ".join(one.reason for one in released)
                note = f"may overwrite what was found on it: {found}"
                tell(job, Kind.RELEASE_GRANTED, note, operator.get_username(), source_ip)
            tell(job, Kind.BURNIN_QUEUED, f"queued: {words}", operator.get_username(), source_ip)
            after_commit_admit(drive.system_id)
    except IntegrityError:
        raise RequestRefused(["A burn-in of this drive is not over"]) from None
    return job


def _tell_refusal(drive: Drive, reasons: list[str], actor: str, source_ip: str | None) -> None:
    with transaction.atomic():
        record(
            Kind.BURNIN_REFUSED,
            f"Burn-in of {drive.devname} {drive.serial} refused: {'; '.join(reasons)}",
            actor=actor,
            source_ip=source_ip,
            system=drive.system,
            drive=drive,
        )


def acknowledge(job_ids: Iterable[int], *, by: str) -> int:
    """Take failed jobs off the banner; they stay failed. Returns how many."""
    with transaction.atomic():
        jobs = Job.objects.filter(pk__in=job_ids, acknowledged_at=None).exclude(
            state__in=ACTIVE_JOB_STATES
        )
        drive_ids = list(jobs.values_list("drive_id", flat=True))
        count = jobs.update(acknowledged_at=timezone.now())
        changed(drive_ids)
    return count
