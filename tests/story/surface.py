"""What the agent tells of a surface run, made up: `detail` of agent/protocol.schema.json."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

REGIONS = 1024
CHUNK = 4 << 20
#: Of today's hard disks: bytes a second at the outer edge; the inner one does half of it.
OUTER_RATE = 250e6


def detail(
    size: int,
    passes: int,
    *,
    seed: int,
    slow: Sequence[tuple[int, float]] = (),
    rate: float = OUTER_RATE,
    until: tuple[str, int] | None = None,
    errors: Sequence[dict[str, Any]] = (),
    flat: bool = False,
) -> dict[str, Any]:
    """slow: (region, times slower); until: the phase and region at which it stopped;
    flat: as fast everywhere, as an SSD is.
    """
    dice = random.Random(seed)
    regions: dict[str, list[list[float] | None]] = {}
    for number in range(1, passes + 1):
        for phase in ("write", "verify"):
            name, factors = f"{phase}-{number}", dict(slow)
            stop = until[1] if until and until[0] == name else REGIONS
            regions[name] = [
                _region(place, size, rate, dice, factors.get(place, 1.0), flat)
                if place < stop
                else None
                for place in range(REGIONS)
            ]
            if until and until[0] == name:
                return _told(regions, size, errors)
    return _told(regions, size, errors)


def _region(
    place: int, size: int, rate: float, dice: random.Random, factor: float, flat: bool
) -> list[float]:
    here = rate * (1 if flat else 1 - 0.5 * (place / REGIONS) ** 1.2) * dice.gauss(1, 0.012)
    if dice.random() < 0.1:
        factor *= dice.uniform(1.2, 1.7)  # a neighbour's vibration, a retry
    mean = CHUNK / here * 1000 * factor
    worst = mean * dice.uniform(1.6, 3.0) * (1 if factor < 3 else dice.uniform(1.5, 7))
    count = size // REGIONS // CHUNK
    return [count, round(mean * 0.9, 3), round(mean, 3), round(worst, 3), int(here / factor)]


def _told(
    regions: dict[str, list[list[float] | None]], size: int, errors: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    slowest = sorted(
        (
            {
                "offset_bytes": place * size // REGIONS // CHUNK * CHUNK,
                "ms": row[3],
                "phase": name.partition("-")[0],
                "pass": int(name.partition("-")[2]),
            }
            for name, rows in regions.items()
            for place, row in enumerate(rows)
            if row
        ),
        key=lambda one: -float(str(one["ms"])),
    )[:50]
    return {
        "errors": list(errors),
        "errors_beyond": 0,
        "regions": regions,
        "slowest": slowest,
        "events": [],
    }


def error(
    lba: int, sectors: int, kind: str = "read_error", note: str = "", **facts: Any
) -> dict[str, Any]:
    """One bad range as the detail has it; 4,096-byte sectors."""
    return {
        "class": kind,
        "offset_bytes": lba * 512,
        "length_bytes": sectors * 4096,
        "lba": lba,
        "pass": 1,
        "phase": "verify",
        "expected_hex": "",
        "found_hex": "",
        "bits": None,
        "tries": 3,
        "note": note,
    } | facts
