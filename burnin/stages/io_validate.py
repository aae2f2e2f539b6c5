"""Write and read back a sample all over the drive, in minutes: a first look, and a fake capacity
shows (B12). It destroys data as the whole surface does.
"""

from __future__ import annotations

from ..outcomes import Outcome
from . import Context, surface_run


def begin(context: Context) -> Outcome:
    return surface_run.begin(context, sample=True)


def check(context: Context) -> Outcome:
    return surface_run.check(context)


def stop(context: Context) -> bool:
    return surface_run.stop(context)
