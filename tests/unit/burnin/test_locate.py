"""What of the host's words about a drive's use speaks against it, when it is looked up."""

from __future__ import annotations

from dataclasses import replace

import pytest

from burnin.locate import Located, Site, is_same_model, place, uses
from drives.hosts.types import Fact, HostDevice
from drives.models import Drive, System
from drives.truenas.types import NasDrive, NasView


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


# --- NAS, host and record agree ---------------------------------------------------------------
ENTRY = NasDrive("{serial_lunid}S1_5000", "sda", "S1", "5000", "MODEL-A", 10**9, True)
HOST = HostDevice("sda", "/dev/sda", "S1", "5000", "MODEL-A", 10**9, (), None, None, "")


def placed(
    entries: list[NasDrive], devices: list[HostDevice], uses: dict[str, str] | None = None
) -> Located:
    system = System(name="nas-1")
    drive = Drive(serial="S1", lunid="5000", model="MODEL-A", size_bytes=10**9, system=system)
    view = NasView("13.0", tuple(entries), uses or {}, {}, {}, ())
    return place(drive, system, Site(view, tuple(devices)))


def test_one_that_all_three_agree_on_is_found() -> None:
    found = placed([ENTRY], [HOST])
    assert (found.nas, found.device, found.reasons) == (ENTRY, HOST, ())


@pytest.mark.parametrize(
    ("entries", "devices", "words"),
    [
        ([ENTRY, replace(ENTRY, name="sdb")], [HOST], "nas-1 lists serial S1 2 times"),
        ([ENTRY], [HOST, replace(HOST, path="/dev/sdb")], "has 2 drives with serial S1"),
        ([replace(ENTRY, size_bytes=10**6)], [HOST], "nas-1 gives 1,000,000 bytes"),
        ([ENTRY], [replace(HOST, size_bytes=10**6)], "The host gives 1,000,000 bytes"),
        ([replace(ENTRY, model="OTHER-B")], [HOST], "nas-1 gives the model OTHER-B"),
        ([ENTRY], [replace(HOST, model="OTHER-B")], "The host gives the model OTHER-B"),
        ([ENTRY], [replace(HOST, use=(Fact("swap", "in_use", "it is swap"),))], "it is swap"),
    ],
)
def test_what_they_disagree_on_refuses(
    entries: list[NasDrive], devices: list[HostDevice], words: str
) -> None:
    found = placed(entries, devices)
    assert any(words in reason for reason in found.reasons) and not found.is_incomplete


def test_what_the_nas_says_of_its_use_refuses() -> None:
    assert placed([ENTRY], [HOST], {"sda": "In pool tank"}).reasons == ("In pool tank",)


@pytest.mark.parametrize(
    ("entries", "devices", "words"),
    [
        ([], [HOST], "doesn’t list serial S1"),
        ([replace(ENTRY, lunid="6000")], [HOST], "doesn’t list serial S1"),
        ([replace(ENTRY, size_bytes=0)], [HOST], "doesn’t tell the drive’s size"),
        ([ENTRY], [], "has no drive with serial S1"),
    ],
)
def test_what_is_missing_refuses_and_may_come_yet(
    entries: list[NasDrive], devices: list[HostDevice], words: str
) -> None:
    found = placed(entries, devices)
    assert words in found.reasons[0] and found.is_incomplete
