"""What of the host's words about a drive's use speaks against it, when it is looked up."""

from __future__ import annotations

from typing import Any
from unittest.mock import MagicMock

import pytest

from burnin import locate as room
from drives.hosts.types import Fact, HostDevice
from drives.models import Drive, System
from drives.truenas.types import NasDrive

SIZE = 10**9
NAS_DRIVE = NasDrive(
    identifier="{serial}S1",
    name="sda",
    serial="S1",
    lunid="",
    model="M",
    size_bytes=SIZE,
    rotational=True,
)


def located(monkeypatch: pytest.MonkeyPatch, *use: Fact) -> room.Located:
    """A drive that NAS and host list alike, and of whose use the host says that."""
    device = HostDevice("sda", "/dev/sda", "S1", "", "M", SIZE, use, None, None, "")
    clients: Any = MagicMock()
    clients.nas.return_value.__enter__.return_value.view.return_value = MagicMock(
        drives=[NAS_DRIVE], uses={}
    )
    clients.host.return_value.probe.return_value = [device]
    monkeypatch.setattr(room, "clients", clients)
    drive = Drive(serial="S1", size_bytes=SIZE, system=System(name="nas-1"))
    drive.identity = room.identity_of(NAS_DRIVE)
    return room.locate(drive)


def test_a_mounted_drive_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    found = located(monkeypatch, Fact("mount", "in_use", "mounted at /mnt/tank"))
    assert found.reasons == ("mounted at /mnt/tank",)


def test_a_short_look_by_another_process_is_left_to_the_guard(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = located(monkeypatch, Fact("open", "in_use", "open in process 4711"))
    assert found.reasons == ()
    assert found.device is not None
