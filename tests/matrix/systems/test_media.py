"""The agent itself behind each release's API: it writes and verifies a real file, whole, and leaves
the file alone that is a pool's member. On a plain Linux host by SSH too, and on this host.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from burnin import orchestrator
from burnin.models import Job
from burnin.orchestrator import RequestRefused
from burnin.plan import Plan
from drives.models import Drive
from tests.integration.burnin.conftest import Site, worker  # noqa: F401
from tests.integration.rows import an_operator
from tests.matrix.systems.cells import CELLS
from tests.nas import MockNas

from .site import EVERYWHERE, LOCAL, become, mock_of, run_all, running, site_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]
MIB = 8
WHOLE, MEMBER = "a real file, whole", "a real file in a pool"


@pytest.fixture
def nases(ssh_keys: Path, home_folder: Path) -> Iterator[dict[str, MockNas]]:
    made = {
        name: mock_of(name, home_folder, ssh_keys, speed=60, media=media_of(number))
        for number, name in enumerate((*EVERYWHERE, LOCAL))
    }
    with running(made):
        yield made


def media_of(number: int) -> list[str]:
    free, member = (f"FILE{number:02}{letter}" for letter in "AB")
    return [f"da0:{free}:TEST-{MIB}M:{MIB}", f"da1:{member}:TEST-{MIB}M:{MIB}:pool=tank"]


def request(site: Site, devname: str) -> Job:
    drive = Drive.objects.get(system=site.system, model=f"TEST-{MIB}M", serial__endswith=devname)
    plan = Plan.from_choice(["surface_validate"], 1)
    return orchestrator.request(drive, plan, operator=an_operator(), typed_serial=drive.serial)


def digest(site: Site, name: str) -> str:
    assert site.nas.media is not None
    return hashlib.sha256((site.nas.media / f"{name}.img").read_bytes()).hexdigest()


def test_a_real_file_behind_every_release(
    nases: dict[str, MockNas],
    worker: None,  # noqa: F811
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.SMART_INTERVAL_SECONDS = 0
    settings.STALE_THRESHOLD_SECONDS = 600
    become(nases[LOCAL], monkeypatch)
    sites = {name: site_of(name, nas) for name, nas in nases.items()}
    empty = hashlib.sha256(bytes(MIB << 20)).hexdigest()
    jobs: dict[str, Job] = {}
    for name, site in sites.items():
        jobs[name] = request(site, "A")
        with pytest.raises(RequestRefused, match="pool tank"):
            request(site, "B")
    run_all(sites, 400)
    for name, site in sites.items():
        job = Job.objects.get(pk=jobs[name].pk)
        assert (job.state, job.error_text) == ("passed", ""), (name, site.describe(job))
        verdict = site.stage(job, "surface_validate").evidence["verdict"]
        assert verdict["bytes_verified"] == verdict["bytes_written"] == MIB << 20, name
        assert digest(site, "da0") != empty, f"{name}: something was written"
        assert digest(site, "da1") == empty, f"{name}: nothing was written to the pool's member"
        CELLS[name, WHOLE] = job.state
        CELLS[name, MEMBER] = "refused"
