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


@pytest.mark.parametrize(("ci", "status"), [("", 0), ("true", 1)])
def test_without_the_program(tmp_path: Path, ci: str, status: int) -> None:
    (tmp_path / "test_wants.py").write_text(WANTS_SSH)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-c", str(ROOT / "pytest.ini"), "-p", "tests.conftest",
         "-p", "no:cacheprovider", str(tmp_path / "test_wants.py")],
        cwd=ROOT,
        env=os.environ | {"PATH": str(tmp_path), "CI": ci, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )  # fmt: skip
    assert "1 passed, 1 skipped" in done.stdout, done.stdout + done.stderr
    assert "!!! SKIPPED for want of ssh: 1 (Debian: apt install openssh-client)" in done.stdout
    assert done.returncode == status
