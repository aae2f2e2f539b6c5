"""What somebody has asked to go wrong. A fault hits each call, or the next `times` of them."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass
from typing import Any

API = ("500", "401", "429", "cut", "half", "garbage", "slow", "hang")
SSH = ("refuse", "cut", "garbage", "hang")


@dataclass
class Fault:
    """
    Attributes:
        where: api or ssh.
        what: one of API or SSH.
        path: API paths that begin so; empty for all.
        times: how many calls are left for it, None for ever.
        seconds: how long slow and hang take.
    """

    where: str
    what: str
    path: str = ""
    times: int | None = None
    seconds: float = 5.0


class Faults:
    """Those that are switched on."""

    def __init__(self) -> None:
        self._on: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, body: dict[str, Any]) -> None:
        """ValueError with a sentence when it makes no sense."""
        fault = Fault(**{"where": "api", **body})
        if fault.what not in {"api": API, "ssh": SSH}.get(fault.where, ()):
            raise ValueError(f"there is no fault {fault.what!r} of {fault.where!r}")
        with self._lock:
            self._on.append(fault)

    def clear(self) -> None:
        with self._lock:
            self._on = []

    def take(self, where: str, path: str = "") -> Fault | None:
        """The fault that hits this call, if any."""
        with self._lock:
            for fault in self._on:
                if fault.where == where and path.startswith(fault.path):
                    if fault.times is not None:
                        fault.times -= 1
                        if fault.times <= 0:
                            self._on.remove(fault)
                    return fault
        return None

    def to_json(self) -> list[dict[str, Any]]:
        with self._lock:
            return [asdict(fault) for fault in self._on]
