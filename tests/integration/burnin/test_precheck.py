"""The precheck itself (B10), and the look before a start, by one step of each against a real mock
NAS: each reason ends the job before anything else of it begins."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from audit.models import AuditEvent, Kind
from burnin import orchestrator
from burnin.models import Job, JobState, StageState
from drives import clients
from drives.hosts.agent import AgentHost
from drives.models import Drive, System
from tests.integration.rows import a_job, a_system, now
from tests.nas import MockNas

from .conftest import Site

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(120)]
NAME = "sdc"
Strike = Callable[[Site, Job], object]


@pytest.fixture(scope="module")
def nas(ssh_keys: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MockNas]:
    started = MockNas(tmp_path_factory.mktemp("nas"), ssh_keys, speed=1).start()
    yield started
    started.stop()


@pytest.fixture
def here(nas: MockNas, valkey: str) -> Site:
    """Nobody works here: what is told to be done next is left undone."""
    from tests.integration.rows import system_of

    nas.debug("reset")
    found = Site(nas, system_of(nas))
    found.poll()
    return found


def asked(here: Site) -> Job:
    """A job whose turn has come."""
    drive = here.drive(NAME)
    return a_job(drive, state=JobState.RUNNING, started_at=now(), size_bytes=drive.size_bytes)


def checked(job: Job) -> Job:
    orchestrator.step(job.stages.get(kind="precheck").pk)
    return Job.objects.get(pk=job.pk)


def told(**change: object) -> Strike:
    return lambda here, job: here.nas.debug(f"drive/{NAME}", change)


def used(fact: str, state: str) -> Strike:
    words = {"fact": fact, "state": state, "detail": f"{fact} says {state}"}
    return told(use=[words])


def of_record(**facts: object) -> Strike:
    return lambda here, job: Drive.objects.filter(pk=job.drive_id).update(**facts)


def of_request(**facts: object) -> Strike:
    return lambda here, job: Job.objects.filter(pk=job.pk).update(**facts)


def moved(here: Site, job: Job) -> None:
    Drive.objects.filter(pk=job.drive_id).update(system=a_system("nas-2"))


def self_test(here: Site, job: Job) -> None:
    host, serial = clients.host(here.system), job.serial
    (device,) = [one for one in host.probe() if one.serial == serial]
    assert host.start_self_test(device.path, "long", serial=serial)[0]


@pytest.mark.parametrize(
    ("strike", "words"),
    [
        (told(vanished=True), "doesn’t list serial"),
        (told(serial="OTHER"), "doesn’t list serial"),
        (of_record(size_bytes=1 << 40), "the record 1,099,511,627,776"),
        (of_request(size_bytes=1 << 40), "has changed since the request"),
        (of_request(serial="ANOTHER"), "has changed since the request"),
        (of_record(model="ANOTHER MODEL"), "the record ANOTHER MODEL"),
        (of_record(use_reason="Two systems list it"), "Two systems list it"),
        (moved, "has moved to nas-2"),
        (told(pool="tank"), "tank"),
        (used("boot", "in_use"), "boot says in_use"),
        (used("swap", "in_use"), "swap says in_use"),
        (used("mount", "in_use"), "mount says in_use"),
        (used("open", "in_use"), "open says in_use"),
        (used("holder", "unknown"), "holder says unknown"),
        (used("signature", "old_data"), "signature says old_data"),
        (used("partition", "old_data"), "partition says old_data"),
        (used("data", "old_data"), "data says old_data"),
        (told(temperature=51), "51 °C"),
        (self_test, "self-test runs"),
    ],
)
def test_it_refuses_with_the_reason(here: Site, strike: Strike, words: str) -> None:
    job = asked(here)
    strike(here, job)
    job = checked(job)
    assert job.state == JobState.CANCELLED, here.describe(job)
    assert job.error_text.startswith("refused: ") and words in job.error_text
    stages = dict(job.stages.values_list("kind", "state"))
    assert stages.pop("precheck") == StageState.CANCELLED
    assert set(stages.values()) == {StageState.SKIPPED}
    assert words in AuditEvent.objects.get(kind=Kind.BURNIN_REFUSED).note
    assert here.nas.debug("state")["runs"] == []


def twin(here: Site, job: Job) -> object:
    """The mock's own guard doesn't look at other drives: this is for NAS and host together."""
    return here.nas.debug("drive/sdd", {"serial": job.serial})


@pytest.mark.parametrize(
    ("strike", "words"),
    [
        (twin, "2 drives with serial"),
        (told(pool="tank"), "tank"),
        (used("swap", "in_use"), "swap says in_use"),
        (used("data", "old_data"), "data says old_data"),
        (of_record(size_bytes=1 << 40), "the record 1,099,511,627,776"),
        (of_record(model="ANOTHER MODEL"), "the record ANOTHER MODEL"),
    ],
)
@pytest.mark.parametrize("kind", ["surface_validate", "io_validate"])
def test_a_start_looks_once_more(here: Site, strike: Strike, words: str, kind: str) -> None:
    """Whatever was found in the precheck, which may be days ago."""
    job = asked(here)
    stage = job.stages.get(kind="surface_validate")
    job.stages.filter(position__lt=stage.position).update(state=StageState.PASSED)
    job.stages.filter(pk=stage.pk).update(kind=kind)
    strike(here, job)
    orchestrator.step(stage.pk)
    job.refresh_from_db()
    assert job.state == JobState.CANCELLED, here.describe(job)
    assert job.error_text.startswith("refused: ") and words in job.error_text
    assert here.nas.debug("state")["runs"] == []


@pytest.mark.parametrize("strike", [told(vanished=True), told(serial="OTHER")])
def test_a_start_waits_for_a_drive_that_is_missing(here: Site, strike: Strike) -> None:
    job = asked(here)
    stage = job.stages.get(kind="surface_validate")
    job.stages.filter(position__lt=stage.position).update(state=StageState.PASSED)
    strike(here, job)
    orchestrator.step(stage.pk)
    stage.refresh_from_db()
    assert (stage.state, "doesn’t list" in stage.waiting_for) == (StageState.PENDING, True)
    assert here.nas.debug("state")["runs"] == []


@pytest.mark.parametrize(
    ("passed", "state", "words"),
    [(False, JobState.FAILED, "failing"), (None, JobState.UNKNOWN, "doesn’t tell")],
)
def test_health_that_failed_or_is_not_told(
    here: Site, monkeypatch: pytest.MonkeyPatch, passed: bool | None, state: str, words: str
) -> None:
    """A fault of the drive, which is no refusal."""
    really = AgentHost.probe

    def probe(self: AgentHost, *paths: str, smart: bool = False) -> Any:
        found = really(self, *paths, smart=smart)
        report = {} if passed is None else {"smart_status": {"passed": passed}}
        return [
            replace(one, smartctl={**one.smartctl, "smart_status": {}, **report})
            if one.smartctl
            else one
            for one in found
        ]

    monkeypatch.setattr(AgentHost, "probe", probe)
    job = checked(asked(here))
    assert job.state == state and words in job.error_text, here.describe(job)


def test_nothing_against_it(here: Site) -> None:
    """Else each of the above would prove nothing."""
    job = checked(asked(here))
    stage = here.stage(job, "precheck")
    assert (job.state, stage.state) == (JobState.RUNNING, StageState.PASSED), here.describe(job)
    assert all(claim["holds"] for claim in stage.evidence["claims"])
    assert System.objects.get(name="nas-1").last_error == ""
