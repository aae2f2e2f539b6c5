"""Write every byte, read every byte back (B12)."""

from __future__ import annotations

from ..outcomes import Outcome
from . import Context, surface_run


def begin(context: Context) -> Outcome:
    return surface_run.begin(context, sample=False)


def check(context: Context) -> Outcome:
    return surface_run.check(context)


def stop(context: Context) -> bool:
    return surface_run.stop(context)
