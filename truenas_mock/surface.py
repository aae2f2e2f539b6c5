"""Simulated surface runs: how far each has come at a given moment. What the agent would say of it
is in `heads`.

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
        pause, resume, _ = run.limits
        reason = f"{celsius} °C, goes on below {pause if resume is None else resume} °C"
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
