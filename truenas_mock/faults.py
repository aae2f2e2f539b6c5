"""What somebody has asked to go wrong. A fault hits each call, or the next `times` of them.

api  500, 401, 429   an error of that kind
     garbage         a proxy's error page with status 200
     half            half of the JSON, as if it were whole
     deep            JSON that is nested deeper than parsers go
     cut             the connection breaks in the middle of the answer
     slow, hang      the answer comes `seconds` late, or never
ssh  refuse          nobody listens, until the fault is taken away
     cut             the command is done, and the connection breaks in its answer
     garbage         the command is done, and its answer is garbled
     hang            the command is not done, and no answer comes
"""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass, fields
from typing import Any

API = ("500", "401", "429", "garbage", "half", "deep", "cut", "slow", "hang")
SSH = ("refuse", "cut", "garbage", "hang")
SLOW_SECONDS = 5.0
FOREVER = 86400.0
DEEP = "[" * 100_000


@dataclass
class Fault:
    """
    Attributes:
        where: api or ssh.
        what: one of API or SSH.
        path: API paths that begin so ("/disk"); empty for all.
        times: how many calls are left for it, None for ever.
        seconds: how long slow and hang take, None for their own time.
    """

    where: str
    what: str
    path: str = ""
    times: int | None = None
    seconds: float | None = None


class Faults:
    """Those that are switched on."""

    def __init__(self) -> None:
        self._on: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, body: dict[str, Any]) -> None:
        """ValueError with a sentence when it makes no sense."""
        unknown = set(body) - {field.name for field in fields(Fault)}
        if unknown or "what" not in body:
            raise ValueError(f"a fault has what, where, path, times, seconds; not {unknown}")
        fault = Fault(**{"where": "api", **body})
        if fault.what not in {"api": API, "ssh": SSH}.get(fault.where, ()):
            raise ValueError(f"there is no fault {fault.what!r} of {fault.where!r}")
        if fault.times is not None and fault.times < 1:
            raise ValueError("times must be at least 1")
        with self._lock:
            self._on.append(fault)

    def clear(self) -> None:
        with self._lock:
            self._on = []

    def has(self, where: str, what: str) -> bool:
        """Is there such a fault? It is not used up."""
        with self._lock:
            return any((fault.where, fault.what) == (where, what) for fault in self._on)

    def take(self, where: str, path: str = "") -> Fault | None:
        """The fault that hits this call, if any."""
        with self._lock:
            for fault in self._on:
                if fault.where == where and path.startswith(fault.path):
                    if fault.times is not None:
                        fault.times -= 1
                        if not fault.times:
                            self._on.remove(fault)
                    return fault
        return None

    def to_json(self) -> list[dict[str, Any]]:
        with self._lock:
            return [asdict(fault) for fault in self._on]
