"""Which drive a path is: udev and the kernel must tell the same one."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agent import identity

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="of sysfs and udev")


def asked(
    folder: Path, monkeypatch: pytest.MonkeyPatch, place: str, udev: str, page_80: str
) -> identity.Identity:
    home = folder / "sys" / "devices" / place
    (home / "device").mkdir(parents=True)
    (home / "size").write_text("65536\n")
    (home / "device" / "vpd_pg80").write_bytes(b"\0\x80\0\x14" + page_80.rjust(20).encode())
    (folder / "sys" / "dev" / "block").mkdir(parents=True)
    (folder / "sys" / "dev" / "block" / "8:16").symlink_to(home)
    (folder / "udev").mkdir()
    (folder / "udev" / "b8:16").write_text(udev)
    monkeypatch.setattr(identity, "SYS", str(folder / "sys"))
    monkeypatch.setattr(identity, "UDEV", str(folder / "udev"))
    node: Any = SimpleNamespace(
        st_dev=5, st_ino=300, st_rdev=os.makedev(8, 16), st_mode=stat.S_IFBLK
    )
    return identity._linux_block("/dev/sdb", node)


ATA = "E:ID_BUS=ata\nE:ID_SERIAL_SHORT=ZL2_OLD\n"
SAS = "E:ID_BUS=scsi\nE:ID_SERIAL_SHORT=5000c500a1b2c3d4\nE:ID_SCSI_SERIAL=ZL2_OLD\n"
AT_A_PORT, AT_AN_HBA = "pci0000:00/ata1/host0/block/sdb", "pci0000:00/host0/end_device/block/sdb"
AT_USB = "pci0000:00/usb2/2-1/host6/block/sdb"


@pytest.mark.parametrize(("place", "udev"), [(AT_A_PORT, ATA), (AT_AN_HBA, SAS)])
def test_an_exchanged_disk_that_udev_has_not_seen_is_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, udev: str
) -> None:
    """Of one shelf, one size: only the serial tells them apart, and udev's is the former disk's."""
    with pytest.raises(identity.Unidentified, match="udev tells serial ZL2_OLD, the kernel NEW"):
        asked(tmp_path, monkeypatch, place, udev, "NEW")


@pytest.mark.parametrize(
    ("place", "udev", "page_80"),
    [
        (AT_A_PORT, ATA, "ZL2 OLD"),
        (AT_AN_HBA, SAS, "ZL2_OLD"),
        (AT_AN_HBA, ATA, "of the HBA"),
        (AT_USB, ATA, "of the bridge"),
    ],
)
def test_where_both_have_it_from_the_drive_they_agree(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, udev: str, page_80: str
) -> None:
    assert asked(tmp_path, monkeypatch, place, udev, page_80).serial == "ZL2_OLD"
