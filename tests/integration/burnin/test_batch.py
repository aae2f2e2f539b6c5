"""Many drives in one request, and all burn-ins cancelled at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from audit.models import AuditEvent, Kind
from burnin import batch, orchestrator
from burnin.batch import Outcome, request_many
from burnin.models import ACTIVE_JOB_STATES, Job, JobState
from burnin.orchestrator import NotConfirmed
from burnin.plan import Plan
from burnin.precheck_now import GuardAnswer
from drives.hosts.types import Fact
from drives.models import Drive, System
from tests.integration.rows import a_drive, a_system, an_operator
from tests.nas import MockNas

from .conftest import Site

SHORT = Plan.from_choice(["short_smart"])
SURFACE = Plan.from_choice(["short_smart", "surface_validate"])


@pytest.fixture
def nas() -> System:
    return a_system()


def ask(drives: list[Drive], plan: Plan = SHORT, **facts: Any) -> list[Outcome]:
    return request_many(drives, plan, operator=an_operator(), **facts)


@pytest.mark.django_db
def test_each_drive_has_its_own_outcome_in_the_given_order(nas: System) -> None:
    good, gone, pooled = (
        a_drive(nas, "sda"),
        a_drive(nas, "sdb", present=False),
        a_drive(nas, "sdc", use_reason="In pool tank"),
    )
    outcomes = ask([pooled, good, gone, good])
    assert [outcome.drive for outcome in outcomes] == [pooled, good, gone]
    assert [bool(outcome.job) for outcome in outcomes] == [False, True, False]
    assert outcomes[0].reasons == ("In pool tank",) and "doesn’t list" in outcomes[2].reasons[0]
    assert Job.objects.get() == outcomes[1].job
    assert AuditEvent.objects.filter(kind=Kind.BURNIN_REFUSED).count() == 2
    assert ask([good])[0].reasons == (f"Burn-in {Job.objects.get().pk} of this drive is not over",)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("count", "serial", "confirmed"),
    [(1, None, True), (1, "SER-sdx", True), (2, None, False), (2, "SER-sda", False)],
)
def test_without_the_confirmation_nothing_is_created(
    nas: System, count: int, serial: str | None, confirmed: bool
) -> None:
    drives = [a_drive(nas, f"sd{letter}") for letter in "abc"[:count]]
    with pytest.raises(NotConfirmed):
        ask(drives, SURFACE, serial=serial, confirmed=confirmed)
    assert not Job.objects.exists()


@pytest.mark.django_db
def test_a_host_that_does_not_answer_refuses_its_own_drives_alone(
    nas: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = a_drive(a_system("nas-2"), "sdz")
    drives = [a_drive(nas, "sda"), a_drive(nas, "sdb"), other]
    monkeypatch.setattr("burnin.batch.connection.close", lambda: None)  # of the test's own thread
    monkeypatch.setattr(
        batch, "_ask_system", lambda system: "away" if system.name == "nas-1" else object()
    )
    monkeypatch.setattr(
        "burnin.orchestrator.requesting.guard_answer", lambda *_, **__: GuardAnswer([])
    )
    outcomes = ask(drives, SURFACE, confirmed=True)
    assert [outcome.reasons for outcome in outcomes] == [("away",), ("away",), ()]
    assert Job.objects.get().drive == other


@pytest.mark.django_db
def test_a_release_is_good_for_its_drive_alone(
    nas: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    label = Fact("signature", "old_data", "ext4 “holidays”", "signature:ab12")
    drives = [a_drive(nas, "sda"), a_drive(nas, "sdb")]

    def guard(drive: Drive, release: Any = (), site: Any = None) -> GuardAnswer:
        if label.release in release:
            return GuardAnswer([])
        return GuardAnswer([label.reason], {}, (label,))

    monkeypatch.setattr("burnin.batch.connection.close", lambda: None)
    monkeypatch.setattr(batch, "_ask_system", lambda system: object())
    monkeypatch.setattr("burnin.orchestrator.requesting.guard_answer", guard)
    release = {drives[0].pk: [label.release]}
    serials = {drives[0].pk: "SER-sda"}
    first, second = ask(drives, SURFACE, confirmed=True, release=release, serials=serials)
    assert first.job is not None and first.job.release == [label.release]
    assert (second.job, second.reasons) == (None, (label.reason,))
    assert AuditEvent.objects.get(kind=Kind.RELEASE_GRANTED).drive_serial == "SER-sda"


@pytest.mark.django_db
@pytest.mark.parametrize("typed", ["", "SER-sdb", "ser-sda"])
def test_one_flag_for_all_releases_nobody_s_data(nas: System, typed: str) -> None:
    """B17: old data is released by its drive's serial, in a batch too."""
    drives = [a_drive(nas, "sda"), a_drive(nas, "sdb")]
    release = {drives[0].pk: ["signature:ab12"]}
    with pytest.raises(NotConfirmed, match="Type the serial"):
        ask(drives, SURFACE, confirmed=True, release=release, serials={drives[0].pk: typed})
    assert not Job.objects.exists()


@pytest.mark.django_db
def test_flash_is_written_once_where_nobody_says_otherwise(nas: System) -> None:
    drives = [
        a_drive(nas, "sda", rotational=False),
        a_drive(nas, "sdb", rotational=True),
        a_drive(nas, "nvd0", rotational=None, form="nvme"),  # CORE doesn't tell it of each
        a_drive(nas, "sdc", rotational=None),
    ]
    jobs = [outcome.job for outcome in ask(drives)]
    assert [job and job.passes for job in jobs] == [1, 2, 1, 2]


@pytest.mark.django_db(transaction=True)
def test_a_batch_on_a_real_host_and_the_end_of_all(
    mock_nas: Callable[..., MockNas], site: Callable[[MockNas], Site]
) -> None:
    here = site(mock_nas(speed=20))
    here.nas.debug("drive/sdb", {"pool": "tank"})
    here.poll()
    Drive.objects.filter(devname="sdc").update(use_reason="", pool="")
    here.nas.debug("drive/sdc", {"pool": "tank"})  # the record doesn't know it yet, the NAS does
    drives = [here.drive(f"sd{letter}") for letter in "abcde"]
    outcomes: list[list[Outcome]] = []

    def person() -> None:
        outcomes.append(ask(drives, SURFACE, confirmed=True))
        connection.close()

    people = [threading.Thread(target=person) for _ in range(2)]
    for each in people:
        each.start()
    for each in people:
        each.join()
    started = [one.drive.devname for found in outcomes for one in found if one.job]
    assert sorted(started) == ["sda", "sdd", "sde"], "nothing twice, and nothing of the pool's"
    for found in outcomes:
        reasons = {one.drive.devname: " ".join(one.reasons) for one in found}
        assert "tank" in reasons["sdb"] and "tank" in reasons["sdc"]

    here.poll()
    assert orchestrator.cancel_all(by="olga") == 3
    for job in Job.objects.all():
        assert here.until_over(job).state == JobState.CANCELLED
    assert not Job.objects.filter(state__in=ACTIVE_JOB_STATES).exists()
    assert orchestrator.cancel_all(by="olga") == 0
