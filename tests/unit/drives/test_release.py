"""Which TrueNAS it is, by the words of system.version; what is none is refused."""

from __future__ import annotations

import pytest

from drives.truenas.release import HAS_DETAILS, HAS_JSONRPC, LAST_WITH_REST, Release
from drives.truenas.types import NasError


@pytest.mark.parametrize(
    ("version", "line", "name"),
    [
        ("TrueNAS-12.0-U8.1", (12, 0), "CORE 12.0"),
        ("TrueNAS-13.0-U6.8", (13, 0), "CORE 13.0"),
        ("TrueNAS-13.3-U1.2", (13, 3), "CORE 13.3"),
        ("TrueNAS-13.0-STABLE", (13, 0), "CORE 13.0"),
        ("TrueNAS-SCALE-22.12.4.2", (22, 12), "SCALE 22.12"),
        ("TrueNAS-SCALE-24.04.2.5", (24, 4), "SCALE 24.04"),
        ("TrueNAS-SCALE-24.10.2.4", (24, 10), "SCALE 24.10"),
        ("TrueNAS-25.04.2.6", (25, 4), "TrueNAS 25.04"),
        ("TrueNAS-25.10.6", (25, 10), "TrueNAS 25.10"),
        ("TrueNAS-26.0.0-BETA.3", (26, 0), "TrueNAS 26"),
        ("TrueNAS-27.0.0-MASTER-20260822-033151", (27, 0), "TrueNAS 27"),
    ],
)
def test_its_line_decides_and_has_a_name(version: str, line: tuple[int, int], name: str) -> None:
    release = Release.parse(version)
    assert (release.version, release.line, release.name) == (version, line, name)


@pytest.mark.parametrize(
    "version",
    ["FreeNAS-11.3-U5", "TrueNAS-11.3-U5", "TrueNAS-SCALE-", "25.10.6", "TrueNAS-1304", "", "x"],
)
def test_what_is_no_truenas_from_12_on_is_refused(version: str) -> None:
    with pytest.raises(NasError, match="is not one of TrueNAS 12 or later"):
        Release.parse(version)


@pytest.mark.parametrize(
    ("version", "smart", "nvme", "live", "details", "jsonrpc", "rest"),
    [
        ("TrueNAS-12.0-U8.1", True, False, True, False, False, True),
        ("TrueNAS-13.0-RELEASE", True, False, True, False, False, True),
        ("TrueNAS-13.0-U1", True, False, False, False, False, True),
        ("TrueNAS-SCALE-24.04.2.5", True, False, False, False, False, True),
        ("TrueNAS-SCALE-24.10.2.4", True, True, False, True, False, True),
        ("TrueNAS-25.04.2.6", True, True, False, True, True, True),
        ("TrueNAS-25.10.6", False, False, False, True, True, True),
        ("TrueNAS-26.0.0-BETA.3", False, False, False, True, True, False),
    ],
)
def test_what_it_does_differently(
    version: str, smart: bool, nvme: bool, live: bool, details: bool, jsonrpc: bool, rest: bool
) -> None:
    release = Release.parse(version)
    assert (release.has_smart, release.tests_nvme) == (smart, nvme)
    assert release.reads_temperatures_live == live
    assert (release.line >= HAS_DETAILS) == details
    assert (release.line >= HAS_JSONRPC) == jsonrpc
    assert (release.line <= LAST_WITH_REST) == rest
