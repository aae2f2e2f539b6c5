"""How fast a drive is at each of its places, learnt while it is written and read; and what that
says of the time left. Pure arithmetic: bytes, seconds, bytes per second; no database, no Django.

A hard disk's outer tracks pass the head about twice as fast as its inner ones, so bytes left
divided by the present rate is wrong by a third at the beginning of each sweep. Here each sweep (the
writing or the verifying of one pass) is summed up over BINS places of equal size: with what was
measured there, else with what is known of the model, else with the shape that all disks have, both
scaled to what this drive has done so far.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

BINS = 64
SWEEPS = ("write", "verify")
#: What today's disks do on average; a flash drive as well, behind a usual controller.
USUAL_RATE = 170_000_000.0
# A place that is passed again counts for at most as much as this many samples: disks change.
MEMORY = 8
# Unmeasured places are scaled by the measured ones that lie nearest.
NEAREST = 8

# How far off, as a share of the seconds, by what they rest on.
MEASURED, OF_MODEL, OF_SHAPE, GUESSED_OF_MODEL, GUESSED = 0.02, 0.06, 0.12, 0.15, 0.4

Rates = list[float | None]


@dataclass(frozen=True)
class Left:
    """Seconds still to go, and how far off that may be, in seconds either way."""

    seconds: float
    spread: float

    def __add__(self, other: Left) -> Left:
        return Left(self.seconds + other.seconds, self.spread + other.spread)


@dataclass(frozen=True)
class Curve:
    """Rates in bytes per second by sweep and place; None where nothing was measured.

    counts: how many samples each rate is the mean of.
    """

    rates: Mapping[str, Rates]
    counts: Mapping[str, list[int]]

    @classmethod
    def empty(cls) -> Curve:
        return cls({name: [None] * BINS for name in SWEEPS}, {name: [0] * BINS for name in SWEEPS})

    @classmethod
    def parse(cls, source: Any) -> Curve:
        """Of `as_json`; whatever isn't one is an empty curve."""
        empty = cls.empty()
        if not isinstance(source, dict):
            return empty
        rates, counts = dict(empty.rates), dict(empty.counts)
        for name in SWEEPS:
            found = source.get(name)
            if isinstance(found, list) and len(found) == BINS:
                rates[name] = [_rate(each) for each in found]
                counts[name] = [MEMORY if each is not None else 0 for each in rates[name]]
        return cls(rates, counts)

    def as_json(self) -> dict[str, list[int | None]]:
        return {
            name: [None if each is None else round(each) for each in self.rates[name]]
            for name in SWEEPS
        }

    def learn(self, sweep: str, place: float, rate: float | None) -> Curve:
        """With one more sample: at this place (0 to 1) the drive does that rate."""
        if sweep not in SWEEPS or not rate or rate <= 0 or not 0 <= place <= 1:
            return self
        bin_ = min(BINS - 1, int(place * BINS))
        count = min(MEMORY, self.counts[sweep][bin_] + 1)
        before = self.rates[sweep][bin_] or rate
        rates, counts = dict(self.rates), dict(self.counts)
        rates[sweep] = [*rates[sweep]]
        counts[sweep] = [*counts[sweep]]
        rates[sweep][bin_] = before + (rate - before) / count
        counts[sweep][bin_] = count
        return Curve(rates, counts)

    def is_whole(self) -> bool:
        return all(each is not None for name in SWEEPS for each in self.rates[name])


def _rate(value: Any) -> float | None:
    usable = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 10**13
    return float(value) if usable else None


def mean(curves: Sequence[Curve]) -> Curve | None:
    """What drives of a model do: the mean of whole curves, None without any."""
    whole = [curve for curve in curves if curve.is_whole()]
    if not whole:
        return None
    rates: dict[str, Rates] = {
        name: [
            sum(curve.rates[name][bin_] or 0 for curve in whole) / len(whole)
            for bin_ in range(BINS)
        ]
        for name in SWEEPS
    }
    return Curve(rates, {name: [len(whole)] * BINS for name in SWEEPS})


def shape(rotational: bool) -> list[float]:
    """The usual rates: on a disk of constant density the rate goes with the radius, from one to a
    half, and the area passed with its square. Flash is level."""
    if not rotational:
        return [USUAL_RATE] * BINS
    outer = USUAL_RATE / 0.75  # by time, √(1 - ¾x) is that on average
    return [outer * math.sqrt(1 - 0.75 * (bin_ + 0.5) / BINS) for bin_ in range(BINS)]


def surface_left(
    size_bytes: int,
    passes: int,
    *,
    phase: str = "write",
    pass_number: int = 1,
    position: int = 0,
    curve: Curve | None = None,
    of_model: Curve | None = None,
    rotational: bool = True,
) -> Left:
    """Time left of a surface run that is at this position of this phase of this pass."""
    curve = curve or Curve.empty()
    expected = {
        name: _expected(name, curve, of_model, rotational, size_bytes / BINS) for name in SWEEPS
    }
    index = 2 * (max(1, pass_number) - 1) + (1 if phase == "verify" else 0)
    place = min(1.0, max(0.0, position / size_bytes)) if size_bytes > 0 else 1.0
    if phase not in SWEEPS:
        place = 0.0  # the probe comes before everything
    total = Left(0, 0)
    for number in range(index, 2 * passes):
        for bin_, (seconds, doubt) in enumerate(expected[SWEEPS[number % 2]]):
            share = min(1.0, max(0.0, bin_ + 1 - place * BINS)) if number == index else 1.0
            total += Left(seconds * share, seconds * share * doubt)
    return total


def _expected(
    sweep: str, curve: Curve, of_model: Curve | None, rotational: bool, width: float
) -> list[tuple[float, float]]:
    """Seconds and doubt (a share) for each place of a sweep; `width` is a place's bytes."""
    known = of_model.rates[sweep] if of_model is not None else shape(rotational)
    base = [each or USUAL_RATE for each in known]
    here = curve.rates[sweep]
    other_sweep = SWEEPS[1 - SWEEPS.index(sweep)]
    other = curve.rates[other_sweep]
    if not any(here) and any(other):
        # Nothing of this sweep yet: it will be as the other one was, place by place.
        ratio = 1.0
        if of_model is not None:
            pairs = zip(base, of_model.rates[other_sweep], strict=True)
            ratio = sum(mine / (its or mine) for mine, its in pairs) / BINS
        here = [each * ratio if each else None for each in other]
    measured = [bin_ for bin_ in range(BINS) if here[bin_]]
    doubt = OF_MODEL if of_model is not None else OF_SHAPE
    if not measured:
        doubt = GUESSED_OF_MODEL if of_model is not None else GUESSED
        return [(width / rate, doubt) for rate in base]
    found = []
    for bin_ in range(BINS):
        rate = here[bin_]
        if rate:
            found.append((width / rate, MEASURED))
            continue
        nearest = sorted(measured, key=lambda place: abs(place - bin_))[:NEAREST]
        scale = sum((here[place] or 0) / base[place] for place in nearest) / len(nearest)
        found.append((width / (base[bin_] * scale), doubt))
    return found


def self_test_left(
    expected_seconds: float, elapsed_seconds: float, percent: float | None, *, coarse: bool = True
) -> Left:
    """Time left of a self-test: the drive's own estimate at first, its progress later on.

    coarse: the drive tells its progress in steps of ten percent, as ATA drives do, so that 10 means
    10 to 20.
    """
    done = min(99.0, (percent or 0.0) + (5.0 if coarse else 0.0)) / 100
    weight = min(1.0, (percent or 0.0) / 50)
    whole = expected_seconds
    if percent and elapsed_seconds > 0:
        whole = (1 - weight) * expected_seconds + weight * elapsed_seconds / done
    left = max(whole - elapsed_seconds, (1 - done) * whole * 0.1, 0.0)
    return Left(left, left * (0.25 - 0.15 * weight) + (0.05 * whole if coarse else 0.0))
