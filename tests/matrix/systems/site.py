"""Systems of every kind at once: a mock of each release, a plain Linux host, and this very host."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from burnin.models import Job
from drives import systems
from drives.models import System
from drives.truenas import session
from tests.integration.burnin.conftest import Site
from tests.nas import MockNas
from truenas_mock import host
from truenas_mock.nas import Nas
from truenas_mock.releases import ORDER, RELEASES

#: A host without an API by SSH, and one without SSH: the machine that the tests run on.
LINUX, LOCAL = "Linux", "this host"
EVERYWHERE = (*ORDER, LINUX)
#: From one poll of a system to the next. Each starts the agent anew where a run goes on.
PAUSE_SECONDS = 2.0


def has_api(name: str) -> bool:
    return name not in (LINUX, LOCAL)


def mock_of(
    name: str, folder: Path, ssh_keys: Path, *, options: Sequence[str] = (), **how: Any
) -> MockNas:
    """One of EVERYWHERE, or the one that LOCAL takes its drives and its smartctl from. Its drives
    are its own: no other has one with that serial.
    """
    machine = ["--machine", name, *options]
    if not has_api(name):
        return MockNas(folder / name, ssh_keys, options=["--linux", *machine], **how)
    names = RELEASES[name].names
    return MockNas(folder / name, ssh_keys, release=name, names=names, options=machine, **how)


@contextmanager
def running(nases: dict[str, MockNas]) -> Iterator[dict[str, MockNas]]:
    """All of them started, two at a time, and all of them ended."""
    try:
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(MockNas.start, nases.values()))
        yield nases
    finally:
        session.forget_all()
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(MockNas.stop, nases.values()))


def site_of(name: str, nas: MockNas) -> Site:
    """The system made known as its release wants it, and polled once."""
    facts: dict[str, Any] = {
        "ssh_host": "127.0.0.1",
        "ssh_port": nas.ssh_port,
        "ssh_key_file": str(nas.key_file),
        "ssh_host_key": nas.host_key,
    }
    if name == LOCAL:
        facts = {"kind": System.Kind.HOST, "is_local": True}
    elif name == LINUX:
        facts |= {"kind": System.Kind.HOST}
    else:
        facts |= {"kind": System.Kind.MOCK, "base_url": nas.url, "api_key": "mock-key"}
        if name >= "25":
            facts["api_user"] = "root"
    system = systems.add(name, by="test", state_dir=str(nas.state_dir), **facts)
    site = Site(nas, system)
    site.poll()
    assert not site.system.last_error, (name, site.system.last_error)
    return site


def become(nas: MockNas, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a shell on the mock's host has in its environment, this process has from now on."""
    for name, value in host.environment(Nas(nas.data)).items():
        monkeypatch.setenv(name, value)


def run_all(sites: dict[str, Site], seconds: float) -> None:
    """Poll every system until no job is left that isn't over."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        next_round = time.monotonic() + PAUSE_SECONDS
        for site in sites.values():
            site.poll()
        if not Job.objects.filter(finished_at=None).exists():
            return
        time.sleep(max(0.0, next_round - time.monotonic()))
    left = Job.objects.filter(finished_at=None).select_related("system")
    told = "\n\n".join(f"{job.system}: {sites[job.system.name].describe(job)}" for job in left)
    raise AssertionError(f"not over after {seconds:g} s:\n{told}")
