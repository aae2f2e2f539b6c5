"""One file a stage, each with the three verbs.

begin(context)  start the work on the host, or find, resume or collect what is already there
check(context)  how far is it? from the database alone, no I/O
stop(context)   end the work on the host; True when nothing of it runs any more

Each may be called any number of times. HostError and NasError pass through: the stage then waits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from drives.models import Drive, System

from ..models import Job, Stage, StageKind
from ..outcomes import Outcome


class Overtaken(Exception):
    """Somebody else has this stage by now, or it was cancelled or is to hold still since."""


@dataclass(frozen=True)
class Context:
    """What a verb works on. `remember` stores facts on the stage before the host is touched, and
    raises Overtaken where nothing may be begun any more.

    hold: why nothing may be written for this job just now, as a sentence; empty when it may.
    asks_again: the same, asked anew, after something that takes minutes.
    """

    job: Job
    stage: Stage
    drive: Drive
    system: System
    now: datetime
    remember: Callable[..., None]
    hold: str
    asks_again: Callable[[], str]

    def evidence_of(self, kind: StageKind) -> dict[str, Any]:
        """The evidence of another stage of this job; empty when it has none."""
        stage = self.job.stages.filter(kind=kind).first()
        return stage.evidence if stage else {}


class Verbs(Protocol):
    """What each stage's module is."""

    def begin(self, context: Context) -> Outcome: ...
    def check(self, context: Context) -> Outcome: ...
    def stop(self, context: Context) -> bool: ...


def verbs(kind: str) -> Verbs:
    """The module of a stage kind."""
    from . import final_check, io_validate, long_smart, precheck, short_smart, surface_validate

    modules: dict[str, Verbs] = {
        StageKind.PRECHECK: precheck,
        StageKind.SHORT_SMART: short_smart,
        StageKind.LONG_SMART: long_smart,
        StageKind.SURFACE_VALIDATE: surface_validate,
        StageKind.IO_VALIDATE: io_validate,
        StageKind.FINAL_CHECK: final_check,
    }
    return modules[kind]
