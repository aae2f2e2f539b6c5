"""The temperature plot of a drive, with the stages of a burn-in shaded behind it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from burnin.models import Job, Stage
from config import runtime
from drives.models import Drive, TemperatureSample

from . import plots

#: Without a burn-in: the last so many hours.
HOURS = 48
MOST_SAMPLES = 20_000


def plot(
    drive: Drive, job: Job | None, stages: Sequence[Stage], now: datetime
) -> plots.Plot | None:
    """Of that burn-in, else of the last two days; None when too few are known to draw a line."""
    start = now - timedelta(hours=HOURS)
    end = now
    if job is not None and job.started_at is not None:
        start, end = job.started_at, job.finished_at or now
    rows = TemperatureSample.objects.filter(drive=drive, taken_at__range=(start, end))
    samples = list(rows.order_by("taken_at").values_list("taken_at", "celsius")[:MOST_SAMPLES])
    if len(samples) < 2:
        return None
    # SSDs have thresholds of their own.
    limit = runtime.current().temp_pause_c if not drive.is_flash else None
    return draw(samples, stages if job else (), start, end, limit)


def draw(
    samples: Sequence[tuple[datetime, int]],
    stages: Sequence[Stage],
    start: datetime,
    end: datetime,
    limit: int | None = None,
) -> plots.Plot:
    """Pure. Bands are named and shaded by turns; where nothing was measured the line breaks."""
    length = max(1.0, (end - start).total_seconds())

    def place(at: datetime) -> float:
        return min(1.0, max(0.0, (at - start).total_seconds() / length))

    lowest = min(celsius for _, celsius in samples)
    highest = max(celsius for _, celsius in samples)
    ticks = plots.scale(min(lowest, 30), max(highest, limit or highest) + 1)
    low, high = ticks[0], ticks[-1]
    lines = [
        plots.Line(
            "line-1", f"{lowest}–{highest} °C", plots.path(_points(samples, place), low, high)
        )
    ]
    if limit:
        line = plots.path([(0, limit), (1, limit)], low, high)
        lines.append(plots.Line("limit", f"Pauses at {limit} °C", line))
    ran = [stage for stage in stages if stage.started_at is not None]
    bands = tuple(
        plots.Band(
            1000 * place(stage.started_at or start),
            1000 * place(stage.finished_at or end),
            stage.get_kind_display(),
            bool(number % 2),
        )
        for number, stage in enumerate(ran)
    )
    above = sum(1 for _, celsius in samples if limit and celsius >= limit)
    says = f"{lowest} to {highest} °C"
    if limit:
        says += f", {f'{above} times at or above' if above else 'never at'} the limit of {limit} °C"
    return plots.Plot(
        says=says,
        lines=tuple(lines),
        y_ticks=(*(f"{tick:.0f}" for tick in reversed(ticks[1:])), f"{low:.0f} °C"),
        x_ticks=tuple(
            plots.Tick(at=start + (end - start) * part / 3, wide=part in {1, 2})
            for part in range(4)
        ),
        table=_table(samples, ran, end),
        bands=bands,
    )


def _points(
    samples: Sequence[tuple[datetime, int]], place: object
) -> list[tuple[float, float] | None]:
    """Thinned by taking means; a gap of many times the usual distance breaks the line."""
    assert callable(place)
    count = max(1, len(samples) // plots.POINTS)
    points: list[tuple[float, float] | None] = []
    usual = (samples[-1][0] - samples[0][0]) / max(1, len(samples) - 1)
    for first in range(0, len(samples), count):
        part = samples[first : first + count]
        if first and part[0][0] - samples[first - 1][0] > max(usual * 12, timedelta(minutes=30)):
            points.append(None)
        mean = sum(celsius for _, celsius in part) / len(part)
        points.append((place(part[len(part) // 2][0]), mean))
    return points


def _table(
    samples: Sequence[tuple[datetime, int]], stages: Sequence[Stage], end: datetime
) -> plots.Table:
    rows = []
    for stage in stages:
        assert stage.started_at
        until = stage.finished_at or end
        rows.append(_row(stage.get_kind_display(),
                         [c for at, c in samples if stage.started_at <= at <= until]))  # fmt: skip
    rows.append(_row("Whole", [celsius for _, celsius in samples]))
    return plots.Table(("Stage", "Lowest", "Mean", "Highest", "Readings"), tuple(rows))


def _row(name: str, celsius: Sequence[int]) -> tuple[str, ...]:
    if not celsius:
        return (name, "–", "–", "–", "0")
    mean = sum(celsius) / len(celsius)
    return (name, f"{min(celsius)} °C", f"{mean:.0f} °C", f"{max(celsius)} °C", f"{len(celsius):,}")
