"""What of the host's words about a drive's use speaks against it, when it is looked up."""

from __future__ import annotations

from burnin.locate import uses
from drives.hosts.types import Fact, HostDevice


def device(*use: Fact) -> HostDevice:
    return HostDevice("sda", "/dev/sda", "S1", "", "M", 10**9, use, None, None, "")


def test_a_mounted_drive_is_named() -> None:
    mounted = Fact("mount", "in_use", "mounted at /mnt/tank")
    assert uses(device(mounted, Fact("swap", "clear", ""))) == ["mounted at /mnt/tank"]


def test_a_short_look_by_another_process_is_left_to_the_guard() -> None:
    assert uses(device(Fact("open", "in_use", "open in process 4711"))) == []
