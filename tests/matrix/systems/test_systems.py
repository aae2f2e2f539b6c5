"""The main job against every release that the mock plays, and a plain Linux host, all at once.

Simulated drives: what is tried is which questions are asked by which way, and what the answers are
taken for. On each system an ATA drive goes all the way, a SAS and an NVMe drive their self-tests, a
drive without self-tests skips them, a failing one fails, one is cancelled in its long test, and one
is refused while it is in a pool and once that pool is exported.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from burnin import orchestrator
from burnin.models import Job
from burnin.orchestrator import RequestRefused
from burnin.plan import Plan
from drives import capabilities
from drives.models import Drive, SmartTest
from tests.integration.burnin.conftest import Site, worker  # noqa: F401
from tests.integration.rows import an_operator
from tests.matrix.systems.cells import CELLS
from tests.nas import MockNas
from tests.waiting import wait_for
from truenas_mock.releases import RELEASES

from .site import EVERYWHERE, has_api, mock_of, run_all, running, site_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(900)]
#: A long test takes 24 s of the 480 of the mock's drives: what is cancelled must be met in it.
SPEED = 20
PATIENCE_SECONDS = 600
ATA, SAS, NVME, NVME_BASIC = "ATA", "SAS", "NVMe", "NVMe without self-tests"
NVME_OLD = "NVMe with a smartctl before 7.4"
FAILING, CANCELLED = "a failing drive", "cancelled in its long test"
MEMBER = "in a pool, then an exported one"
MODELS = {
    ATA: "ST12000NM0008",
    CANCELLED: "ST12000NM0008",
    FAILING: "FAIL001",
    SAS: "HUH721212AL",
    NVME: "Samsung SSD 980 PRO",
    NVME_BASIC: "INTEL SSDPEKNW",
    MEMBER: "ST4000VN008",
}
#: Of the kinds that the fifteen drives don't have.
MORE_DRIVES = [word for kind in ("sas", "nvme", "nvme-basic") for word in ("--drive", kind)]
STAGES = {
    ATA: ("short_smart", "long_smart", "surface_validate"),
    SAS: ("short_smart",),
    NVME: ("short_smart",),
    NVME_BASIC: ("short_smart", "surface_validate"),
    FAILING: ("short_smart",),
    CANCELLED: ("long_smart",),
    MEMBER: ("surface_validate",),
}


@pytest.fixture
def nases(ssh_keys: Path, home_folder: Path) -> Iterator[dict[str, MockNas]]:
    made = {
        name: mock_of(name, home_folder, ssh_keys, options=MORE_DRIVES, speed=SPEED)
        for name in EVERYWHERE
    }
    with running(made):
        yield made


def drives_of(site: Site) -> dict[str, Drive]:
    """One drive for each of MODELS."""
    found: dict[str, Drive] = {}
    drives = list(Drive.objects.filter(system=site.system).select_related("system"))
    for kind, model in MODELS.items():
        # Its model with the maker's name before it, where the agent is asked.
        found[kind] = next(drive for drive in drives if model in drive.model)
        drives.remove(found[kind])
    return found


def request(drive: Drive, kind: str) -> Job:
    plan = Plan.from_choice(STAGES[kind], 1)
    return orchestrator.request(drive, plan, operator=an_operator(), typed_serial=drive.serial)


def test_every_release_and_a_plain_host(
    nases: dict[str, MockNas],
    worker: None,  # noqa: F811
    settings: Any,
) -> None:
    settings.SMART_INTERVAL_SECONDS = 0
    settings.MAX_PARALLEL_BURNINS = 20
    settings.STALE_THRESHOLD_SECONDS = 600  # so many systems are polled in turn
    sites = {name: site_of(name, nas) for name, nas in nases.items()}
    drives = {name: drives_of(site) for name, site in sites.items()}
    jobs: dict[tuple[str, str], Job] = {}
    for name, site in sites.items():
        jobs[name, CANCELLED] = request(drives[name].pop(CANCELLED), CANCELLED)
        refuse_a_member(name, site, drives[name].pop(MEMBER))
        are_cancelled(jobs)
    # Before the others, which would keep the worker from it until a test is over.
    wait_for(lambda: are_cancelled(jobs), 120, "each long test runs, and is cancelled")
    # A wish that comes while the stage's own step is at work is heard at the next poll.
    run_all(sites, 60)
    for name in sites:
        jobs |= {(name, kind): request(drive, kind) for kind, drive in drives[name].items()}
    run_all(sites, PATIENCE_SECONDS)
    wrong = [
        f"{name}, {kind}: {why}\n{sites[name].describe(job)}"
        for (name, kind), job in jobs.items()
        if (why := judged(name, kind, Job.objects.get(pk=job.pk), sites[name]))
    ]
    assert not wrong, "\n\n".join(wrong)
    for name, site in sites.items():
        starting = {one.name: one for one in capabilities.of(site.system)}["self_tests"]
        by_api = has_api(name) and name <= "25.04"
        assert starting.by_shell != by_api, (name, starting)


def refuse_a_member(name: str, site: Site, drive: Drive) -> None:
    """First while its pool is imported, then once it is exported. Only SCALE tells that; elsewhere
    the agent finds the pool's labels on the drive.
    """
    with pytest.raises(RequestRefused, match="pool tank"):
        request(drive, MEMBER)
    assert "tank" in drive.use_reason
    site.nas.debug("pool/tank", {"exported": True})
    site.poll()
    drive.refresh_from_db()
    with pytest.raises(RequestRefused, match="pool tank"):
        request(drive, MEMBER)
    assert ("tank" in drive.use_reason) == (has_api(name) and name > "20"), (name, drive.use_reason)
    CELLS[name, MEMBER] = "refused"


def are_cancelled(jobs: dict[tuple[str, str], Job]) -> bool:
    """Cancel those whose test runs by now; True when that was done to all."""
    for job in jobs.values():
        running = SmartTest.objects.filter(drive=job.drive, state=SmartTest.State.RUNNING)
        if job.cancel_requested_at is None and running.exists():
            orchestrator.cancel(Job.objects.get(pk=job.pk), by="test")
            job.refresh_from_db()
    return all(job.cancel_requested_at for job in jobs.values())


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
        CANCELLED: lambda: job.state == "cancelled" and was_stopped(site, job.drive),
    }
    is_old = has_api(name) and RELEASES[name].smartctl < (7, 4)
    if not expect[NVME_OLD if kind == NVME and is_old else kind]():
        return f"ended as {job.state}: {job.error_text}"
    CELLS[name, kind] = job.state
    return ""


def was_stopped(site: Site, drive: Drive) -> bool:
    """Whether the drive itself was made to stop its test, by the mock's own state."""
    (found,) = [one for one in site.nas.debug("state")["drives"] if one["serial"] == drive.serial]
    test, now = found["tests"][-1], time.time()
    return test["stopped"] is not None and test["stopped"] < min(
        now, test["started"] + test["seconds"]
    )
