"""Which TrueNAS it is, and what that release does differently (docs/systems.md has the table)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .types import NasError

#: 24.10 is the first whose disk.details tells exported pools, 22.12 whose get_unused flags them.
FLAGS_EXPORTED, HAS_DETAILS = (22, 12), (24, 10)
HAS_JSONRPC = (25, 4)
LAST_WITH_SMART, FIRST_NVME_TESTS = (25, 4), (24, 10)
LAST_WITH_REST = (25, 10)
OLDEST = (12, 0)


@dataclass(frozen=True)
class Release:
    """`line` is (13, 0), (24, 10), (26, 0): what decides; `version` the NAS's own words."""

    version: str
    line: tuple[int, int]

    @classmethod
    def parse(cls, version: str) -> Release:
        """From system.version, as TrueNAS-13.0-U6.8, TrueNAS-SCALE-24.10.2 or TrueNAS-25.04.2.

        Raises NasError for what is no TrueNAS from 12 on: nothing is guessed of others.
        """
        found = re.match(r"TrueNAS-(?:SCALE-)?([0-9]{2})\.([0-9]{1,2})(?![0-9])", version)
        line = (int(found[1]), int(found[2])) if found else (0, 0)
        if line < OLDEST:
            raise NasError(f"its version “{version}” is not one of TrueNAS 12 or later")
        return cls(version, line)

    @property
    def is_core(self) -> bool:
        return self.line < (20, 0)

    @property
    def name(self) -> str:
        """CORE 13.0, SCALE 24.10, TrueNAS 25.04, TrueNAS 26."""
        family = "CORE" if self.is_core else "SCALE" if self.line < HAS_JSONRPC else "TrueNAS"
        minor = str(self.line[1]) if self.is_core else f"{self.line[1]:02}"
        number = f"{self.line[0]}.{minor}".removesuffix(".00")
        return f"{family} {number}"

    @property
    def has_smart(self) -> bool:
        """smart.test.manual_test, unless probing says otherwise."""
        return self.line <= LAST_WITH_SMART

    @property
    def tests_nvme(self) -> bool:
        return FIRST_NVME_TESTS <= self.line <= LAST_WITH_SMART

    @property
    def reads_temperatures_live(self) -> bool:
        """Each question wakes smartctl for every drive: 12 and 13.0-RELEASE have no cache."""
        return self.line < (13, 0) or self.version.endswith("-13.0-RELEASE")
