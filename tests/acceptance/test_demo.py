"""`./run demo`: the first start, the second, and what is left behind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from launcher.environment import ROOT
from launcher.product import ADMIN
from tests.stack import PROCESSES, Stack

pytestmark = pytest.mark.timeout(240)


def test_ctrl_c_leaves_nothing_behind_and_the_second_start_is_quick(tmp_path: Path) -> None:
    stack = Stack(tmp_path / "demo")
    stack.start()
    said = stack.output.read_text()
    assert stack.url in said and ADMIN in said
    assert (stack.data / "password").read_text() in said
    assert set(stack.pids()) == set(PROCESSES)
    job = stack.start_burnin("da0", ["surface_validate"])
    # A run on the host too: it must not outlive the mock NAS that stands for its machine.
    stack.wait_for_job("da0", lambda job: job.stage("surface_validate").percent > 0, 60, "it runs")
    assert stack.stop() == 0
    assert stack.leftovers() == []

    stack.start()
    try:
        # Seconds, where the first start takes a minute or two; with room for a busy machine.
        assert stack.started_in < 30
        found = stack.wait_for_job("da0", lambda job: True, 30, "the job is known")
        assert found.id == job
        assert "left by a killed launcher" not in stack.output.read_text()
    finally:
        stack.stop()
    assert stack.leftovers() == []


def test_a_second_one_on_the_same_folder_says_so_in_one_line(stack: Stack) -> None:
    done = _launch("demo", "--data", str(stack.data), "--port", "0")
    assert done.returncode == 1
    assert done.stderr.strip().count("\n") == 0
    assert done.stderr.startswith("run: It runs already")


def test_a_port_in_use_is_named_in_one_line(stack: Stack, tmp_path: Path) -> None:
    port = stack.url.rpartition(":")[2]
    done = _launch("demo", "--data", str(tmp_path / "other"), "--port", port)
    assert done.returncode == 1
    assert done.stderr.strip().count("\n") == 0
    assert f"Port {port} is in use" in done.stderr


def _launch(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "launcher", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
