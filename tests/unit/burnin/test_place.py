"""Where a drive is: NAS and host must both know it once, and agree with the record."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from burnin.locate import Located, Site, place
from drives.hosts.types import Fact, HostDevice
from drives.models import Drive, System
from drives.truenas.types import NasDrive, NasView

SIZE, MODEL = 12 * 10**12, "ST12000NM0008"
NAS = NasDrive("{serial_lunid}S1_5000c5", "sda", "S1", "5000c5", MODEL, SIZE, True)
HOST = HostDevice("sda", "/dev/sda", "S1", "5000c5", MODEL, SIZE, (), None, None, "")
ANOTHER = replace(NAS, name="sdb", serial="S2", lunid="5000c6")


def placed(nas: list[NasDrive], host: list[HostDevice], **how: Any) -> Located:
    drive = Drive(serial="S1", lunid="5000c5", model=MODEL, size_bytes=SIZE, devname="sdz")
    uses = how.pop("uses", {})
    view = NasView("TrueNAS-13.0-U6.1", tuple(nas), uses, {}, {}, ())
    return place(drive, System(name="nas-1"), Site(view, tuple(host)), **how)


def test_it_is_found_by_its_serial_under_whatever_name() -> None:
    found = placed([ANOTHER, NAS], [replace(HOST, path="/dev/sdq", name="sdq")])
    assert (found.reasons, found.is_incomplete) == ((), False)
    assert found.nas == NAS and found.device is not None and found.device.path == "/dev/sdq"


@pytest.mark.parametrize(
    ("nas", "host", "words"),
    [
        ([NAS, replace(NAS, name="sdb")], [HOST], "nas-1 lists serial S1 2 times"),
        ([NAS], [HOST, replace(HOST, path="/dev/sdb")], "has 2 drives with serial S1"),
        ([replace(NAS, size_bytes=SIZE - 512)], [HOST], "the record 12,000,000,000,000"),
        ([NAS], [replace(HOST, size_bytes=SIZE // 2)], "The host gives 6,000,000,000,000 bytes"),
        ([replace(NAS, model="WDC WD80EFAX")], [HOST], "nas-1 gives the model WDC WD80EFAX"),
        ([NAS], [replace(HOST, model="WDC_WD80EFAX")], "The host gives the model WDC_WD80EFAX"),
    ],
)
def test_what_contradicts_refuses(nas: Any, host: Any, words: str) -> None:
    found = placed(nas, host)
    assert any(words in reason for reason in found.reasons), found.reasons
    assert not found.is_incomplete


@pytest.mark.parametrize(
    ("nas", "host", "words"),
    [
        ([ANOTHER], [HOST], "nas-1 doesn’t list serial S1"),
        ([replace(NAS, lunid="5000c6")], [HOST], "nas-1 doesn’t list serial S1"),
        ([replace(NAS, size_bytes=0)], [HOST], "doesn’t tell the drive’s size"),
        ([NAS], [], "has no drive with serial S1"),
    ],
)
def test_what_is_missing_is_waited_for(nas: Any, host: Any, words: str) -> None:
    found = placed(nas, host)
    assert any(words in reason for reason in found.reasons), found.reasons
    assert found.is_incomplete


def test_an_answer_that_is_missing_hides_no_contradiction() -> None:
    found = placed([], [replace(HOST, size_bytes=512)])
    assert len(found.reasons) == 2 and not found.is_incomplete


@pytest.mark.parametrize("source", ["nas", "host"])
def test_what_uses_it_is_against_writing_and_not_against_reading(source: str) -> None:
    mounted = replace(HOST, use=(Fact("mount", "in_use", "mounted at /mnt"),))
    uses = {"sda": "In pool tank · mirror-0"} if source == "nas" else {}
    host = [mounted] if source == "host" else [HOST]
    assert len(placed([NAS], host, uses=uses).reasons) == 1
    assert placed([NAS], host, uses=uses, to_write=False).reasons == ()
