"""What a drive said of itself, in one shape for ATA, SCSI/SAS and NVMe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..models import Drive

NO_SELF_TESTS = "the drive says that it has no self-tests"


@dataclass(frozen=True)
class SelfTestEntry:
    """One line of the drive's self-test log.

    type: short, long or other; outcome: passed, failed, aborted, running or unknown; hours:
    power-on hours, modulo 65,536 on ATA and SAS; lba: of the first error.
    """

    type: str
    outcome: str
    hours: int | None
    text: str
    lba: int | None

    def as_json(self) -> dict[str, Any]:
        return dict(vars(self))


@dataclass(frozen=True)
class SelfTests:
    """entries: newest first, None when the log can't be read. running: None when it can't be told;
    running_percent: done, None when the drive doesn't say. why_none: why there can be none at all;
    empty where there are, or where that isn't known. Minutes are the drive's own estimate.
    """

    entries: tuple[SelfTestEntry, ...] | None = None
    running: bool | None = None
    running_percent: float | None = None
    why_none: str = ""
    short_minutes: int | None = None
    long_minutes: int | None = None


@dataclass(frozen=True)
class Reading:
    """counters: only those which this drive reports, by the names of each protocol's `counters`.

    Temperatures °C: `temperature_limit_c` is the highest that the maker specifies for operation,
    `temperature_critical_c` the one at which the drive protects itself. warnings: what it warns of,
    in words. form: a Drive.Form, zoned: a Drive.Zoned; empty when it doesn't tell. locked: by an
    ATA password; None when it doesn't tell.
    """

    protocol: str
    serial: str
    model: str
    size_bytes: int | None
    logical_sector_bytes: int | None
    physical_sector_bytes: int | None
    form: str
    zoned: str
    locked: bool | None
    health: Drive.Health
    warnings: tuple[str, ...]
    power_on_hours: int | None
    temperature_c: int | None
    temperature_limit_c: int | None
    temperature_critical_c: int | None
    counters: dict[str, int]
    tests: SelfTests

    @property
    def self_tests(self) -> tuple[SelfTestEntry, ...] | None:
        return self.tests.entries

    @property
    def running(self) -> bool | None:
        return self.tests.running

    @property
    def running_percent(self) -> float | None:
        return self.tests.running_percent

    @property
    def wear_percent(self) -> int | None:
        """How much of an SSD's specified endurance is used; may pass 100."""
        return self.counters.get("percentage_used")
