"""A test that wants an outside program which isn't there: skipped loudly, and in CI a failure."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from launcher.environment import ROOT

WANTS_SSH = """
import pytest

@pytest.mark.needs("ssh")
def test_wants_ssh():
    pass

def test_wants_nothing():
    pass
"""


def run(folder: Path, ci: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_wants.py").write_text(WANTS_SSH)
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-c", str(ROOT / "pytest.ini"), "-p", "tests.conftest",
         "-p", "no:cacheprovider", *arguments, str(folder / "test_wants.py")],
        cwd=ROOT,
        env=os.environ | {"PATH": str(folder), "CI": ci, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )  # fmt: skip


@pytest.mark.parametrize("arguments", [[], ["-n", "1"]])
def test_without_the_program_it_is_skipped_loudly(tmp_path: Path, arguments: list[str]) -> None:
    done = run(tmp_path, "", *arguments)
    assert "1 passed, 1 skipped" in done.stdout, done.stdout + done.stderr
    assert "!!! SKIPPED 1 for want of ssh (Debian: apt install openssh-client)" in done.stdout
    assert done.returncode == 0


def test_in_ci_nothing_may_be_missing(tmp_path: Path) -> None:
    done = run(tmp_path, "true")
    assert "1 passed, 1 error" in done.stdout, done.stdout + done.stderr
    assert "CI=true, but not run for want of ssh" in done.stdout
    assert done.returncode == 1
