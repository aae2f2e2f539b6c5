"""Waiting for a condition, never for luck."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any


def wait_for(
    condition: Callable[[], Any], timeout: float, what: str, *, every: float = 0.05
) -> Any:
    """Call `condition` until it gives something true, and return that; `every` seconds.

    Raises AssertionError naming `what` when it doesn't within `timeout` seconds; a time limit for
    a broken run, far above what a healthy one needs.
    """
    end = time.monotonic() + timeout
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"waited {timeout:g} s in vain: {what}")
        time.sleep(every)
