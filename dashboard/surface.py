"""What a surface run measured, region by region, and its throughput over the disk; latency_map.py
draws the rest.

Reads the `detail` that the agent gave (agent/protocol.schema.json): for each phase 1,024 regions of
[chunks, least ms, mean ms, most ms, bytes per second], null where it did not come to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from burnin.models import DESTRUCTIVE_KINDS, Stage, StageKind, StageState
from burnin.words import ERROR_CLASSES

from . import plots, words

REGIONS = 1024
#: Lines of the tables of numbers: so many parts of the drive.
PARTS = 16


@dataclass(frozen=True)
class Region:
    """Milliseconds of one chunk there, and the rate in bytes per second."""

    mean: float
    most: float
    rate: float


@dataclass(frozen=True)
class BadRange:
    """Sectors side by side that failed in the same way. `phase` as verify-1."""

    kind: str
    lba: int
    offset_bytes: int
    length_bytes: int
    phase: str
    evidence: str

    @property
    def words(self) -> str:
        """What is wrong with its sectors: Could not be read back."""
        several = ERROR_CLASSES.get(self.kind, ("", f"sectors {self.kind.replace('_', ' ')}"))[1]
        return several.removeprefix("sectors ").capitalize()


class Surface:
    """A surface stage's measurements. `at` is when the run ended; a sample looked at places of each
    region alone."""

    def __init__(
        self,
        evidence: dict[str, Any],
        size_bytes: int,
        at: datetime | None,
        job_id: int = 0,
        *,
        is_sample: bool = False,
    ) -> None:
        self.is_sample = is_sample
        self.size_bytes, self.at, self.job_id = max(1, size_bytes), at, job_id
        detail = _dict(evidence.get("detail"))
        head = _dict(evidence.get("head"))
        self.run_id = str(evidence.get("run_id", ""))
        self.chunk_bytes = _whole(_dict(head.get("io")).get("chunk_bytes"))
        self.sector_bytes = _whole(_dict(head.get("identity")).get("logical_sector_bytes")) or 512
        regions = _dict(detail.get("regions"))
        self.phases = {
            name: rows
            for name in sorted(regions, key=_phase_order)
            if (rows := _regions(regions[name]))
        }
        self.errors = bad_ranges(evidence)
        self.errors_beyond = _whole(detail.get("errors_beyond"))

    @property
    def last(self) -> str:
        """The phase that says most: the last one, or the one with the errors."""
        for one in self.errors:
            if one.phase in self.phases:
                return one.phase
        return list(self.phases)[-1]

    def region_of(self, error: BadRange) -> int:
        """From 1."""
        return min(REGIONS, error.offset_bytes * REGIONS // self.size_bytes + 1)


def bad_ranges(evidence: dict[str, Any]) -> list[BadRange]:
    """What a surface stage found wrong, by address: the detail's, else the first of the verdict."""
    found = _dict(evidence.get("detail")).get("errors")
    found = found or _dict(evidence.get("verdict")).get("errors")
    ranges = [
        BadRange(
            kind=str(one.get("class", "")),
            lba=_whole(one.get("lba")),
            offset_bytes=_whole(one.get("offset_bytes")),
            length_bytes=_whole(one.get("length_bytes")),
            phase=f"{one.get('phase')}-{one.get('pass')}",
            evidence=_seen(one),
        )
        for one in (found if isinstance(found, list) else [])
        if isinstance(one, dict)
    ]
    return sorted(ranges, key=lambda one: (one.offset_bytes, one.lba))


def _seen(error: dict[str, Any]) -> str:
    """What was seen there: the agent's note, the bits that differ, how often it was tried."""
    note, bits, tries = error.get("note"), _whole(error.get("bits")), _whole(error.get("tries"))
    parts = [str(note)] if note else [words.plural(tries, "try", "tries")] if tries else []
    if bits:
        parts.append(f"{words.plural(bits, 'bit')} differ{'s' if bits == 1 else ''}")
    return "; ".join(parts)


def label(phase: str) -> str:
    """verify-2 as Verify 2."""
    return phase.replace("-", " ").capitalize()


def surface_of(stage: Stage | None) -> Surface | None:
    """None where nothing was measured, or not collected yet."""
    if stage is None or stage.kind not in DESTRUCTIVE_KINDS:
        return None
    found = Surface(
        stage.evidence,
        stage.job.size_bytes,
        stage.finished_at,
        stage.job_id,
        is_sample=stage.kind != StageKind.SURFACE_VALIDATE,
    )
    return found if found.phases else None


def measured(drive_id: int, before: datetime | None = None) -> Surface | None:
    """The last surface run of a drive that was measured, or the last one before that moment."""
    stages = Stage.objects.filter(
        job__drive=drive_id, kind__in=DESTRUCTIVE_KINDS, evidence__has_key="detail"
    ).exclude(state=StageState.PENDING)
    if before is not None:
        stages = stages.filter(finished_at__lt=before)
    # A run whose folder was lost on the host has an empty one.
    for stage in stages.select_related("job").order_by("-finished_at", "-pk")[:3]:
        if found := surface_of(stage):
            return found
    return None


def throughput(surface: Surface, phase: str, earlier: Surface | None = None) -> plots.Plot:
    """Write and verify of the phase's pass over the drive, the same in its other passes, and in the
    earlier run."""
    kind, _, number = phase.partition("-")
    lines: list[tuple[str, str, list[Region | None]]] = [
        ("other", label(name), rows)
        for name, rows in surface.phases.items()
        if name.startswith(f"{kind}-") and name != phase
    ]
    for style, name in (("line-2", f"write-{number}"), ("line-1", f"verify-{number}")):
        if rows := surface.phases.get(name):
            lines.append((style, label(name), rows))
    if before := counterpart(earlier, phase):
        lines.insert(0, ("before", f"{label(phase)}, earlier run", before))
    thinned = [
        (style, name, plots.thin([row.rate / 1e6 if row else None for row in rows]), rows)
        for style, name, rows in lines
    ]
    top = max((rate for _, _, rates, _ in thinned for rate in rates if rate), default=1.0)
    ticks = plots.scale(0, top)
    reached = sum(row is not None for row in surface.phases[phase])
    stop = reached / REGIONS * plots.WIDTH if reached < REGIONS else None
    size = surface.size_bytes
    return plots.Plot(
        says="; ".join(_course(name, rows) for _, name, rows in lines),
        lines=tuple(
            plots.Line(
                style, f"{name}, {_mean_rate(rows)}", plots.path(plots.spread(rates), 0, ticks[-1])
            )
            for style, name, rates, rows in thinned
        ),
        y_ticks=(*(f"{tick:,.0f}" for tick in reversed(ticks[1:])), "0 MB/s"),
        x_ticks=(
            plots.Tick("0"),
            plots.Tick(_quarter(size, 1), wide=True),
            plots.Tick(_quarter(size, 2)),
            plots.Tick(_quarter(size, 3), wide=True),
            plots.Tick(_quarter(size, 4)),
        ),
        table=_table(size, lines),
        stop=stop,
        stop_label=f"stopped at {words.size(size * reached / REGIONS)}" if stop else "",
    )


def _quarter(size: int, number: int) -> str:
    """A place on the drive, in the unit that its size has."""
    if size >= 10**12:
        return f"{size * number / 4e12:.1f} TB"
    return words.size(size * number / 4)


def _table(size: int, lines: Sequence[tuple[str, str, list[Region | None]]]) -> plots.Table:
    rows = []
    for part in range(PARTS):
        here = slice(part * REGIONS // PARTS, (part + 1) * REGIONS // PARTS)
        row = [f"{words.size(size * part / PARTS) if part else '0'} – "
               f"{words.size(size * (part + 1) / PARTS)}"]  # fmt: skip
        for _, _, regions in lines:
            known = [region for region in regions[here] if region]
            row += [
                _mean_rate(known),
                words.milliseconds(max((one.most for one in known), default=0)),
            ]
        rows.append(tuple(row))
    head = ["Part of the drive"]
    for _, name, _ in lines:
        head += [name, "slowest chunk"]
    return plots.Table(tuple(head), tuple(rows))


def counterpart(earlier: Surface | None, phase: str) -> list[Region | None]:
    """The same phase of another run; where it hasn't that pass, its last one of the kind."""
    if earlier is None:
        return []
    kind = phase.partition("-")[0]
    same = [name for name in earlier.phases if name.startswith(f"{kind}-")]
    return earlier.phases.get(phase) or (earlier.phases[same[-1]] if same else [])


def _course(name: str, rows: Sequence[Region | None]) -> str:
    known = [row.rate for row in rows if row]
    if not known:
        return f"{name} has not begun"
    ends = f"{words.rate(known[0])} at the start to {words.rate(known[-1])}"
    return f"{name} from {ends}, {words.rate(min(known))} at the slowest"


def _mean_rate(rows: Sequence[Region | None]) -> str:
    """Each region is of one size, so the whole's rate is the harmonic mean."""
    rates = [row.rate for row in rows if row and row.rate > 0]
    return words.rate(len(rates) / sum(1 / rate for rate in rates)) if rates else "–"


def _phase_order(name: str) -> tuple[int, int]:
    kind, _, number = name.partition("-")
    return int(number) if number.isdecimal() else 0, int(kind == "verify")


def _regions(rows: Any) -> list[Region | None]:
    """Empty when there is none, or when it isn't what it should be."""
    if not isinstance(rows, list) or len(rows) != REGIONS:
        return []
    try:
        told = [
            Region(float(row[2]), float(row[3]), float(row[4])) if row else None for row in rows
        ]
    except (TypeError, ValueError, IndexError, KeyError):
        return []
    return told if any(told) else []


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _whole(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0
