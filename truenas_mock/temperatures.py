"""disk.temperature, disk.temperatures and their kin, each release with its own cache."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from .drives import Drive
from .methods import Method, fields, needs, takes
from .nas import Nas
from .releases import Release

#: What disk.temperatures gives with only_cached: twice the NAS's own interval, and a little.
ONLY_CACHED_SECONDS = 610
POWERMODES = ("NEVER", "SLEEP", "STANDBY", "IDLE")


class Temperatures:
    """`is_watched` says whose temperature is read when no names are given."""

    def __init__(self, nas: Nas, release: Release, is_watched: Callable[[Drive], bool]) -> None:
        self.nas, self.release, self._is_watched = nas, release, is_watched
        self._lock = threading.Lock()
        self._shared: dict[str, int | None] = {}
        self._shared_at: float | None = None
        self._kept: dict[str, tuple[float, int]] = {}

    def forget(self) -> None:
        with self._lock:
            self._shared_at, self._kept = None, {}

    def methods(self) -> list[Method]:
        names, powermode = takes("names", [], list), takes("powermode", "NEVER", str)
        options = takes("options", {}, dict, str)  # a string is a powermode of old
        old, new = "13.3", "22.12.1"
        return [
            Method("disk.temperature", self._one, (needs("name", str), powermode), until=old),
            Method("disk.temperature", self._one, (needs("name", str), options), since=new,
                   until="25.04"),
            Method("disk.temperatures", self._many, (names, powermode), until=old),
            Method("disk.temperatures", self._with_options, (names, options), since=new,
                   until="25.04"),
            Method("disk.temperatures", self._sensors,
                   (takes("name", [], list), takes("include_thresholds", False, bool)),
                   since="25.10"),
            Method("disk.temperature_agg", self._aggregated, (needs("names", list),
                   takes("days", 7, int)), since=new),
            Method("disk.temperature_alerts", lambda names: [], (needs("names", list),),
                   since=new),
        ]  # fmt: skip

    def _read(self, name: str) -> int | None:
        drive = self.nas.drive(name=name)
        return self.nas.temperature(drive) if drive else None

    def _all(self) -> list[str]:
        return [drive.name for drive in self.nas.present() if self._is_watched(drive)]

    def _age_limit(self, seconds: float) -> float:
        return seconds / self.nas.speed

    def _one(self, name: str, how: Any) -> int | None:
        """Read anew, unless its options allow an old one."""
        self._check(how)
        seconds = how.get("cache") if isinstance(how, dict) else None
        ((_, found),) = self._cached([name], seconds)
        return found

    def _check(self, options: Any) -> None:
        if isinstance(options, dict):
            known: dict[str, type] = {"cache": object, "only_cached": bool, "powermode": str}
            fields(self.release, "options", options, known)

    def _many(self, names: list[str], powermode: str) -> dict[str, int | None]:
        """CORE; from 13.0-U1 with one result and one time, whatever names were asked."""
        names = names or self._all()
        if self.release.temperatures == "live":
            return {name: self._read(name) for name in names}
        with self._lock:
            now, at = time.time(), self._shared_at
            if at is None or now - at > self._age_limit(self.release.temperature_cache_seconds):
                self._shared = {name: self._read(name) for name in names}
                self._shared_at = now
            return dict(self._shared)

    def _with_options(self, names: list[str], options: Any) -> dict[str, int | None]:
        self._check(options)
        given = options if isinstance(options, dict) else {}
        names = names or self._all()
        if given.get("only_cached"):
            limit = time.time() - self._age_limit(ONLY_CACHED_SECONDS)
            with self._lock:
                return {one: kept for one, (at, kept) in self._kept.items()
                        if one in names and at > limit}  # fmt: skip
        seconds = given.get("cache", self.release.temperature_cache_seconds)
        return dict(self._cached(names, seconds))

    def _sensors(self, names: list[str], include_thresholds: bool) -> dict[str, Any]:
        found = self._cached(names or self._all(), self.release.temperature_cache_seconds)
        floats = {name: None if value is None else float(value) for name, value in found}
        if not include_thresholds:
            return floats
        return {name: [value, self._critical(name)] for name, value in floats.items()}

    def _critical(self, name: str) -> float | None:
        """The drive's own limit."""
        drive = self.nas.drive(name=name)
        if drive is None or drive.protocol == "scsi":
            return None
        return 85.0 if drive.rotation_rate == 0 else 65.0

    def _cached(self, names: Iterable[str], seconds: float | None) -> list[tuple[str, int | None]]:
        """Each from its own cache where that is young enough; `seconds` None never is."""
        now, found = time.time(), []
        with self._lock:
            for name in names:
                at, value = self._kept.get(name, (None, None))
                fresh = at is not None and seconds is not None
                if fresh and now - (at or 0) <= self._age_limit(seconds or 0):
                    found.append((name, value))
                    continue
                value = self._read(name)
                if value is not None:
                    self._kept[name] = (now, value)
                found.append((name, value))
        return found

    def _aggregated(self, names: list[str], days: int) -> dict[str, Any]:
        """Up to 25.04 the window begins now and ends in the future, so that nothing is in it."""
        nothing = dict.fromkeys(("min", "max", "avg"))
        if not self.release.has("25.10"):
            return {name: dict(nothing) for name in names}
        found = {}
        for name in names:
            value = self._read(name)
            found[name] = (
                dict(nothing)
                if value is None
                else {"min": value - 3, "max": value + 3, "avg": float(value)}
            )
        return found
