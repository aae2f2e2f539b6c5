"""The last 24 h of each drive's temperature as a line of 36 × 16 units, for the drives table.

A line changes slowly and costs a look at a day of samples, so all of them are drawn at once and
kept for some minutes.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from threading import Lock

from django.db import connection
from django.utils import timezone

from drives.models import TemperatureSample

KEPT_SECONDS = 300
POINTS = 12
WIDTH, HEIGHT = 36, 16
#: °C from the bottom to the top of the line at least, so that noise doesn't look like a fever.
LEAST_SPAN_C = 12

_lock = Lock()
_drawn: dict[int, str] = {}
_drawn_until = 0.0


def sparks() -> Mapping[int, str]:
    """Drive id to the `d` of an SVG path. One query every few minutes, of all drives."""
    global _drawn, _drawn_until
    with _lock:
        if time.monotonic() >= _drawn_until:
            _drawn = {drive_id: path(points) for drive_id, points in _points().items()}
            _drawn_until = time.monotonic() + KEPT_SECONDS
        return _drawn


def forget() -> None:
    """Draw anew at the next call."""
    global _drawn_until
    _drawn_until = 0.0


def path(points: Sequence[tuple[int, float]]) -> str:
    """From (slot 0 to POINTS - 1, °C) to a path; empty for fewer than two points."""
    if len(points) < 2:
        return ""
    values = [celsius for _, celsius in points]
    middle = (max(values) + min(values)) / 2
    span = max(LEAST_SPAN_C, max(values) - min(values))

    def at(slot: int, celsius: float) -> str:
        x = slot * WIDTH / (POINTS - 1)
        y = HEIGHT / 2 - (celsius - middle) / span * (HEIGHT - 4)
        return f"{x:.0f} {y:.0f}"

    return "M" + " ".join(at(slot, celsius) for slot, celsius in points)


def _points() -> dict[int, list[tuple[int, float]]]:
    """Drive id to (slot, mean °C), oldest first; a slot without a sample is left out."""
    start = timezone.now() - timedelta(hours=24)
    seconds = 24 * 3600 / POINTS
    if connection.vendor == "sqlite":
        slot = "CAST((strftime('%%s', taken_at) - %s) / %s AS INTEGER)"
    else:
        slot = "CAST(FLOOR((EXTRACT(EPOCH FROM taken_at) - %s) / %s) AS INTEGER)"
    table = TemperatureSample._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT drive_id, {slot} AS slot, AVG(celsius) FROM {table}"  # noqa: S608
            " WHERE taken_at >= %s GROUP BY drive_id, slot ORDER BY drive_id, slot",
            [start.timestamp(), seconds, connection.ops.adapt_datetimefield_value(start)],
        )
        found: dict[int, list[tuple[int, float]]] = {}
        for drive_id, place, celsius in cursor.fetchall():
            found.setdefault(drive_id, []).append((min(POINTS - 1, int(place)), float(celsius)))
    return found
