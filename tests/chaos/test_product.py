"""kill -9 of each process while burn-ins run: they go on without loss (B7).

One product for all of it, with burn-ins so slow that they outlast every kill; the last test lifts
their limit and asks for the verdict.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest

from launcher.client import Job
from tests.stack import PROCESSES, Stack
from tests.waiting import wait_for

pytestmark = pytest.mark.timeout(300)
SURFACE = "surface_validate"
#: Four minutes for each drive, far longer than all the kills take.
SLOW_MBPS = 5
REAL = ("da0", "da1")
#: Its long self-test takes eight minutes, like life.
SIMULATED = "sda"


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    stack = Stack(tmp_path_factory.mktemp("survival") / "data", rate_limit_mbps=SLOW_MBPS, speed=1)
    try:
        yield stack.start()
    finally:
        stack.stop()


@pytest.fixture(scope="module")
def burnins(product: Stack) -> dict[str, Job]:
    """Running surface runs of two real drives, by the drive's name, as they were at the start.
    Beside them a simulated drive has a long self-test."""
    product.start_burnin(SIMULATED, ["long_smart"])
    for name in REAL:
        product.start_burnin(name, [SURFACE])
    product.wait_for_job(SIMULATED, _self_test_runs, 60, "the self-test runs")
    return {name: _running(product, name, 0) for name in REAL}


@pytest.mark.parametrize("name", PROCESSES)
def test_a_killed_process_costs_nothing(product: Stack, burnins: dict[str, Job], name: str) -> None:
    agents = _agents(product, burnins)
    gone = product.kill9(name)
    product.wait_until_back(gone)
    _go_on_by_the_same(product, burnins, agents)


def test_a_killed_launcher_costs_nothing(product: Stack, burnins: dict[str, Job]) -> None:
    agents = _agents(product, burnins)
    orphans = product.pids()
    product.kill_launcher()
    product.start()
    assert not set(orphans.values()) & set(product.pids().values())
    _go_on_by_the_same(product, burnins, agents)


def test_all_killed_at_once_costs_nothing(product: Stack, burnins: dict[str, Job]) -> None:
    agents = _agents(product, burnins)
    product.kill9_all()
    assert _agents(product, burnins) == agents, "the agents went on while nobody watched"
    product.start()
    _go_on_by_the_same(product, burnins, agents)


def test_after_a_reboot_of_the_host_the_runs_resume(
    product: Stack, burnins: dict[str, Job]
) -> None:
    agents = _agents(product, burnins)
    runs = {name: job.stage(SURFACE).run_id for name, job in burnins.items()}
    before = {
        name: wait_for(partial(_checkpoint, product, run), 60, f"{name} has a checkpoint")
        for name, run in runs.items()
    }
    product.debug("nas-2", "reboot")
    for name, run in runs.items():
        wait_for(lambda run=run: product.run_state(run)["resumed"] == 1, 60, f"{name} resumes")
        # In a verify phase the last chunk is read again.
        chunk = product.run_state(run)["io"]["chunk_bytes"]
        assert _checkpoint(product, run) >= before[name] - chunk
        assert product.agent(run) not in (None, agents[name])
        seen = product.wait_for_job(name, lambda job: job.state == "running", 60, "it answers")
        now = _running(product, name, seen.stage(SURFACE).percent)
        assert now.stage(SURFACE).run_id == run


def test_the_verdict_is_whole(product: Stack, burnins: dict[str, Job]) -> None:
    sizes = {name: drive.size_bytes for name, drive in product.drives().items()}
    for job in burnins.values():
        product.unlimit(job.stage(SURFACE).run_id)
    for name, job in burnins.items():
        ended = product.wait_for_job(name, lambda job: job.is_over, 120, f"{name} has ended")
        assert (ended.id, ended.state, ended.error_text) == (job.id, "passed", "")
        verdict = ended.stage(SURFACE).evidence["verdict"]
        assert verdict["bytes_verified"] == sizes[name] * 2
        assert (verdict["error_count"], verdict["resumed"]) == (0, 1)
    product.debug("nas-1", "complete-all-jobs")
    ended = product.wait_for_job(SIMULATED, lambda job: job.is_over, 60, "the self-test has ended")
    assert (ended.state, ended.error_text) == ("passed", "")
    runs = {folder.name for folder in product.state_folder(".").iterdir()}
    assert runs <= {job.stage(SURFACE).run_id for job in burnins.values()}, "no second run"


def _running(product: Stack, name: str, beyond: float) -> Job:
    """The drive's job, once its surface run has come further than that percentage."""
    return product.wait_for_job(
        name,
        lambda job: job.state == "running" and job.stage(SURFACE).percent > beyond,
        90,
        f"{name} goes on beyond {beyond} %",
    )


def _checkpoint(product: Stack, run_id: str) -> int:
    """Bytes that a resumed run would not do again, but for the last chunk."""
    state = product.run_state(run_id)
    done: int = state["bytes_written"] + state["bytes_verified"]
    return done


def _self_test_runs(job: Job) -> bool:
    return job.state == "running" and job.stage("long_smart").state == "running"


def _agents(product: Stack, burnins: dict[str, Job]) -> dict[str, int | None]:
    return {name: product.agent(job.stage(SURFACE).run_id) for name, job in burnins.items()}


def _go_on_by_the_same(
    product: Stack, burnins: dict[str, Job], agents: dict[str, int | None]
) -> None:
    """Every burn-in moves on, with the same run of the same process on the host."""
    assert all(agents.values())
    for name, job in burnins.items():
        seen = product.wait_for_job(name, lambda job: job.state == "running", 60, "it answers")
        now = _running(product, name, seen.stage(SURFACE).percent)
        assert now.id == job.id
        assert now.stage(SURFACE).run_id == job.stage(SURFACE).run_id
    assert _agents(product, burnins) == agents
    product.wait_for_job(SIMULATED, _self_test_runs, 30, "the self-test goes on")
