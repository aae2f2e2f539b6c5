"""Tests that want an outside program say so; without it they skip loudly, and in CI they fail."""

from __future__ import annotations

import os
from collections import Counter
from typing import Any

import pytest

from launcher.needs import NEEDS


def need(name: str) -> str:
    """What `launcher.needs` found for this name (mostly the program's path); else the test ends."""
    found = NEEDS[name].find()
    if found is None:
        packages = " ".join(NEEDS[name].packages)
        reason = f"for want of {name}" + (f" (Debian: apt install {packages})" if packages else "")
        if os.environ.get("CI") == "true":
            pytest.fail(f"CI=true, but not run {reason}", pytrace=False)
        pytest.skip(reason)
    return found


def lines(skipped: list[Any]) -> list[str]:
    """One loud line for each thing that was missing, from the reports of the skipped tests."""
    reasons = Counter(report.longrepr[2].removeprefix("Skipped: ") for report in skipped)
    return [
        f"!!! SKIPPED {count} {reason}"
        for reason, count in reasons.items()
        if reason.startswith("for want of ")
    ]
