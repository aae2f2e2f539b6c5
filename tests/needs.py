"""Tests that want an outside program say so; without it they skip loudly, and in CI that fails."""

from __future__ import annotations

import os
from collections import Counter

import pytest

from launcher.needs import NEEDS

#: How many tests were skipped for want of what.
MISSING: Counter[str] = Counter()


def need(name: str) -> str:
    """What `launcher.needs` found for this name (mostly the program's path); else skip the test."""
    found = NEEDS[name].find()
    if found is None:
        MISSING[name] += 1
        pytest.skip(f"needs {name}")
    return found


def lines() -> list[str]:
    """One loud line for each thing that was missing."""
    return [
        f"!!! SKIPPED for want of {name}: {count}"
        + (
            f" (Debian: apt install {' '.join(NEEDS[name].packages)})"
            if NEEDS[name].packages
            else ""
        )
        for name, count in MISSING.items()
    ]


def forbidden() -> bool:
    """In CI nothing may be missing."""
    return bool(MISSING) and os.environ.get("CI") == "true"
