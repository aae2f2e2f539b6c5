"""What the agent on a host tells, checked field by field: garbled is HostError, never a guess."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .ssh import HostError

BIGGEST_NUMBER = 2**62


def field(source: Any, name: str, *kinds: type) -> Any:
    """source[name], which must be one of the given types (bool is no int here)."""
    value = source.get(name) if isinstance(source, dict) else None
    wrong_bool = isinstance(value, bool) and bool not in kinds
    too_big = isinstance(value, int | float) and not abs(value) < BIGGEST_NUMBER
    if not isinstance(value, kinds) or wrong_bool or too_big:
        raise HostError(f"the agent’s answer has no usable {name}")
    return value


NONE = type(None)


@dataclass(frozen=True)
class Fact:
    """One reason that speaks against writing: in_use, old_data or unknown.

    release: what names exactly this finding when somebody releases it; empty where nobody can.
    """

    fact: str
    state: str
    reason: str
    release: str = ""

    @classmethod
    def parse(cls, source: Any, text_field: str = "reason") -> Fact:
        state = field(source, "state", str)
        release = source.get("release")
        return cls(
            fact=field(source, "fact", str),
            state=state,
            reason=field(source, text_field, str),
            release=release if state == "old_data" and isinstance(release, str) else "",
        )


@dataclass(frozen=True)
class HostDevice:
    """A drive as the host's own kernel knows it. `path` is the only name to open it by."""

    name: str
    path: str
    serial: str
    lunid: str
    model: str
    size_bytes: int
    use: tuple[Fact, ...]
    temperature_c: int | None
    smartctl: dict[str, Any] | None
    smartctl_error: str
    logical_sector_bytes: int = 0
    physical_sector_bytes: int = 0
    rotational: bool | None = None

    @classmethod
    def parse(cls, source: Any) -> HostDevice:
        return cls(
            name=field(source, "name", str),
            path=field(source, "path", str),
            serial=field(source, "serial", str, NONE) or "",
            lunid=field(source, "lunid", str, NONE) or "",
            model=field(source, "model", str, NONE) or "",
            size_bytes=field(source, "size_bytes", int),
            logical_sector_bytes=field(source, "logical_sector_bytes", int),
            physical_sector_bytes=field(source, "physical_sector_bytes", int),
            rotational=field(source, "rotational", bool, NONE),
            use=tuple(Fact.parse(fact, "detail") for fact in field(source, "use", list)),
            temperature_c=field(source, "temperature_c", int, NONE),
            smartctl=field(source, "smartctl", dict, NONE),
            smartctl_error=field(source, "smartctl_error", str, NONE) or "",
        )


@dataclass(frozen=True)
class Guard:
    """The host's answer to "may it be written?", with the state of each fact."""

    allowed: bool
    serial: str
    size_bytes: int
    facts: dict[str, str]
    reasons: tuple[Fact, ...]

    @classmethod
    def parse(cls, source: Any) -> Guard:
        reasons = tuple(Fact.parse(fact) for fact in field(source, "reasons", list))
        facts = field(source, "facts", dict)
        allowed = field(source, "allowed", bool)
        if allowed and (
            reasons or not facts or set(map(str, facts.values())) - {"clear", "released"}
        ):
            raise HostError("the guard allows and refuses in one answer")
        return cls(
            allowed=allowed,
            serial=field(source, "serial", str, NONE) or "",
            size_bytes=field(source, "size_bytes", int, NONE) or 0,
            facts={str(name): str(state) for name, state in facts.items()},
            reasons=reasons,
        )


@dataclass(frozen=True)
class RunVerdict:
    """The verdict line of a surface run. Sizes in bytes.

    sample_places, sample_bytes: chunks and bytes of the sample that each pass of a `sample` run
    wrote and verified; None for the whole medium.
    """

    verdict: str
    reasons: tuple[str, ...]
    size_bytes: int
    passes: int
    bytes_written: int
    bytes_verified: int
    error_count: int
    errors: tuple[dict[str, Any], ...]
    sample_places: int | None = None
    sample_bytes: int | None = None

    @classmethod
    def parse(cls, source: Any) -> RunVerdict:
        verdict = field(source, "verdict", str)
        if verdict not in {"passed", "failed", "inconclusive", "refused"}:
            raise HostError(f"the agent’s verdict {verdict!r} is not known")
        sample = source.get("sample")
        return cls(
            verdict=verdict,
            reasons=tuple(str(reason) for reason in field(source, "reasons", list)),
            size_bytes=field(source, "size_bytes", int),
            passes=field(source, "passes", int),
            bytes_written=field(source, "bytes_written", int),
            bytes_verified=field(source, "bytes_verified", int),
            error_count=field(source, "error_count", int),
            errors=tuple(field(source, "errors", list)),
            sample_places=field(sample, "places", int) if sample is not None else None,
            sample_bytes=field(sample, "bytes", int) if sample is not None else None,
        )


@dataclass(frozen=True)
class RunHead:
    """The state of a surface run. `raw` is the whole of it, kept as the resumable copy."""

    run_id: str
    alive: bool
    serial: str
    size_bytes: int
    passes: int
    pass_number: int
    phase: str
    bytes_written: int
    bytes_verified: int
    bytes_total: int
    percent: float
    rate_bytes_per_second: float | None
    error_count: int
    paused: dict[str, Any] | None
    stopping: bool
    resumed: int
    verdict: RunVerdict | None
    raw: dict[str, Any]
    sample: bool = False
    bytes_zeroed: int = 0
    temperature_c: int | None = None

    @classmethod
    def parse(cls, source: Any) -> RunHead:
        identity = field(source, "identity", dict)
        verdict = field(source, "verdict", dict, NONE)
        return cls(
            run_id=field(source, "run_id", str),
            alive=field(source, "alive", bool),
            serial=field(identity, "serial", str, NONE) or "",
            size_bytes=field(identity, "size_bytes", int),
            passes=field(source, "passes", int),
            pass_number=field(source, "pass", int),
            phase=field(source, "phase", str),
            bytes_written=field(source, "bytes_written", int),
            bytes_verified=field(source, "bytes_verified", int),
            bytes_total=field(source, "bytes_total", int),
            percent=min(100.0, max(0.0, float(field(source, "percent", int, float)))),
            rate_bytes_per_second=field(source, "rate_bytes_per_second", int, float, NONE),
            error_count=field(source, "error_count", int),
            paused=field(source, "paused", dict, NONE),
            stopping=field(source, "stopping", bool),
            resumed=field(source, "resumed", int),
            verdict=RunVerdict.parse(verdict) if verdict is not None else None,
            raw=source,
            sample=source.get("sample") is True,
            bytes_zeroed=field(source, "bytes_zeroed", int) if "bytes_zeroed" in source else 0,
            temperature_c=field({"temperature_c": None, **source}, "temperature_c", int, NONE),
        )


@dataclass(frozen=True)
class Started:
    """The agent's answer to a start: started, running, finished or refused."""

    outcome: str
    reasons: tuple[Fact, ...]
    run: RunHead | None

    @classmethod
    def parse(cls, source: Any) -> Started:
        outcome = field(source, "outcome", str)
        if outcome not in {"started", "running", "finished", "refused"}:
            raise HostError(f"the agent’s answer {outcome!r} to a start is not known")
        run = field(source, "run", dict, NONE)
        return cls(
            outcome=outcome,
            reasons=tuple(Fact.parse(fact) for fact in field(source, "reasons", list)),
            run=RunHead.parse(run) if run is not None else None,
        )


@dataclass(frozen=True)
class HostStatus:
    """Everything of one host in one answer. `garbled` names runs whose state can't be read.

    state_fs: type of the file system under the state folder; empty when it isn't told.
    """

    boot_id: str
    runs: tuple[RunHead, ...]
    devices: tuple[HostDevice, ...]
    garbled: tuple[str, ...]
    state_fs: str = ""

    @classmethod
    def parse(cls, source: Any) -> HostStatus:
        runs, garbled = [], []
        for head in field(source, "runs", list):
            try:
                runs.append(RunHead.parse(head))
            except HostError:
                garbled.append(str(head.get("run_id")) if isinstance(head, dict) else "?")
        devices = tuple(HostDevice.parse(device) for device in field(source, "devices", list))
        host = field(source, "host", dict)
        boot_id = field(host, "boot_id", str, NONE) or ""
        state_fs = field(host, "state_fs", str, NONE) or ""
        return cls(boot_id, tuple(runs), devices, tuple(garbled), state_fs)
