"""The latency map of a surface run: one phase as 64 × 16 cells, coloured by how long a chunk took
there, with its legend, its words and the numbers that static/js/map.js tells of."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import median

from . import plots, words
from .surface import REGIONS, Region, Surface, counterpart, label

COLUMNS = 64
CELL = 16
#: A class ends at so many times the median of the phase, whatever the size of its chunks.
BORDERS = (1.5, 3.0, 8.0, 30.0)
#: So many times slower than in the earlier run, a region is outlined.
GREW = 2.0


@dataclass(frozen=True)
class Legend:
    """One class of the map: its name and how many regions are in it."""

    style: str
    label: str
    count: int
    path: str
    crosses: str = ""


class Map:
    """One phase as 64 × 16 cells, beside the same phase of an earlier run of the drive."""

    def __init__(self, surface: Surface, phase: str, earlier: Surface | None = None) -> None:
        self.surface, self.phase, self.earlier = surface, phase, earlier
        self.regions = surface.phases[phase]
        self.before = counterpart(earlier, phase)

    @property
    def label(self) -> str:
        return label(self.phase)

    @cached_property
    def errors(self) -> dict[int, int]:
        """Region (from 0) to the number of bad ranges there."""
        counts: dict[int, int] = {}
        for one in self.surface.errors:
            if one.phase == self.phase:
                place = self.surface.region_of(one) - 1
                counts[place] = counts.get(place, 0) + 1
        return counts

    @cached_property
    def borders(self) -> list[float]:
        """Milliseconds at which a class ends."""
        usual = median(region.mean for region in self.regions if region is not None)
        return [usual * factor for factor in BORDERS]

    def _style(self, place: int) -> str:
        region = self.regions[place]
        if place in self.errors:
            return "mx"
        if region is None:
            return "m0"
        return f"m{1 + sum(region.mean > border for border in self.borders)}"

    @cached_property
    def legend(self) -> list[Legend]:
        """Every class, in the order of its loudness; those that may be empty only when not."""
        places: dict[str, list[int]] = {}
        for place in range(REGIONS):
            places.setdefault(self._style(place), []).append(place)
        names = {
            "m1": f"up to {words.milliseconds(self.borders[0])}",
            "m2": f"to {words.milliseconds(self.borders[1])}",
            "m3": f"to {words.milliseconds(self.borders[2])}",
            "m4": f"to {words.milliseconds(self.borders[3])}",
            "m5": "slower",
            "mx": "errors",
            "m0": "not reached",
        }
        return [
            Legend(
                style,
                name,
                len(here := places.get(style, [])),
                _cells(here, outline=style == "m0"),
                _crosses(here) if style == "mx" else "",
            )
            for style, name in names.items()
            if style in places or style not in {"mx", "m0"}
        ]

    @cached_property
    def slower(self) -> list[int]:
        """Regions that are at most half as fast as in the earlier run. A sample isn't compared with
        a whole run: its chunks stand alone."""
        if self.earlier is None or self.earlier.is_sample != self.surface.is_sample:
            return []
        return [
            place
            for place, (now, then) in enumerate(zip(self.regions, self.before, strict=False))
            if now and then and 0 < now.rate * GREW <= then.rate
        ]

    @property
    def slower_path(self) -> str:
        """Outlines in the gaps between the cells."""
        return "".join(
            f"M{place % COLUMNS * CELL - 1} {place // COLUMNS * CELL - 1}h16v16h-16z"
            for place in self.slower
        )

    @cached_property
    def cursor(self) -> int:
        """Where it stands at first: at the first error, else at the slowest region."""
        if self.errors:
            return min(self.errors)
        known = [(region.mean, place) for place, region in enumerate(self.regions) if region]
        return max(known)[1]

    @property
    def cursor_x(self) -> float:
        return self.cursor % COLUMNS * CELL - 1.5

    @property
    def cursor_y(self) -> float:
        return self.cursor // COLUMNS * CELL - 1.5

    @property
    def cells(self) -> str:
        """For the page's script: [mean, most, rate, bad ranges, earlier mean] or 0 by region."""

        def cell(place: int) -> list[float] | int:
            region, before = self.regions[place], self.before[place] if self.before else None
            if region is None and place not in self.errors:
                return 0
            told = [region.mean, region.most, round(region.rate / 1e6, 1)] if region else [0, 0, 0]
            told = [round(number, 1) for number in told] + [self.errors.get(place, 0)]
            return [*told, round(before.mean, 1)] if before else told

        return json.dumps([cell(place) for place in range(REGIONS)], separators=(",", ":"))

    @property
    def sectors(self) -> int:
        return self.surface.size_bytes // self.surface.sector_bytes

    @property
    def readout(self) -> list[tuple[str, str]]:
        """(text, class) of the region under the cursor; static/js/map.js writes the same."""
        place = self.cursor
        region = self.regions[place]
        first = place * self.sectors // REGIONS
        last = (place + 1) * self.sectors // REGIONS - 1
        told = [(f"LBA {first:,} – {last:,}", "")]
        if region is None:
            told.append(("not reached", ""))
        else:
            told += [
                (f"mean {words.milliseconds(region.mean)}", ""),
                (f"max {words.milliseconds(region.most)}", ""),
                (words.rate(region.rate), ""),
            ]
        bad = self.errors.get(place, 0)
        told.append((words.plural(bad, "bad range") if bad else "no errors", "fail" if bad else ""))
        if self.before and (before := self.before[place]):
            told.append((f"earlier run {words.milliseconds(before.mean)}", ""))
        return told

    @property
    def name(self) -> str:
        return f"Latency map, {self.label.lower()}"

    @property
    def table(self) -> plots.Table:
        """The numbers, a line for each row of cells."""
        rows = []
        for first in range(0, REGIONS, COLUMNS):
            here = range(first, first + COLUMNS)
            known = [region for place in here if (region := self.regions[place])]
            before = [region for place in here if self.before and (region := self.before[place])]
            rows.append(
                (
                    f"{first + 1:,} – {first + COLUMNS:,}",
                    f"{first * self.sectors // REGIONS:,}",
                    _mean(known) or "not reached",
                    words.milliseconds(max(region.most for region in known)) if known else "–",
                    *((_mean(before) or "–",) if self.before else ()),
                    str(sum(self.errors.get(place, 0) for place in here)),
                )
            )
        earlier = ("in the earlier run",) if self.before else ()
        head = ("Regions", "from LBA", "mean of a chunk", "slowest chunk", *earlier, "bad ranges")
        return plots.Table(head, tuple(rows))

    @property
    def spoken(self) -> str:
        told = ", ".join(text for text, _ in self.readout if text)
        return f"Region {self.cursor + 1:,} of {REGIONS:,}, {told}"


def _mean(regions: Sequence[Region]) -> str:
    """Of a chunk in these regions; empty without any."""
    if not regions:
        return ""
    return words.milliseconds(sum(region.mean for region in regions) / len(regions))


def _cells(places: Sequence[int], outline: bool = False) -> str:
    inset, side = (0.5, 13) if outline else (0, 14)
    return "".join(
        f"M{place % COLUMNS * CELL + inset:g} {place // COLUMNS * CELL + inset:g}"
        f"h{side}v{side}h-{side}z"
        for place in places
    )


def _crosses(places: Sequence[int]) -> str:
    return "".join(
        f"M{place % COLUMNS * CELL + 4} {place // COLUMNS * CELL + 4}l6 6m0-6-6 6"
        for place in places
    )
