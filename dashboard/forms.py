"""What people and programs send, checked field by field."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.http import QueryDict

from burnin.models import CHOSEN_KINDS, StageKind
from burnin.plan import Plan

Errors = dict[str, list[str]]


def numbers(texts: Iterable[str]) -> list[int]:
    """The numbers of rows among them; what has more digits than any row's is left out."""
    return [int(text) for text in texts if text.isdecimal() and len(text) < 19]


@dataclass(frozen=True)
class StartForm:
    """The start dialog as it was filled in. `stages` are the chosen ones in their order.

    passes: empty leaves it to the settings and the kind of drive. profile: `quick` goes before the
    stages, which then only wait to be chosen again.
    """

    stages: tuple[str, ...]
    passes: str
    serial: str = ""
    release: tuple[str, ...] = ()
    profile: str = ""

    @classmethod
    def fresh(cls, remembered: object, is_flash: bool, passes_usual: int = 2) -> StartForm:
        """Before anything was chosen: what this person chose last, else everything."""
        passes = str(1 if is_flash else passes_usual)
        if isinstance(remembered, list):
            known = [str(name) for name in remembered if name in CHOSEN_KINDS]
            if StageKind.IO_VALIDATE in remembered:
                return cls(tuple(kind.value for kind in CHOSEN_KINDS), passes, profile="quick")
            if known:
                return cls(tuple(dict.fromkeys(known)), passes)
        return cls(tuple(kind.value for kind in CHOSEN_KINDS), passes)

    @classmethod
    def from_post(cls, post: QueryDict) -> StartForm:
        return cls(
            tuple(post.getlist("stages")),
            post.get("passes", "").strip(),
            post.get("serial", "").strip(),
            tuple(post.getlist("release")),
            post.get("profile", ""),
        )

    def plan(self) -> tuple[Plan | None, Errors]:
        """The plan, or what is wrong by field."""
        if self.profile == "quick":
            return Plan.quick(), {}
        if self.profile:
            return None, {"profile": [f"There is no profile {self.profile!r} to choose"]}
        passes: int | None = None
        if self.passes:
            passes = int(self.passes) if self.passes.isdecimal() and len(self.passes) < 4 else 0
        errors: Errors = {}
        try:
            Plan.from_choice(self.stages, 1)
        except ValueError as error:
            errors["stages"] = [str(error)]
        try:
            Plan.from_choice([StageKind.SURFACE_VALIDATE], passes)
        except ValueError as error:
            errors["passes"] = [str(error)]
        return (None, errors) if errors else (Plan.from_choice(self.stages, passes), {})

    @property
    def choices(self) -> list[tuple[StageKind, bool]]:
        """Every stage that can be chosen, the chosen ones first and in their order."""
        chosen = [StageKind(name) for name in dict.fromkeys(self.stages) if name in CHOSEN_KINDS]
        others = [kind for kind in CHOSEN_KINDS if kind not in chosen]
        return [(kind, True) for kind in chosen] + [(kind, False) for kind in others]
