"""Commands on this very host keep to the same limits as those over SSH."""

from __future__ import annotations

import os
import subprocess
import time

import pytest

from drives.hosts.agent import AgentHost, in_shell
from drives.hosts.local import Local
from drives.hosts.ssh import HostError


def test_a_command_is_fed_and_its_status_and_output_are_told() -> None:
    done = Local().run(in_shell("cat; echo oops >&2; exit 3"), stdin=b"hello")
    assert (done.exit_status, done.stdout, done.stderr) == (3, b"hello", b"oops\n")


def test_one_that_hangs_is_given_up_with_all_that_it_started() -> None:
    begun = time.monotonic()
    with pytest.raises(HostError, match="no answer within"):
        Local().run("sleep 61 & sleep 61", timeout=0.5)
    assert time.monotonic() - begun < 30
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout
    assert "sleep 61" not in listed.splitlines()


def test_what_is_started_detached_goes_on() -> None:
    done = Local().run("setsid sleep 20 >/dev/null 2>&1 & echo $!")
    pid = int(done.stdout)
    os.kill(pid, 0)
    os.kill(pid, 9)


def test_the_agent_is_shipped_and_asked_here(tmp_path: object) -> None:
    host = AgentHost(Local(), f"{tmp_path}/state")
    if not host.is_root:
        pytest.skip("needs root, or sudo without a password")
    assert host.describe()
    status = host.status([])
    assert status.runs == ()
