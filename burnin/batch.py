"""Many drives in one request (B14): each has its own outcome, and none waits for another's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import connection

from drives.hosts.ssh import HostError
from drives.hosts.types import Fact
from drives.models import Drive, System
from drives.truenas.types import NasError

from . import self_tests
from .locate import Site, ask
from .models import Job
from .orchestrator.requesting import (
    NotConfirmed,
    ReleaseNotConfirmed,
    RequestRefused,
    ask_host,
    enqueue,
    refusals,
)
from .plan import Plan
from .precheck_now import GuardAnswer, guard_answer

if TYPE_CHECKING:
    from django.contrib.auth.models import User

#: Drives whose guard is asked at a time: a NAS bears some sessions over one connection, not many.
AT_ONCE = 6

#: Reasons against it, findings that are released, findings that may be.
Answer = tuple[list[str], list[Fact], list[Fact]]


@dataclass(frozen=True)
class Outcome:
    """What became of the request for one drive: its job, or the reasons why there is none.

    releasable: the same reasons, where each is old data that may be released by its name.
    """

    drive: Drive
    job: Job | None
    reasons: tuple[str, ...] = ()
    releasable: tuple[Fact, ...] = ()


def request_many(
    drives: Sequence[Drive],
    plan: Plan,
    *,
    operator: User,
    serial: str | None = None,
    confirmed: bool = False,
    release: Mapping[int, Sequence[str]] | None = None,
    serials: Mapping[int, str] | None = None,
    source_ip: str | None = None,
) -> list[Outcome]:
    """Queue a burn-in of each drive, or say why not; a drive that is named twice is asked once.

    With a destructive stage one drive needs its `serial` as typed, several need `confirmed` (B1),
    and the hosts are asked. release: for drives by id, the findings of the host that may be
    overwritten, by their names; of several drives each one of these needs its serial typed too, in
    `serials` (B17). Raises NotConfirmed; then nothing was created.

    1. What the database has against a drive. 2. What its host has. 3. Jobs for the others, in the
    order in which the drives were given.
    """
    wanted = list({drive.pk: drive for drive in drives}.values())
    release = release or {}
    if plan.destructive:
        _check_confirmed(wanted, serial, confirmed)
        _check_released(wanted, release, serials or {})
    answers: dict[int, Answer] = {drive.pk: (refusals(drive), [], []) for drive in wanted}
    if plan.destructive:
        open_ones = [drive for drive in wanted if not answers[drive.pk][0]]
        answers |= _ask_hosts(open_ones, release)
    outcomes = []
    for drive in wanted:
        reasons, released, releasable = answers[drive.pk]
        try:
            job = enqueue(drive, plan, reasons, released, operator=operator, source_ip=source_ip)
        except RequestRefused as error:
            outcomes.append(Outcome(drive, None, tuple(error.reasons), tuple(releasable)))
        else:
            outcomes.append(Outcome(drive, job))
    return outcomes


def _check_confirmed(drives: Sequence[Drive], serial: str | None, confirmed: bool) -> None:
    if len(drives) == 1 and (serial or "").strip() != drives[0].serial:
        raise NotConfirmed("Type the serial number of this drive exactly as shown")
    if len(drives) > 1 and not confirmed:
        raise NotConfirmed(f"Confirm that everything on these {len(drives)} drives is overwritten")


def _check_released(
    drives: Sequence[Drive], release: Mapping[int, Sequence[str]], serials: Mapping[int, str]
) -> None:
    """One flag for all of them isn't enough to destroy somebody's data."""
    if len(drives) == 1:
        return  # its serial was typed for the burn-in itself
    for drive in drives:
        if release.get(drive.pk) and serials.get(drive.pk, "").strip() != drive.serial:
            raise ReleaseNotConfirmed(
                f"Type the serial number of drive {drive.pk} to release its old data"
            )


def _ask_hosts(drives: Sequence[Drive], release: Mapping[int, Sequence[str]]) -> dict[int, Answer]:
    """Each system tells of all its drives once; then each drive's guard is asked."""
    systems = {drive.system_id: drive.system for drive in drives}
    if not systems:
        return {}
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="batch") as pool:
        sites = dict(zip(systems, pool.map(_ask_system, systems.values()), strict=True))
        answers = pool.map(
            lambda drive: _ask_drive(drive, release.get(drive.pk, ()), sites[drive.system_id]),
            drives,
        )
        return {drive.pk: answer for drive, answer in zip(drives, answers, strict=True)}


def _ask_system(system: System) -> Site | str:
    try:
        return ask(system)
    except (HostError, NasError) as error:
        return f"{system.name} can’t be asked: {error}"
    finally:
        connection.close()


def _ask_drive(drive: Drive, release: Sequence[str], site: Site | str) -> Answer:
    if isinstance(site, str):
        return [site], [], []
    try:
        return ask_host(drive, release, site)
    finally:
        connection.close()


def guard_answers(drives: Sequence[Drive]) -> dict[int, GuardAnswer]:
    """What NAS and host say right now of each drive, by its id (B14). Nothing is created."""
    systems = {drive.system_id: drive.system for drive in drives}
    if not systems:
        return {}
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="batch") as pool:
        sites = dict(zip(systems, pool.map(_ask_system, systems.values()), strict=True))
        answers = pool.map(lambda drive: _look(drive, sites[drive.system_id]), drives)
        return {drive.pk: answer for drive, answer in zip(drives, answers, strict=True)}


def _look(drive: Drive, site: Site | str) -> GuardAnswer:
    if isinstance(site, str):
        return GuardAnswer([site])
    try:
        return guard_answer(drive, site=site)
    finally:
        connection.close()


def start_self_tests(
    drives: Sequence[Drive], type: str, *, by: str, source_ip: str | None = None
) -> list[Outcome]:
    """Start a self-test on each drive, or say why not. An outcome without reasons has started."""

    def start(drive: Drive) -> Outcome:
        try:
            self_tests.start(drive, type, by=by, source_ip=source_ip)
        except RequestRefused as error:
            return Outcome(drive, None, tuple(error.reasons))
        finally:
            connection.close()
        return Outcome(drive, None)

    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="batch") as pool:
        return list(pool.map(start, drives))
