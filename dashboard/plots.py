"""The geometry of plots that the server draws: numbers in, SVG paths and ticks out. No I/O.

The drawn part is 1,000 wide and 100 high and is stretched by CSS; text stands outside of it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

WIDTH, HEIGHT = 1000.0, 100.0
#: Below this many points a line shows all of them.
POINTS = 120


@dataclass(frozen=True)
class Tick:
    """A mark of an axis: text, or a moment that the page shows in local time."""

    text: str = ""
    at: datetime | None = None
    wide: bool = False  #: left out on a phone


@dataclass(frozen=True)
class Line:
    """`style` is a class of plot.css: line-1, line-2, other, before, limit."""

    style: str
    label: str
    path: str


@dataclass(frozen=True)
class Band:
    """A shaded part of the width, from 0 to 1,000, with its name at `percent` of the width."""

    start: float
    end: float
    label: str
    shaded: bool

    @property
    def path(self) -> str:
        return f"M{self.start:.0f} 0H{self.end:.0f}V100H{self.start:.0f}z"

    @property
    def percent(self) -> str:
        return f"{self.start / 10 + 0.8:.1f}%"

    @property
    def is_wide(self) -> bool:
        """Whether its name fits into it."""
        return self.end - self.start >= 9 * len(self.label)

    @property
    def is_wide_on_a_phone(self) -> bool:
        return self.end - self.start >= 27 * len(self.label)


@dataclass(frozen=True)
class Table:
    """The numbers of a plot."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Plot:
    """`says` is the plot in a sentence; y_ticks from the top down, x_ticks from the left."""

    says: str
    lines: tuple[Line, ...]
    y_ticks: tuple[str, ...]
    x_ticks: tuple[Tick, ...]
    table: Table
    bands: tuple[Band, ...] = ()
    stop: float | None = None
    stop_label: str = ""
    grid: tuple[float, ...] = field(default=(0.0, 100 / 3, 200 / 3, 100.0))

    @property
    def legend(self) -> list[Line]:
        """One entry for each style: lines that look alike share theirs."""
        labels: dict[str, list[str]] = {}
        for line in self.lines:
            labels.setdefault(line.style, []).append(line.label)
        return [Line(style, "; ".join(names), "") for style, names in labels.items()]

    @property
    def stop_percent(self) -> str:
        return f"{(self.stop or 0) / 10 + 0.8:.1f}%"


def scale(low: float, high: float, steps: int = 3) -> list[float]:
    """`steps` + 1 round numbers that hold low and high, rising."""
    span = max(high - low, 1e-9)
    size = 10 ** math.floor(math.log10(span / steps))
    for factor in (1, 2, 2.5, 3, 4, 5, 6, 8, 10, 15, 20):
        step = size * factor
        start = math.floor(low / step) * step
        if start + steps * step >= high - 1e-9:
            return [start + step * n for n in range(steps + 1)]
    return [low + span * n / steps for n in range(steps + 1)]


def path(points: Sequence[tuple[float, float] | None], low: float, high: float) -> str:
    """A line through (x from 0 to 1, y); None breaks it."""
    parts, pen = [], "M"
    for point in points:
        if point is None:
            pen = "M"
            continue
        x, y = point
        height = HEIGHT * (1 - (y - low) / max(high - low, 1e-9))
        parts.append(f"{pen}{x * WIDTH:.0f} {min(max(height, 0), HEIGHT):.1f}")
        pen = "L"
    return "".join(parts)


def thin(values: Sequence[float | None], points: int = POINTS) -> list[float | None]:
    """Means of as many equal parts; a part without any value is None."""
    if len(values) <= points:
        return list(values)
    thinned: list[float | None] = []
    for number in range(points):
        part = values[number * len(values) // points : (number + 1) * len(values) // points]
        known = [value for value in part if value is not None]
        thinned.append(sum(known) / len(known) if known else None)
    return thinned


def spread(values: Sequence[float | None]) -> list[tuple[float, float] | None]:
    """Values at equal distances over the whole width."""
    last = max(1, len(values) - 1)
    return [None if value is None else (n / last, value) for n, value in enumerate(values)]
