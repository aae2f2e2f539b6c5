"""The main job against every release that the mock plays, and a plain Linux host, all at once.

Simulated drives: what is tried is which questions are asked by which way, and what the answers are
taken for. On each system an ATA drive goes all the way, a SAS and an NVMe drive their self-tests, a
drive without self-tests skips them, a failing one fails, and one is cancelled in its long test.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from burnin import orchestrator
from burnin.models import Job
from burnin.plan import Plan
from drives import capabilities, systems
from drives.models import Drive, SmartTest, System
from drives.truenas import session
from tests.integration.burnin.conftest import Site, worker  # noqa: F401
from tests.integration.rows import an_operator
from tests.matrix.systems.cells import CELLS
from tests.nas import MockNas
from tests.waiting import wait_for
from truenas_mock.releases import ORDER, RELEASES

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(900)]
LINUX = "Linux"
KINDS = ("sas", "nvme", "nvme-basic", "ssd")
SPEED = 10
PATIENCE_SECONDS = 600
#: What becomes of which drive: by serial's beginning or name, the stages, state and words.
ATA, SAS, NVME, NVME_BASIC = "ATA", "SAS", "NVMe", "NVMe without self-tests"
NVME_OLD = "NVMe with a smartctl before 7.4"
FAILING, CANCELLED = "a failing drive", "cancelled in its long test"


@pytest.fixture
def nases(
    request: pytest.FixtureRequest, ssh_keys: Path, tmp_path: Path
) -> Iterator[dict[str, MockNas]]:
    found: dict[str, MockNas] = {}
    drives = [word for kind in KINDS for word in ("--drive", kind)]
    try:
        for name in request.param:
            names = RELEASES[name].names if name != LINUX else "sd"
            options = [*drives, "--linux"] if name == LINUX else drives
            how: dict[str, Any] = {"names": names, "options": options, "speed": SPEED}
            if name != LINUX:
                how["release"] = name
            found[name] = MockNas(tmp_path / name, ssh_keys, **how).start()
        yield found
    finally:
        session.forget_all()
        for nas in found.values():
            nas.stop()


def site_of(name: str, nas: MockNas) -> Site:
    facts: dict[str, Any] = {"kind": System.Kind.MOCK, "base_url": nas.url, "api_key": "mock-key"}
    if name == LINUX:
        facts = {"kind": System.Kind.HOST}
    elif name >= "25":
        facts |= {"api_user": "root"}
    system = systems.add(
        name,
        by="test",
        ssh_host="127.0.0.1",
        ssh_port=nas.ssh_port,
        ssh_key_file=str(nas.key_file),
        ssh_host_key=nas.host_key,
        state_dir=str(nas.state_dir),
        **facts,
    )
    site = Site(nas, system)
    site.poll()
    assert not system.last_error, (name, system.last_error)
    return site


def own_serials(name: str, nas: MockNas) -> dict[str, str]:
    """Serials of one drive of each kind. All mocks have the same drives, which would be locked as
    seen twice: so these get serials of this NAS alone.
    """
    found: dict[str, str] = {}
    drives = [one for one in nas.debug("state")["drives"] if not one["pool"]]
    for kind, model in MODELS.items():
        drive = next(one for one in drives if one["model"].startswith(model))
        drives.remove(drive)
        found[kind] = f"{name}-{kind}".replace(" ", "-")[:20]
        nas.debug(f"drive/{drive['name']}", {"serial": found[kind]})
    return found


MODELS = {
    ATA: "ST12000NM0008",
    CANCELLED: "ST12000NM0008",
    FAILING: "FAIL001",
    SAS: "HUH721212AL",
    NVME: "Samsung SSD 980 PRO",
    NVME_BASIC: "INTEL SSDPEKNW",
}
STAGES = {
    ATA: ("short_smart", "long_smart", "surface_validate"),
    SAS: ("short_smart",),
    NVME: ("short_smart",),
    NVME_BASIC: ("short_smart", "surface_validate"),
    FAILING: ("short_smart",),
    CANCELLED: ("long_smart",),
}


def request(drive: Drive, kind: str) -> Job:
    plan = Plan.from_choice(STAGES[kind], 1)
    return orchestrator.request(drive, plan, operator=an_operator(), typed_serial=drive.serial)


@pytest.mark.parametrize(
    "nases",
    [ORDER[:4], ORDER[4:8], (*ORDER[8:], LINUX)],
    ids=["CORE", "SCALE", "24.10 and later"],
    indirect=True,
)
def test_every_release_and_a_plain_host(
    nases: dict[str, MockNas],
    worker: None,  # noqa: F811
    settings: Any,
) -> None:
    settings.SMART_INTERVAL_SECONDS = 0
    settings.MAX_PARALLEL_BURNINS = 20
    settings.STALE_THRESHOLD_SECONDS = 600  # thirteen systems are polled in turn
    serials = {name: own_serials(name, nas) for name, nas in nases.items()}
    sites = {name: site_of(name, nas) for name, nas in nases.items()}
    jobs: dict[tuple[str, str], Job] = {}
    for name, site in sites.items():
        for kind, serial in serials[name].items():
            drive = Drive.objects.select_related("system").get(system=site.system, serial=serial)
            jobs[name, kind] = request(drive, kind)
        cancel_in_mid_test(jobs[name, CANCELLED])
    run_all(sites, jobs)
    wrong = [
        f"{name}, {kind}: {why}\n{sites[name].describe(job)}"
        for (name, kind), job in jobs.items()
        if (why := judged(name, kind, Job.objects.get(pk=job.pk), sites[name]))
    ]
    assert not wrong, "\n\n".join(wrong)
    for name, site in sites.items():
        starting = {one.name: one for one in capabilities.of(site.system)}["self_tests"]
        by_api = name != LINUX and name <= "25.04"
        assert starting.by_shell != by_api, (name, starting)


def run_all(sites: dict[str, Site], jobs: dict[tuple[str, str], Job]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        for site in sites.values():
            site.poll()
        if not Job.objects.filter(finished_at=None).exists():
            return
    left = Job.objects.filter(finished_at=None)
    told = "\n\n".join(f"{job.system}: {sites[job.system.name].describe(job)}" for job in left)
    raise AssertionError(f"not over after {PATIENCE_SECONDS} s:\n{told}")


def cancel_in_mid_test(job: Job) -> None:
    running = SmartTest.objects.filter(drive=job.drive, state=SmartTest.State.RUNNING)
    wait_for(running.exists, 120, "the long test of the drive runs")
    orchestrator.cancel(Job.objects.get(pk=job.pk), by="test")


def judged(name: str, kind: str, job: Job, site: Site) -> str:
    """What is wrong with how it ended; the cell is kept where nothing is."""
    stages = {stage.kind: stage for stage in job.stages.all()}
    expect: dict[str, Callable[[], bool]] = {
        ATA: lambda: job.state == "passed",
        SAS: lambda: job.state == "passed",
        NVME: lambda: job.state == "passed",
        NVME_OLD: lambda: (
            job.state == "unknown"
            and stages["short_smart"].state == "skipped"
            and "smartctl 7." in job.error_text
        ),
        NVME_BASIC: lambda: (
            job.state == "unknown"
            and stages["short_smart"].state == "skipped"
            and stages["surface_validate"].state == "passed"
            and ("no self-tests" in job.error_text or "smartctl 7." in job.error_text)
        ),
        FAILING: lambda: job.state == "failed" and "SMART short failed" in job.error_text,
        CANCELLED: lambda: job.state == "cancelled" and not still_testing(site, job.drive),
    }
    is_old = name != LINUX and RELEASES[name].smartctl < (7, 4)
    if not expect[NVME_OLD if kind == NVME and is_old else kind]():
        return f"ended as {job.state}: {job.error_text}"
    CELLS[name, kind] = job.state
    return ""


def still_testing(site: Site, drive: Drive) -> bool:
    """Whether the drive itself goes on testing, by the mock's own state."""
    (found,) = [one for one in site.nas.debug("state")["drives"] if one["serial"] == drive.serial]
    now = time.time()
    return any(
        test["stopped"] is None and test["started"] + test["seconds"] > now
        for test in found["tests"]
    )
