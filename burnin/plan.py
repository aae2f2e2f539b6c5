"""Which stages a burn-in has, in which order, and what that choice is called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from config import runtime
from drives.models import Drive

from .models import CHOSEN_KINDS, DESTRUCTIVE_KINDS, StageKind

PROFILES = {
    frozenset({StageKind.SHORT_SMART, StageKind.LONG_SMART, StageKind.SURFACE_VALIDATE}): "full",
    frozenset({StageKind.SHORT_SMART, StageKind.SURFACE_VALIDATE}): "surface_short",
    frozenset({StageKind.LONG_SMART, StageKind.SURFACE_VALIDATE}): "surface_long",
    frozenset({StageKind.SURFACE_VALIDATE}): "surface",
    frozenset({StageKind.SHORT_SMART, StageKind.LONG_SMART}): "short_long",
    frozenset({StageKind.SHORT_SMART}): "short",
    frozenset({StageKind.LONG_SMART}): "long",
    frozenset({StageKind.SHORT_SMART, StageKind.IO_VALIDATE}): "quick",
}
MOST_PASSES = 16


@dataclass(frozen=True)
class Plan:
    """The chosen stages in the operator's order (B1), without precheck and final check.

    passes: None leaves their number to the settings and the kind of drive.
    """

    stages: tuple[StageKind, ...]
    passes: int | None = None

    @classmethod
    def from_choice(cls, stages: Sequence[str], passes: int | None = None) -> Plan:
        """Raises ValueError with a sentence for none, unknown or repeated stages, or odd passes."""
        if not stages:
            raise ValueError("Choose at least one stage")
        for name in stages:
            if name not in CHOSEN_KINDS:
                raise ValueError(f"There is no stage {name!r} to choose")
        if len(set(stages)) != len(stages):
            raise ValueError("A stage is named twice")
        if passes is not None and not 1 <= passes <= MOST_PASSES:
            raise ValueError(f"Passes must be 1 to {MOST_PASSES}")
        return cls(tuple(StageKind(name) for name in stages), passes)

    def passes_on(self, drive: Drive) -> int:
        """How often its surface is written: flash wears, so once is enough there (B16)."""
        if self.passes is not None:
            return self.passes
        return 1 if drive.is_flash else runtime.current().surface_passes

    @classmethod
    def quick(cls) -> Plan:
        """A fast screening: a short self-test and a sample of the surface (B2)."""
        return cls((StageKind.SHORT_SMART, StageKind.IO_VALIDATE), 1)

    @property
    def all_stages(self) -> tuple[StageKind, ...]:
        return (StageKind.PRECHECK, *self.stages, StageKind.FINAL_CHECK)

    @property
    def destructive(self) -> bool:
        return any(kind in DESTRUCTIVE_KINDS for kind in self.stages)

    @property
    def profile(self) -> str:
        return PROFILES[frozenset(self.stages)]
