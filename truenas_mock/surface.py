"""Simulated surface runs: how far each has come at a given moment, and what the agent would say of
it.

A run is an anchor (a step, a place, a moment) and the law by which it moves on from there; the
anchor is only set anew when somebody acts. The steps are the capacity probe, then write and verify
for each pass. From the outer to the inner edge the speed falls to half: with x the part of the disk
that is done, dx/dt is proportional to 1 - x/2, which has the closed form x(t) = 2 (1 - 2^(-t/D))
over a step of D seconds.

A run takes seconds where life takes days, so its rates are in bytes per real second: what is left,
divided by the rate, is the time that it takes. A rate limit slows it as it would slow a drive that
does LIFE_RATE at its outer edge.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from .clock import iso
from .smart import FAILS_AT

#: Part of a run's time that its capacity probe takes.
PROBE_SHARE = 0.02
CHECKPOINT_SECONDS = 30
CHUNK_BYTES = 4 << 20
REGIONS = 1024
PHYSICAL_SECTOR = 4096
LIFE_RATE = 250_000_000
RELEASE = "simulated"


@dataclass
class Run:
    """One simulated run.

    Attributes:
        state_dir, run_id: as the caller named it.
        drive_key: of the drive that it writes to.
        identity: as in HEAD.
        seconds: real seconds for the whole of it at full speed.
        speed: of the mock when it was started.
        rate_limit: bytes per second of life, or None.
        bad_step, bad_x: where it meets the bad place of a failing drive, or None.
        step, x, anchored: the anchor: number of the step, part of it that is done, seconds since
            the epoch.
        sample: it writes and verifies a sample only.
        zero: asked for; what is simulated takes no time for it.
        limits: of its temperature: pause, resume, abort; °C or None.
        too_hot: why it was ended for its temperature.
        alive: a process of it lives (as of the anchor).
        paused: {by, reason, since} or None.
        stopped_by: who ended it, or None.
        finished: seconds since the epoch at which it reached its verdict; only in what `at`
            returns, or after a stop.
    """

    state_dir: str
    run_id: str
    drive_key: str
    identity: dict[str, Any]
    passes: int
    seconds: float
    speed: float
    seed: str
    boot_id: str
    started: float
    anchored: float
    rate_limit: int | None = None
    max_bad_sectors: int = 100
    bad_step: int | None = None
    bad_x: float = 0.0
    step: int = 0
    x: float = 0.0
    alive: bool = True
    paused: dict[str, Any] | None = None
    stopped_by: str | None = None
    finished: float | None = None
    sample: bool = False
    zero: bool = False
    limits: list[int | None] = field(default_factory=lambda: [None, None, None])
    too_hot: str = ""
    resumed: int = 0
    events: list[dict[str, str]] = field(default_factory=list)

    @property
    def size(self) -> int:
        return self.identity["size_bytes"]

    @property
    def extent(self) -> int:
        """Bytes that each of its steps goes through."""
        return min(self.size, sample_places(self) * CHUNK_BYTES) if self.sample else self.size

    @property
    def steps(self) -> int:
        """Number of its steps: the probe, and two for each pass."""
        return 1 + 2 * self.passes

    @property
    def phase(self) -> str:
        if self.step >= self.steps:
            return "done"
        return "probe" if self.step == 0 else ("write", "verify")[(self.step - 1) % 2]

    @property
    def pass_number(self) -> int:
        return min(self.passes, max(1, (self.step + 1) // 2))

    @property
    def at_bad_place(self) -> bool:
        return self.step == self.bad_step and self.x >= self.bad_x

    @property
    def verdict(self) -> str | None:
        """passed, failed, inconclusive, or None while it isn't over."""
        if self.stopped_by is not None:
            return "inconclusive"
        if self.too_hot or self.at_bad_place:
            return "failed"
        return "passed" if self.step >= self.steps else None

    @property
    def working(self) -> bool:
        return self.alive and not self.paused and self.verdict is None

    @property
    def step_seconds(self) -> float:
        """Real seconds of the present step at full speed."""
        if self.step == 0:
            return self.seconds * PROBE_SHARE
        return self.seconds * (1 - PROBE_SHARE) / (2 * self.passes)

    @property
    def full_rate(self) -> float:
        """Bytes per real second at the outer edge."""
        return self.extent * 2 * math.log(2) / self.step_seconds

    @property
    def limit(self) -> float | None:
        """The rate limit in bytes per real second."""
        return self.rate_limit / LIFE_RATE * self.full_rate if self.rate_limit else None

    def rate(self, x: float) -> float:
        """Bytes per real second at the place x."""
        there = self.full_rate * (1 - x / 2)
        return min(there, self.limit) if self.limit else there

    def done(self, phase: int) -> int:
        """Bytes done so far in all steps of writing (0) or verifying (1)."""
        steps = range(1 + phase, self.steps, 2)
        whole = sum(step < self.step for step in steps) * self.extent
        there = self.position if not self.sample else int(self.x * self.extent)
        return whole + (there if self.step in steps else 0)

    @property
    def position(self) -> int:
        if self.step == 0:
            return 0
        return (
            self.size
            if self.step >= self.steps
            else int(self.x * self.size) // PHYSICAL_SECTOR * PHYSICAL_SECTOR
        )


def sample_places(run: Run) -> int:
    """Chunks of a sample: one in each region, as the agent takes them."""
    return max(1, min(REGIONS, run.size // CHUNK_BYTES // 16))


def bad_place(passes: int) -> tuple[int, float]:
    """The step and the place in it at FAILS_AT of a run's way."""
    whole, x = divmod(FAILS_AT * 2 * passes, 1)
    return 1 + int(whole), x


def at(run: Run, now: float) -> Run:
    """The run as it is at `now`; the argument is left alone."""
    run = replace(run)
    left = now - run.anchored
    while run.working and left > 0:
        goal = run.bad_x if run.step == run.bad_step else 1.0
        needed = _seconds_between(run, run.x, goal)
        if needed > left:
            run.x = _place_after(run, left)
            break
        left -= needed
        run.x = goal
        if not run.at_bad_place:
            run.step, run.x = run.step + 1, 0.0
        if run.verdict:
            run.finished, run.alive = now - left, False
    run.anchored = max(now, run.anchored)
    return run


def _limited_until(run: Run) -> float:
    """Up to which place the rate limit, not the disk, is the slower of the two."""
    if not run.limit or run.step == 0:
        return 0.0
    return min(1.0, max(0.0, 2 * (1 - run.limit / run.full_rate)))


def _seconds_between(run: Run, start: float, goal: float) -> float:
    border = min(goal, _limited_until(run))
    limited = max(0.0, border - start) * run.extent / (run.limit or 1)
    start = max(start, border)
    free = (
        run.step_seconds * (math.log2(1 - start / 2) - math.log2(1 - goal / 2))
        if start < goal
        else 0.0
    )
    return limited + free


def _place_after(run: Run, seconds: float) -> float:
    border = max(run.x, _limited_until(run))
    limited = (border - run.x) * run.extent / (run.limit or 1)
    if seconds < limited:
        return run.x + seconds * (run.limit or 1) / run.extent
    return 2 * (1 - (1 - border / 2) * 2 ** (-(seconds - limited) / run.step_seconds))


def settle(run: Run, now: float, event: str, detail: str = "") -> None:
    """Sets the anchor to `now`, before somebody's act changes how it goes on."""
    vars(run).update(vars(at(run, now)))
    run.events = [*run.events, {"at": iso(now), "event": event, "detail": detail}]


def feel(run: Run, celsius: int, now: float) -> str:
    """What its temperature makes it do now: "pause", "go on", "abort", or "" for nothing."""
    there = at(run, now)
    pause, resume, abort = run.limits
    if not there.alive or there.verdict:
        return ""
    if abort is not None and celsius >= abort:
        return "abort"
    if pause is not None and celsius >= pause:
        return "" if run.paused else "pause"
    by_heat = run.paused is not None and run.paused["by"] == "temperature"
    below = resume if resume is not None else pause
    return "go on" if by_heat and (below is None or celsius < below) else ""


def act(run: Run, action: str, celsius: int, now: float) -> None:
    """Does what `feel` said."""
    if action == "pause":
        reason = f"{celsius} °C: the limit is {run.limits[0]} °C"
        settle(run, now, "paused", reason)
        run.paused = {"by": "temperature", "reason": reason, "since": iso(now)}
    elif action == "go on":
        settle(run, now, "resumed", f"{celsius} °C")
        run.paused = None
    elif action == "abort":
        reason = f"temperature: {celsius} °C, the limit is {run.limits[2]} °C"
        settle(run, now, "verdict", f"failed: {reason}")
        run.too_hot, run.alive, run.paused, run.finished = reason, False, None, now


def finish(run: Run, now: float) -> None:
    """Takes it to its verdict at once."""
    if run.alive:
        run.paused, run.rate_limit = None, None
        vars(run).update(vars(at(run, now + run.seconds * 2)), anchored=now)
        run.finished = now


def die(run: Run, now: float) -> None:
    """Its process is killed: what was done since the last checkpoint is lost."""
    there = at(run, now)
    if not there.alive:
        return
    interval = CHECKPOINT_SECONDS / run.speed
    kept = at(run, run.anchored + (now - run.anchored) // interval * interval)
    if kept.step != there.step:
        kept = replace(there, x=0.0)
    vars(run).update(vars(kept), alive=False, anchored=now)
    run.events = [*run.events, {"at": iso(now), "event": "killed", "detail": "the host went down"}]


def error(run: Run) -> dict[str, Any]:
    """What it found at the bad place: {class, offset_bytes, length_bytes, lba, pass, phase}."""
    return {
        "class": "read_error" if run.phase == "verify" else "write_error",
        "offset_bytes": run.position,
        "length_bytes": run.max_bad_sectors * PHYSICAL_SECTOR,
        "lba": run.position // run.identity["logical_sector_bytes"],
        "pass": run.pass_number,
        "phase": run.phase,
    }


def head(stored: Run, now: float, temperature: int | None = None) -> dict[str, Any]:
    """HEAD of the agent's protocol. temperature: of its drive now, °C."""
    run = at(stored, now)
    total = run.extent * run.passes * 2
    written, verified = run.done(0), run.done(1)
    errors = [error(run)] if run.at_bad_place else []
    error_count = run.max_bad_sectors if errors else 0
    verdict = None
    if run.verdict:
        reasons = {
            "passed": [],
            "failed": [
                run.too_hot or f"{error_count} bad sectors: the limit of this run is reached"
            ],
            "inconclusive": [f"stopped: by {run.stopped_by}"],
        }[run.verdict]
        verdict = {
            "verdict": run.verdict,
            "reasons": reasons,
            "size_bytes": run.size,
            "passes": run.passes,
            "sample": {"places": sample_places(run), "bytes": run.extent} if run.sample else None,
            "bytes_written": written,
            "bytes_verified": verified,
            "bytes_zeroed": run.size if run.zero and run.verdict == "passed" else 0,
            "error_count": error_count,
            "errors": errors,
            "resumed": run.resumed,
        }
    return {
        "run_id": run.run_id,
        "format": 1,
        "release": RELEASE,
        "alive": run.alive,
        "boot_id": run.boot_id,
        "identity": run.identity,
        "sample": run.sample,
        "zero": run.zero,
        "passes": run.passes,
        "pass": run.pass_number,
        "phase": "done" if verdict else run.phase,
        "position_bytes": run.position,
        "checkpoint_bytes": run.position,
        "bytes_written": written,
        "bytes_verified": verified,
        "bytes_zeroed": verdict["bytes_zeroed"] if verdict else 0,
        "bytes_total": total,
        "percent": math.floor(1000 * (written + verified) / total) / 10,
        "rate_bytes_per_second": int(run.rate(run.x)) if run.working and run.step else None,
        "error_count": error_count,
        "first_error": errors[0] if errors else None,
        "paused": run.paused,
        "stopping": False,
        "stall": None,
        "temperature_c": temperature if run.alive else None,
        "started_at": iso(run.started),
        "updated_at": iso(
            run.finished or run.anchored if run.alive or run.finished else stored.anchored
        ),
        "resumed": run.resumed,
        "io": {"direct": True, "how": "simulated", "threads": 4, "chunk_bytes": CHUNK_BYTES},
        "seed": run.seed,
        "warnings": [],
        "verdict": verdict,
    }


def detail(
    stored: Run, now: float, temperatures: Sequence[tuple[float, int]] = ()
) -> dict[str, Any]:
    """`detail` of the agent's protocol: error ranges, regions, slowest chunks, temperatures
    (seconds since the epoch, °C), events.
    """
    run = at(stored, now)
    errors = []
    if run.at_bad_place:
        errors.append(
            error(run)
            | {"expected_hex": "", "found_hex": "", "bits": None, "tries": 3, "note": "EIO"}
            | {"distance_bytes": None}
        )
    regions = {}
    slowest: list[dict[str, Any]] = []
    for step in range(1, min(run.step + 1, run.steps)):
        there = replace(run, step=step, x=1.0 if step < run.step else run.x)
        name = f"{there.phase}-{there.pass_number}"
        regions[name] = [
            _region(there, index) if index < there.x * REGIONS else None for index in range(REGIONS)
        ]
        slowest += [
            {
                "offset_bytes": (place := index * run.size // REGIONS // CHUNK_BYTES * CHUNK_BYTES),
                "lba": place // run.identity["logical_sector_bytes"],
                "ms": region[3],
                "phase": there.phase,
                "pass": there.pass_number,
            }
            for index, region in enumerate(regions[name])
            if region
        ]
    slowest.sort(key=lambda chunk: -chunk["ms"])
    return {
        "errors": errors,
        "errors_beyond": 0,
        "regions": regions,
        "slowest": slowest[:50],
        "temperatures": [{"at": iso(when), "c": celsius} for when, celsius in temperatures],
        "events": run.events,
    }


def _region(run: Run, index: int) -> list[float]:
    """[count, min ms, mean ms, max ms, bytes per second] of one 1,024th of the disk."""
    rate = run.rate(index / REGIONS)
    mean = 1000 * CHUNK_BYTES / rate
    ripple = 1 + (index * 7919 + run.step * 104729) % 97 / 97  # 1 to 2, the same each time
    count = max(1, run.extent // REGIONS // CHUNK_BYTES)
    return [count, round(mean * 0.8, 3), round(mean, 3), round(mean * (1 + ripple), 3), int(rate)]
