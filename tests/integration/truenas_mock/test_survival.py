"""What outlives a kill -9 of the mock, a reboot of its host, and an end of its power."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from launcher.environment import ROOT
from tests.nas import MockNas
from tests.waiting import wait_for

from .conftest import Rest
from .host import Host

MIB = 1 << 20
Connect = Callable[[MockNas], Host]


@pytest.fixture
def connect() -> Iterator[Connect]:
    """An agent on that host, shipped."""
    with ExitStack() as stack:

        def to(nas: MockNas) -> Host:
            host = stack.enter_context(Host(nas))
            host.ship()
            return host

        yield to


def start_test(rest: Rest, name: str) -> None:
    identifier = rest.drive(name)["identifier"]
    rest.post("smart/test/manual_test", [{"identifier": identifier, "type": "LONG"}])


def newest_test(rest: Rest, name: str) -> str:
    (found,) = rest.get(f"smart/test/results?disk={name}")
    return str(found["tests"][0]["status_verbose"])


def test_kill9_costs_the_api_jobs_and_nothing_else(
    mock_nas: Callable[..., MockNas], connect: Connect
) -> None:
    nas = mock_nas(speed=1)
    rest, host = Rest(nas), connect(nas)
    start_test(rest, "sda")
    host.start("sdb", "run-1")
    nas.debug("drive/sdc", {"pool": "fast"})
    before, key, ports = nas.debug("state"), nas.host_key, (nas.port, nas.ssh_port)
    head = host.head("run-1")
    nas.kill9()
    nas.restart()
    assert (nas.host_key, (nas.port, nas.ssh_port)) == (key, ports)
    after = nas.debug("state")
    assert after["boot_id"] == before["boot_id"]
    assert after["drives"] == before["drives"]
    assert (len(before["jobs"]), after["jobs"]) == (1, [])
    assert newest_test(rest, "sda") == "Self-test routine in progress"
    now = host.head("run-1")
    assert (now["seed"], now["alive"], now["resumed"]) == (head["seed"], True, 0)
    assert now["percent"] >= head["percent"]


def test_a_simulated_host_that_reboots(mock_nas: Callable[..., MockNas], connect: Connect) -> None:
    nas = mock_nas(speed=1)
    rest, host = Rest(nas), connect(nas)
    start_test(rest, "sda")
    host.start("sdb", "run-1")
    before = host.agent("probe")["host"]["boot_id"]
    nas.debug("reboot")
    assert host.agent("probe")["host"]["boot_id"] != before
    assert newest_test(rest, "sda") == "Interrupted (host reset)"
    assert rest.get("core/get_jobs") == []
    head = host.head("run-1")
    assert (head["alive"], head["verdict"], head["boot_id"]) == (False, None, before)
    again = host.start("sdb", "run-1")
    assert (again["outcome"], again["run"]["resumed"]) == ("started", 1)


def slow_run(host: Host, run_id: str) -> int:
    """The process of a real agent that goes on for a minute."""
    host.start("da0", run_id, f"--rate-limit={2 * MIB}")

    def alone() -> list[int]:
        # A smartctl of the agent's is soon over.
        found = host.nas.debug("state")["host_processes"]
        return found if len(found) == 1 else []

    return wait_for(alone, 20, "the agent is there, and only it")[0]


def is_alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_kill9_leaves_the_agents_running_and_power_off_does_not(
    media_nas: MockNas, connect: Connect
) -> None:
    host = connect(media_nas)
    pid = slow_run(host, "run-1")
    media_nas.kill9()
    assert is_alive(pid)
    media_nas.restart()
    assert pid in media_nas.debug("state")["host_processes"]
    assert host.head("run-1")["alive"]
    before = media_nas.debug("state")["boot_id"]
    media_nas.stop()
    assert not is_alive(pid)
    assert not (media_nas.data / "ready.json").exists()
    media_nas.start()
    assert media_nas.debug("state")["boot_id"] != before
    head = host.head("run-1")
    assert (head["alive"], head["verdict"]) == (False, None)


def test_a_reboot_ends_the_agents_and_empties_the_memory(
    media_nas: MockNas, connect: Connect
) -> None:
    host = connect(media_nas)
    pid = slow_run(host, "run-1")
    memory = media_nas.data / "run"
    wait_for(lambda: list(memory.iterdir()), 10, "progress is told in memory")
    before = host.agent("probe", status=None)["host"]["boot_id"]
    media_nas.debug("reboot")
    assert not is_alive(pid)
    assert list(memory.iterdir()) == []
    assert host.agent("probe", status=None)["host"]["boot_id"] != before
    again = host.start("da0", "run-1")
    assert (again["outcome"], again["run"]["resumed"]) == ("started", 1)


def test_one_data_folder_is_one_nas(media_nas: MockNas) -> None:
    command = [sys.executable, "-m", "truenas_mock", "--data", str(media_nas.data)]
    command += ["--authorized-key", f"{media_nas.key_file}.pub"]
    second = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=20)
    assert second.returncode == 1
    assert "Another mock NAS" in second.stderr
    assert json.loads((media_nas.data / "ready.json").read_text())["pid"] == media_nas.pid
