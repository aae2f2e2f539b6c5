"""What of the host's words about a drive's use speaks against it, when it is looked up."""

from __future__ import annotations

import pytest

from burnin.locate import is_same_model, uses
from drives.hosts.types import Fact, HostDevice


def device(*use: Fact) -> HostDevice:
    return HostDevice("sda", "/dev/sda", "S1", "", "M", 10**9, use, None, None, "")


def test_a_mounted_drive_is_named() -> None:
    mounted = Fact("mount", "in_use", "mounted at /mnt/tank")
    assert uses(device(mounted, Fact("swap", "clear", ""))) == ["mounted at /mnt/tank"]


@pytest.mark.parametrize(
    ("host", "nas"),
    [
        ("ST12000NM0008-2H3101", "ST12000NM0008-2H3101"),
        ("ATA ST12000NM0008-2H", "ST12000NM0008-2H3101"),
        ("WDC_WD80EFAX-68KNBN0", "WDC WD80EFAX-68KNBN0"),
        ("HUS728T8TALE6L4", "HGST HUS728T8TALE6L4"),
        ("INTEL SSDSC2BB48", "INTEL SSDSC2BB480G7"),
        ("st4000vn008-2dr166", "ST4000VN008"),
        ("", "ST4000VN008"),
        ("ST4000VN008", ""),
    ],
)
def test_one_model_that_is_written_in_two_ways(host: str, nas: str) -> None:
    assert is_same_model(host, nas) and is_same_model(nas, host)


@pytest.mark.parametrize(
    ("host", "nas"),
    [
        ("ST12000NM0008-2H3101", "ST16000NM001G-2KK103"),
        ("WDC WD80EFAX-68KNBN0", "HGST HUS728T8TALE6L4"),
    ],
)
def test_two_models(host: str, nas: str) -> None:
    assert not is_same_model(host, nas)
