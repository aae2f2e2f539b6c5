"""Values out of what a NAS or smartctl tells: what isn't of the expected kind is unknown."""

from __future__ import annotations

from typing import Any


def get(source: Any, *path: str) -> Any:
    """What lies at the end of the path of names; None where a step is missing."""
    for name in path:
        source = source.get(name) if isinstance(source, dict) else None
    return source


def whole(value: Any, below: int) -> int | None:
    """A whole number, 0 ≤ value < below."""
    usable = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < below
    return value if usable else None


def flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def text(value: Any, longest: int = 200) -> str:
    """Plain, stripped text; empty (unknown) for anything else."""
    found = value.strip() if isinstance(value, str) else ""
    return found if len(found) <= longest and found.isprintable() else ""


def rows(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def celsius(value: Any) -> int | None:
    """0 °C is what drives and bridges say that don't know, so it is unknown too."""
    return whole(value, 150) or None
