"""What is known of a run, and HEAD of the protocol, which tells it; `folder` stores it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from . import RELEASE
from .clock import iso, seconds
from .errors import PHASES
from .files import Garbled
from .pattern import MAX_CHUNK, UNIT, Run
from .places import Places, places
from .release import is_token

FORMAT = 1
ERRORS_IN_VERDICT = 20
CHUNK_BYTES = 4 << 20
THREADS = 2
WARNINGS = 20
NO_LIMIT = 1 << 60


class Limits(NamedTuple):
    """Temperatures, °C; each None for no such limit. At `pause` it pauses, below `resume` it goes
    on.
    """

    pause: int | None = None
    resume: int | None = None
    abort: int | None = None


@dataclass
class State:
    """One run. Sizes, places and counts in bytes; times as ISO-8601.

    Attributes:
        phase, pass_number: what is being done; probe belongs to pass 1.
        position: how far the phase is. checkpoint: how far it is on the medium, flushed.
        unwritten, unverified, unzeroed: bytes before `position` that could not be written or
            verified, or set to zero.
        bad_sectors: physical sectors with an error.
        rate_limit: bytes per second, 0 for none.
        max_bad_sectors: the run ends at so many; NO_LIMIT goes on to the end.
        temperature: °C as last read; None: not read, or not known. limits: see `thermal`.
        zero: after the last pass the medium is set to zero.
        sample: only a sample of the medium is written and verified (see `places`).
        released: tokens of old data that may be overwritten (see `release`).
        begun: its first byte may be written; until then others' writes void a release.
    """

    run_id: str
    boot_id: str
    identity: dict[str, Any]
    passes: int
    seed: str
    started_at: str
    io: dict[str, Any]
    phase: str = "probe"
    pass_number: int = 1
    position: int = 0
    checkpoint: int = 0
    unwritten: int = 0
    unverified: int = 0
    unzeroed: int = 0
    bad_sectors: int = 0
    first_error: dict[str, Any] | None = None
    paused: dict[str, Any] | None = None
    stopping: bool = False
    stall: dict[str, Any] | None = None
    rate: int | None = None
    resumed: int = 0
    warnings: list[str] = field(default_factory=list)
    verdict: dict[str, Any] | None = None
    updated_at: str = ""
    release: str = RELEASE
    rate_limit: int = 0
    max_bad_sectors: int = 100
    checkpoint_seconds: float = 30
    released: list[str] = field(default_factory=list)
    begun: bool = False
    sample: bool = False
    zero: bool = False
    temperature: int | None = None
    limits: Limits = Limits()

    @property
    def size(self) -> int:
        size: int = self.identity["size_bytes"]
        return size

    @property
    def pattern_run(self) -> Run:
        return Run(bytes.fromhex(self.seed), seconds(self.started_at))

    @property
    def places(self) -> Places:
        return places(self.size, self.io["chunk_bytes"], self.sample, self.seed)

    @property
    def passed_write(self) -> int:
        """Bytes behind all write phases so far, good and bad."""
        whole, here = self.places.total, self.places.before(self.position)
        before = {"probe": 0, "write": here, "verify": whole, "zero": whole}[self.phase]
        return (self.pass_number - 1) * whole + before

    @property
    def passed_verify(self) -> int:
        whole, here = self.places.total, self.places.before(self.position)
        before = {"probe": 0, "write": 0, "verify": here, "zero": whole}[self.phase]
        return (self.pass_number - 1) * whole + before

    @property
    def passed_zero(self) -> int:
        return self.places.before(self.position) if self.phase == "zero" else 0

    @property
    def passed_bytes(self) -> int:
        return self.passed_write + self.passed_verify + self.passed_zero

    @property
    def total_bytes(self) -> int:
        return self.places.total * (self.passes * 2 + self.zero)

    @property
    def bytes_written(self) -> int:
        return max(0, self.passed_write - self.unwritten)

    @property
    def bytes_verified(self) -> int:
        return max(0, self.passed_verify - self.unverified)

    @property
    def bytes_zeroed(self) -> int:
        return max(0, self.passed_zero - self.unzeroed)

    def at_checkpoint(self) -> State:
        """The same run at the place from which it would go on."""
        return replace(self, position=self.checkpoint)

    def warn(self, text: str) -> None:
        if text not in self.warnings and len(self.warnings) < WARNINGS:
            self.warnings.append(text[:300])

    def head(self, alive: bool) -> dict[str, Any]:
        """HEAD of the protocol."""
        return {
            "run_id": self.run_id,
            "format": FORMAT,
            "release": self.release,
            "alive": alive,
            "boot_id": self.boot_id,
            "identity": self.identity,
            "sample": self.sample,
            "zero": self.zero,
            "passes": self.passes,
            "pass": self.pass_number,
            "phase": "done" if self.verdict else self.phase,
            "position_bytes": self.position,
            "checkpoint_bytes": self.checkpoint,
            "bytes_written": self.bytes_written,
            "bytes_verified": self.bytes_verified,
            "bytes_zeroed": self.bytes_zeroed,
            "bytes_total": self.total_bytes,
            "percent": self.passed_bytes * 1000 // self.total_bytes / 10,
            "rate_bytes_per_second": self.rate if alive else None,
            "error_count": self.bad_sectors,
            "first_error": self.first_error,
            "paused": self.paused,
            "stopping": self.stopping and alive,
            "stall": self.stall if alive else None,
            "temperature_c": self.temperature if alive else None,
            "started_at": self.started_at,
            "updated_at": self.updated_at or self.started_at,
            "resumed": self.resumed,
            "io": self.io,
            "seed": self.seed,
            "warnings": list(self.warnings),
            "verdict": self.verdict,
        }

    def settings(self) -> dict[str, Any]:
        """What a run needs beside HEAD to go on as it was started."""
        return {
            "phase": self.phase,
            "rate_limit": self.rate_limit,
            "max_bad_sectors": self.max_bad_sectors,
            "checkpoint_seconds": self.checkpoint_seconds,
            "released": self.released,
            "begun": self.begun,
            "limits": list(self.limits),
        }


def parse(head: Any, settings: Any = None) -> State:
    """The state that this HEAD tells, checked field by field. Raises Garbled.

    A live HEAD says less than a stored one of what lies on the medium: the run goes on at its
    checkpoint.
    """
    settings = settings if isinstance(settings, dict) else {}
    try:
        state = _parse(head, settings)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Garbled(f"this is no state of a run: {type(error).__name__}: {error}") from error
    return state


def _parse(head: dict[str, Any], settings: dict[str, Any]) -> State:
    if head["format"] != FORMAT:
        raise Garbled(f"format {head['format']!r} is not known")
    identity = {
        "serial": _is(head["identity"]["serial"], str, type(None)),
        "model": _is(head["identity"]["model"], str, type(None)),
        "path": _is(head["identity"]["path"], str),
    }
    for key in ("size_bytes", "logical_sector_bytes", "physical_sector_bytes"):
        identity[key] = _number(head["identity"][key], 1)
    size, passes = identity["size_bytes"], _number(head["passes"], 1, 100)
    verdict = _is(head["verdict"], dict, type(None))
    phase = settings.get("phase") or head["phase"]
    if phase == "done" and verdict is not None:
        phase = "zero" if head.get("zero") else "verify"
    if phase not in PHASES:
        raise Garbled(f"phase {phase!r} is not known")
    io = {
        "direct": _is(head["io"]["direct"], bool),
        "how": _is(head["io"]["how"], str),
        "threads": _number(head["io"]["threads"], 1, 64),
        "chunk_bytes": _number(head["io"]["chunk_bytes"], UNIT, MAX_CHUNK),
    }
    if io["chunk_bytes"] % UNIT:
        raise Garbled("the chunk is no multiple of 64 KiB")
    if len(bytes.fromhex(head["seed"])) != 16:
        raise Garbled("the seed has not 16 bytes")
    seconds(head["started_at"])
    state = State(
        run_id=_is(head["run_id"], str),
        boot_id=_is(head["boot_id"], str),
        identity=identity,
        passes=passes,
        seed=head["seed"],
        started_at=head["started_at"],
        io=io,
        phase=phase,
        pass_number=_number(head["pass"], 1, passes),
        position=_number(head["position_bytes"], 0, size),
        checkpoint=_number(head["checkpoint_bytes"], 0, size),
        bad_sectors=_number(head["error_count"], 0),
        first_error=_is(head["first_error"], dict, type(None)),
        paused=_is(head["paused"], dict, type(None)),
        resumed=_number(head["resumed"], 0),
        warnings=[_is(text, str) for text in _is(head["warnings"], list)],
        verdict=verdict,
        updated_at=_is(head["updated_at"], str),
        release=_is(head["release"], str),
        rate_limit=_number(settings.get("rate_limit", 0), 0),
        max_bad_sectors=_number(settings.get("max_bad_sectors", 100), 1),
        checkpoint_seconds=float(settings.get("checkpoint_seconds", 30)),
        released=[_token(text) for text in _is(settings.get("released", []), list)],
        # A HEAD alone tells it by what it does: one that is held in its first phase may not have.
        begun=_is(settings.get("begun", phase != "probe" or head["paused"] is None), bool),
        sample=_is(head.get("sample", False), bool),
        zero=_is(head.get("zero", False), bool),
        limits=Limits(*(_is(c, int, type(None)) for c in settings.get("limits", (None,) * 3))),
    )
    if state.checkpoint > state.position:
        raise Garbled("the checkpoint lies beyond the position")
    state.unwritten = max(0, state.passed_write - _number(head["bytes_written"], 0))
    state.unverified = max(0, state.passed_verify - _number(head["bytes_verified"], 0))
    state.unzeroed = max(0, state.passed_zero - _number(head.get("bytes_zeroed", 0), 0))
    return state


def _is(value: Any, *kinds: type) -> Any:
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        raise Garbled(f"{value!r} stands where {kinds[0].__name__} belongs")
    return value


def _token(value: Any) -> str:
    if not is_token(value):
        raise Garbled(f"{value!r} is no release")
    return str(value)


def _number(value: Any, least: int, most: int = 1 << 62) -> int:
    number: int = _is(value, int)
    if not least <= number <= most:
        raise Garbled(f"{number} is not between {least} and {most}")
    return number


def verdict_of(state: State, verdict: str, reasons: list[str], errors: list[Any]) -> dict[str, Any]:
    """The verdict as the protocol has it."""
    places = state.places
    sample = {"places": len(places.offsets), "bytes": places.total} if state.sample else None
    return {
        "verdict": verdict,
        "reasons": reasons,
        "size_bytes": state.size,
        "passes": state.passes,
        "sample": sample,
        "bytes_written": state.bytes_written,
        "bytes_verified": state.bytes_verified,
        "bytes_zeroed": state.bytes_zeroed,
        "error_count": state.bad_sectors,
        "errors": errors[:ERRORS_IN_VERDICT],
        "resumed": state.resumed,
    }


def new(
    run_id: str,
    boot: str,
    identity: dict[str, Any],
    passes: int,
    io: dict[str, Any],
    sample: bool = False,
    zero: bool = False,
) -> State:
    """A run that begins now."""
    seed = os.urandom(16).hex()
    return State(run_id, boot, identity, passes, seed, iso(), io, sample=sample, zero=zero)
