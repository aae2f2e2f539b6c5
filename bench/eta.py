"""How far off is the time left of a surface run, on drives that are simulated?

Each drive is written and verified twice and looked at each POLL seconds of its life, as polls do.
From 5 % of the bytes on, the time left as told is held against the time that it took; the error is
their difference as a share of the time that was really left. Beside it: what bytes left divided by
the present rate would have said.
"""

from __future__ import annotations

import argparse
import math
import random
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from burnin.curve import SWEEPS, Curve, mean, surface_left

POLL = 12.0
PASSES = 2
FROM_PERCENT = 5.0
# Looks at each drive: finer tells nothing new, and takes longer.
LOOKS = 400

Shape = Callable[[str, int, float], float]


@dataclass(frozen=True)
class Simulated:
    """rate(sweep, pass, place 0 to 1) in bytes per second, before noise."""

    name: str
    size: int
    rotational: bool
    rate: Shape
    noise: float = 0.04


def _disk(outer: float, inner: float, *, verify: float = 1.0) -> Shape:
    """A disk of constant density between two rates; verifying is that much faster."""
    a, b = outer**2, outer**2 - inner**2
    return lambda sweep, _, place: math.sqrt(a - b * place) * (verify if sweep == "verify" else 1)


def _linear(outer: float, inner: float) -> Shape:
    return lambda sweep, _, place: outer - (outer - inner) * place


def _zoned(outer: float, inner: float, zones: int) -> Shape:
    """The rate falls in steps, as it does between the zones of a disk."""
    smooth = _disk(outer, inner)
    return lambda sweep, pass_, place: smooth(sweep, pass_, (int(place * zones) + 0.5) / zones)


def _shingled(outer: float, inner: float) -> Shape:
    """Overlapping tracks: writing is slower, and slower again where it isn't for the first time."""
    smooth = _disk(outer, inner)
    share = {1: 0.8, 2: 0.55}
    return lambda sweep, pass_, place: (
        smooth(sweep, pass_, place) * (share[pass_] if sweep == "write" else 1)
    )


def _cached_flash(fast: float, slow: float) -> Shape:
    """Writing falls off when its cache is full."""
    return lambda sweep, _, place: fast if sweep == "verify" or place < 0.15 else slow


DRIVES = [
    Simulated("12 TB disk, 250 to 120 MB/s", 12 * 10**12, True, _disk(250e6, 120e6)),
    Simulated("18 TB disk, 270 to 130, verify +5 %", 18 * 10**12, True,
              _disk(270e6, 130e6, verify=1.05)),
    Simulated("4 TB disk, 180 to 75, linear", 4 * 10**12, True, _linear(180e6, 75e6)),
    Simulated("8 TB disk, 200 to 95, 20 zones", 8 * 10**12, True, _zoned(200e6, 95e6, 20)),
    Simulated("10 TB disk on a noisy host, ±25 %", 10 * 10**12, True, _disk(230e6, 110e6), 0.25),
    Simulated("6 TB shingled disk", 6 * 10**12, True, _shingled(190e6, 90e6)),
    Simulated("2 TB SSD, level", 2 * 10**12, False, lambda *_: 480e6),
    Simulated("1 TB SSD, cache full after 15 %", 10**12, False, _cached_flash(500e6, 160e6)),
]  # fmt: skip


@dataclass(frozen=True)
class Look:
    at: float
    percent: float
    told: float
    naive: float


def life(drive: Simulated, of_model: Curve | None, seed: int) -> tuple[list[Look], float, Curve]:
    """What was told at each look, when it was really over, and the curve that was learnt."""
    looks: list[Look] = []
    curve, dice, now = Curve.empty(), random.Random(seed), 0.0
    step = _length(drive) / LOOKS
    for sweep, pass_, position, rate, seconds in _steps(drive, dice, step):
        now += seconds
        curve = curve.learn(sweep, position / drive.size, rate)
        done = (2 * (pass_ - 1) + SWEEPS.index(sweep)) * drive.size + position
        whole = 2 * PASSES * drive.size
        left = surface_left(
            drive.size,
            PASSES,
            phase=sweep,
            pass_number=pass_,
            position=int(position),
            curve=curve,
            of_model=of_model,
            rotational=drive.rotational,
        )
        looks.append(Look(now, 100 * done / whole, left.seconds, (whole - done) / rate))
    return looks, now, curve


def _length(drive: Simulated) -> float:
    return sum(
        drive.size / 200 / drive.rate(sweep, pass_, (part + 0.5) / 200)
        for pass_ in range(1, PASSES + 1)
        for sweep in SWEEPS
        for part in range(200)
    )


def _steps(
    drive: Simulated, dice: random.Random, step: float
) -> Iterator[tuple[str, int, float, float, float]]:
    """(sweep, pass, position afterwards, rate, seconds) for each look."""
    for pass_ in range(1, PASSES + 1):
        for sweep in SWEEPS:
            position = 0.0
            while position < drive.size:
                rate = drive.rate(sweep, pass_, position / drive.size)
                rate *= max(0.2, dice.gauss(1, drive.noise))
                moved = min(step * rate, drive.size - position)
                position += moved
                yield sweep, pass_, position, rate, moved / rate


def errors(looks: list[Look], end: float) -> tuple[list[float], list[float]]:
    """Of what was told, and of the naive figure, in percent of the time left."""
    told, naive = [], []
    for look in looks:
        left = end - look.at
        if look.percent >= FROM_PERCENT and left > 0.01 * end:
            told.append(100 * abs(look.told - left) / left)
            naive.append(100 * abs(look.naive - left) / left)
    return told, naive


def measure(seed: int = 1) -> list[tuple[str, list[float], list[float], list[float]]]:
    """For each drive: errors for the first of its model, for a later one, and naively."""
    found = []
    for drive in DRIVES:
        looks, end, curve = life(drive, None, seed)
        first, naive = errors(looks, end)
        looks, end, _ = life(drive, mean([curve]), seed + 1)
        later, _ = errors(looks, end)
        found.append((drive.name, first, later, naive))
    return found


def main(arguments: list[str]) -> int:
    options = argparse.ArgumentParser(prog="./run bench eta", description=__doc__)
    options.add_argument("--seed", type=int, default=1)
    seed = options.parse_args(arguments).seed
    rows = measure(seed)
    print("Error of the time left, percent, from 5 % progress on: median (90th percentile)")
    print(f"{'drive':40}{'first of its model':>20}{'a later one':>16}{'left / rate':>16}")
    columns: list[list[float]] = [[], [], []]
    for name, *found in rows:
        print(f"{name:40}" + "".join(_cell(each, width) for each, width in zip(
            found, (20, 16, 16), strict=True)))  # fmt: skip
        for column, each in zip(columns, found, strict=True):
            column += each
    print(f"{'all':40}" + "".join(_cell(each, width) for each, width in zip(
        columns, (20, 16, 16), strict=True)))  # fmt: skip
    return 0 if statistics.median(columns[0]) <= 10 else 1


def _cell(errors: list[float], width: int) -> str:
    ninety = statistics.quantiles(errors, n=10)[-1]
    return f"{statistics.median(errors):.1f} ({ninety:.1f})".rjust(width)
