"""What stands above the table: the answer in one sentence, the counts, and what is wrong now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from burnin.eta import Estimate
from burnin.models import JobState
from config import runtime
from config.models import Freeze
from drives.health import SystemState, system_state
from drives.models import System

from .rows import STANDINGS, Row
from .words import plural

#: The stats bar: standing, colour, icon.
TILES = (
    ("idle", "calm", "never"),
    ("running", "run", "run"),
    ("queued", "calm", "queue"),
    ("passed", "pass", "pass"),
    ("failed", "fail", "fail"),
    ("attention", "unsure", "unsure"),
)
FAILURES_NAMED = 3


@dataclass(frozen=True)
class Tile:
    """One count of the stats bar; its link filters the table. `fresh`: nobody has acknowledged."""

    standing: str
    label: str
    colour: str
    icon: str
    count: int
    fresh: int = 0


@dataclass(frozen=True)
class Chip:
    """A system and how it is doing. `slots`: how many burn-ins may run there at once.

    drives, absent, running: how many of its drives it lists, it no longer lists, are burned in; 0
    until they are counted.
    """

    system: System
    state: SystemState
    slots: int = 2
    drives: int = 0
    absent: int = 0
    running: int = 0

    @property
    def is_silent(self) -> bool:
        """Nothing new is known of its drives; running burn-ins don't mind."""
        return self.state.words.startswith("stale") or bool(
            self.state.age_seconds is None and self.state.error
        )

    @property
    def is_troubled(self) -> bool:
        """Silent, or it answered only in part. A system that was just added is neither."""
        return self.is_silent or bool(self.state.error)


@dataclass(frozen=True)
class Answer:
    """The first sentence of the page; `rest` is left out on a phone."""

    colour: str
    icon: str
    text: str
    rest: str = ""


@dataclass(frozen=True)
class Summary:
    """All of the above for one moment."""

    answer: Answer
    title: str
    tiles: tuple[Tile, ...]
    total: int
    running: int
    queued: int
    room: int
    hottest: Row | None
    failures: tuple[Row, ...]
    unsure: tuple[Row, ...]
    chips: tuple[Chip, ...]
    frozen: Freeze | None
    all_done: Estimate | None = None

    @property
    def failures_named(self) -> tuple[Row, ...]:
        return self.failures[:FAILURES_NAMED]

    @property
    def failures_more(self) -> int:
        return max(0, len(self.failures) - FAILURES_NAMED)

    @property
    def unsure_named(self) -> tuple[Row, ...]:
        return self.unsure[:FAILURES_NAMED]

    @property
    def unsure_more(self) -> int:
        return max(0, len(self.unsure) - FAILURES_NAMED)

    @property
    def active(self) -> int:
        """How many burn-ins could be cancelled."""
        return self.running + self.queued

    @property
    def troubled(self) -> tuple[Chip, ...]:
        return tuple(chip for chip in self.chips if chip.is_troubled)


def load_chips(now: datetime) -> tuple[Chip, ...]:
    """Every system with its state, by name. Two queries."""
    limits = runtime.current()
    return tuple(
        Chip(system, system_state(system, now, limits), limits.max_parallel_burnins)
        for system in System.objects.all()
    )


def summarise(
    rows: Sequence[Row],
    chips: tuple[Chip, ...],
    frozen: Freeze | None = None,
    all_done: Estimate | None = None,
) -> Summary:
    """Count and judge. The rows may be brief ones."""
    count = dict.fromkeys(STANDINGS, 0)
    for row in rows:
        count[row.standing] += 1
    failures = _unacknowledged(rows, JobState.FAILED)
    warm = [row for row in rows if row.drive.present and row.drive.temperature_c is not None]
    return Summary(
        answer=_answer(len(rows), count, len(failures), chips, frozen),
        title=_title(count, len(failures)),
        tiles=tuple(
            Tile(
                standing,
                STANDINGS[standing],
                colour,
                icon,
                count[standing],
                len(failures) if standing == "failed" else 0,
            )  # fmt: skip
            for standing, colour, icon in TILES
        ),
        total=len(rows),
        running=count["running"],
        queued=count["queued"],
        room=sum(chip.slots for chip in chips),
        hottest=max(warm, key=lambda row: row.drive.temperature_c or 0, default=None),
        failures=failures,
        unsure=_unacknowledged(rows, JobState.UNKNOWN),
        chips=_counted(chips, rows),
        frozen=frozen,
        all_done=all_done,
    )


def _counted(chips: tuple[Chip, ...], rows: Sequence[Row]) -> tuple[Chip, ...]:
    of: dict[int, list[Row]] = {chip.system.pk: [] for chip in chips}
    for row in rows:
        of.get(row.drive.system_id, []).append(row)
    return tuple(
        replace(
            chip,
            drives=sum(row.drive.present for row in of[chip.system.pk]),
            absent=sum(not row.drive.present for row in of[chip.system.pk]),
            running=sum(row.standing == JobState.RUNNING for row in of[chip.system.pk]),
        )
        for chip in chips
    )


def _unacknowledged(rows: Sequence[Row], state: JobState) -> tuple[Row, ...]:
    """Those whose last burn-in ended so, and nobody has said that he has seen it."""
    return tuple(
        row for row in rows if row.job and row.job.is_unacknowledged and row.job.state == state
    )


def _answer(
    total: int,
    count: dict[str, int],
    failures: int,
    chips: tuple[Chip, ...],
    frozen: Freeze | None,
) -> Answer:
    """Is anything wrong now? The worst thing first, then what goes on."""
    going = count["running"] + count["queued"]
    unsure = count["attention"]
    others = " The other burn-ins go on." if count["running"] else ""
    paused = [chip.system.name for chip in chips if chip.system.paused_by]
    asked = [chip for chip in chips if not chip.system.paused_by]
    troubled = [chip for chip in asked if chip.is_troubled]
    if not chips:
        return Answer("calm", "server", "No system yet.")
    if frozen:
        return Answer("warn", "pause", "All writing is frozen.")
    if failures:
        also = f", {unsure} {'needs' if unsure == 1 else 'need'} attention" if unsure else ""
        return Answer("fail", "fail", f"{plural(failures, 'drive')} failed{also}.", others)
    stopped = [chip.system.name for chip in asked if chip.system.stopped]
    if stopped:
        verb = "is" if len(stopped) == 1 else "are"
        return Answer("fail", "away", f"{' and '.join(stopped)} {verb} stopped.", others)
    if troubled:
        names = " and ".join(chip.system.name for chip in troubled[:2])
        names = f"{len(troubled)} systems" if len(troubled) > 2 else names
        verb = "doesn’t answer" if len(troubled) == 1 else "don’t answer"
        if not all(chip.is_silent for chip in troubled):
            verb = "answers only in part" if len(troubled) == 1 else "have a problem"
        rest = " Burn-ins there go on; they don’t need us." if count["running"] else ""
        return Answer("warn", "away", f"{names} {verb}.", rest)
    if paused:
        verb = "is" if len(paused) == 1 else "are"
        return Answer("warn", "pause", f"{' and '.join(paused)} {verb} paused.", others)
    if unsure:
        verb = "needs" if unsure == 1 else "need"
        return Answer("unsure", "unsure", f"{plural(unsure, 'drive')} {verb} attention.", others)
    if going:
        verb = "is" if count["running"] == 1 else "are"
        text = f"{plural(count['running'], 'burn-in')} {verb} running, nothing is wrong."
        if not count["running"]:
            text = f"{plural(count['queued'], 'burn-in')} in the queue, nothing is wrong."
        return Answer("run", "run", text)
    if not total:
        return Answer("calm", "server", "No drive is listed.")
    if count["passed"]:
        rest = f" {plural(count['passed'], 'drive')} passed."
        return Answer("pass", "pass", "Nothing is running, nothing is wrong.", rest)
    return Answer("calm", "never", "Nothing is running.", " None of these drives has passed yet.")


def _title(count: dict[str, int], failures: int) -> str:
    """What matters, readable in a tab: (2 failed) 12 running – Burn-in."""
    parts = [f"({failures} failed)"] if failures else []
    if count["running"]:
        parts.append(f"{count['running']} running")
    elif count["queued"]:
        parts.append(f"{count['queued']} queued")
    return f"{' '.join(parts)} – Burn-in" if parts else "Drives – Burn-in"
