"""How long what a dialog offers will take, for its first answer and for its script."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from burnin.eta import expected_seconds, plan_seconds
from burnin.models import DESTRUCTIVE_KINDS, Job, JobState, StageKind
from burnin.plan import Plan
from config import runtime
from drives.models import Drive

from .forms import StartForm
from .words import ordinal


@dataclass(frozen=True)
class Choice:
    """One stage that can be chosen. seconds: of one pass where it has passes."""

    kind: StageKind
    chosen: bool
    seconds: int
    passes: int

    @property
    def label(self) -> str:
        """As on the dialog; elsewhere the surface stage has a shorter name."""
        return "Surface validate" if self.has_passes else str(self.kind.label)

    @property
    def has_passes(self) -> bool:
        return self.kind == StageKind.SURFACE_VALIDATE

    @property
    def destroys(self) -> bool:
        return self.kind in DESTRUCTIVE_KINDS

    @property
    def whole_seconds(self) -> int:
        return self.seconds * (self.passes if self.has_passes else 1)


def choices(form: StartForm, drives: Sequence[Drive]) -> list[Choice]:
    """The stages in the order of the form; each takes as long as on the slowest of these drives."""
    passes = runtime.current().surface_passes
    if form.passes.isdecimal() and len(form.passes) < 4:
        passes = int(form.passes)
    # Drives of one model and size take as long as one another.
    drives = list({(drive.model, drive.size_bytes): drive for drive in drives}.values())
    return [
        Choice(kind, chosen, max((_seconds(drive, kind) for drive in drives), default=0), passes)
        for kind, chosen in form.choices
    ]


def quick_seconds(drives: Sequence[Drive]) -> int:
    """Of a quick screening of the slowest of these drives, with the checks before and after."""
    plan = Plan.quick()
    drives = list({(drive.model, drive.size_bytes): drive for drive in drives}.values())
    return round(max((plan_seconds(drive, plan) for drive in drives), default=0))


def whole_seconds(found: Sequence[Choice]) -> int:
    """Of all that is chosen, with the checks before and after."""
    return 20 + sum(choice.whole_seconds for choice in found if choice.chosen)


def turn(drive: Drive) -> str:
    """When a burn-in that is asked for now would begin: at once, or as which in the queue."""
    active = Job.objects.filter(system_id=drive.system_id)
    running = active.filter(state=JobState.RUNNING).count()
    queued = active.filter(state=JobState.QUEUED).count()
    if running + queued < runtime.current().max_parallel_burnins:
        return "It starts at once."
    return f"It is queued {ordinal(queued + 1)}."


def _seconds(drive: Drive, kind: StageKind) -> int:
    return round(expected_seconds(drive, kind, 1))
