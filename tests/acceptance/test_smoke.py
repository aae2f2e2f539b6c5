"""`./run smoke`, as a user runs it."""

from __future__ import annotations

import subprocess

import pytest

from launcher.environment import ROOT


@pytest.mark.timeout(240)
def test_every_verdict_of_the_smoke_is_the_true_one() -> None:
    done = subprocess.run(["./run", "smoke"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "7 of 7 verdicts are the true ones" in done.stdout
