"""How fast each 1,024th of the medium was, phase by phase, and which chunks were the slowest. For
several threads.
"""

from __future__ import annotations

import heapq
import threading
from typing import Any

REGIONS = 1024
SLOWEST = 50
#: count, least ms, sum of ms, most ms, bytes, seconds of the medium
Row = list[float]


class Regions:
    def __init__(self, size: int, logical_sector_bytes: int = 512) -> None:
        self._size, self._logical = size, logical_sector_bytes
        self._phases: dict[str, list[Row | None]] = {}
        self._slowest: list[tuple[float, int, str, int]] = []
        self._lock = threading.Lock()

    def add(
        self, phase: str, pass_number: int, offset: int, length: int, seconds: float, share: float
    ) -> None:
        """One chunk took so long. `share`: of that time, so that chunks in flight together don't
        count it twice.
        """
        ms = seconds * 1000
        first = offset * REGIONS // self._size
        last = max(first, ((offset + length) * REGIONS - 1) // self._size)
        with self._lock:
            rows = self._phases.setdefault(f"{phase}-{pass_number}", [None] * REGIONS)
            for index in range(first, last + 1):
                row = rows[index]
                if row is None:
                    rows[index] = [1, ms, ms, ms, length, share]
                else:
                    row[0] += 1
                    row[1] = min(row[1], ms)
                    row[2] += ms
                    row[3] = max(row[3], ms)
                    row[4] += length
                    row[5] += share
            chunk = (ms, offset, phase, pass_number)
            if len(self._slowest) < SLOWEST:
                heapq.heappush(self._slowest, chunk)
            elif ms > self._slowest[0][0]:
                heapq.heapreplace(self._slowest, chunk)

    def detail(self) -> dict[str, Any]:
        """`regions` and `slowest` of the protocol's detail."""
        with self._lock:
            return {
                "regions": {
                    name: [_told(row) for row in rows] for name, rows in self._phases.items()
                },
                "slowest": [
                    {
                        "offset_bytes": offset,
                        "lba": offset // self._logical,
                        "ms": round(ms, 3),
                        "phase": phase,
                        "pass": number,
                    }
                    for ms, offset, phase, number in sorted(self._slowest, reverse=True)
                ],
            }

    def load(self, detail: dict[str, Any]) -> None:
        """Go on from a stored detail. Raises KeyError, TypeError, ValueError."""
        phases = {}
        for name, rows in detail["regions"].items():
            if len(rows) != REGIONS:
                raise ValueError(f"{name} has {len(rows)} regions")
            phases[str(name)] = [_untold(row, self._size) for row in rows]
        slowest = [
            (float(one["ms"]), int(one["offset_bytes"]), str(one["phase"]), int(one["pass"]))
            for one in detail["slowest"][:SLOWEST]
        ]
        heapq.heapify(slowest)
        self._phases, self._slowest = phases, slowest


def _told(row: Row | None) -> list[float] | None:
    if row is None:
        return None
    count, least, total, most, size, seconds = row
    rate = int(size / seconds) if seconds > 0 else 0
    return [int(count), round(least, 3), round(total / count, 3), round(most, 3), rate]


def _untold(row: Any, size: int) -> Row | None:
    """The mean keeps its weight; the rate is kept by a chunk's usual length."""
    if row is None:
        return None
    count, least, mean, most, rate = (float(number) for number in row)
    length = count * size / REGIONS
    return [count, least, mean * count, most, length, length / rate if rate else 0.0]
