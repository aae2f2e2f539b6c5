"""A host without TrueNAS: what the agent finds, in the NAS's vocabulary; unknown refuses."""

from __future__ import annotations

from typing import Any

import pytest

from drives.hosts.plain import PlainHost
from drives.hosts.ssh import HostError
from drives.hosts.types import Fact, HostDevice
from drives.truenas.types import NasError, NasView


def device(name: str, *use: Fact, **facts: Any) -> HostDevice:
    plain: dict[str, Any] = {
        "name": name, "path": f"/dev/{name}", "serial": f"S-{name}", "lunid": "", "model": "M",
        "size_bytes": 10**12, "use": use, "temperature_c": 31, "smartctl": None,
        "smartctl_error": "", "rotational": True,
    }  # fmt: skip
    return HostDevice(**plain | facts)


class Answers:
    def __init__(self, *devices: HostDevice, error: str = "") -> None:
        self.devices, self.error = list(devices), error

    def describe(self) -> str:
        return "Debian GNU/Linux 13 (trixie)"

    def probe(self) -> list[HostDevice]:
        if self.error:
            raise HostError(self.error)
        return self.devices


def view(*devices: HostDevice, error: str = "") -> NasView:
    return PlainHost(Answers(*devices, error=error)).view()  # type: ignore[arg-type]


def test_drives_are_known_by_serial_and_lunid_as_on_truenas() -> None:
    seen = view(device("sda", lunid="5000c5"), device("sdb"), device("sdc", serial=""))
    assert [drive.identifier for drive in seen.drives] == [
        "{serial_lunid}S-sda_5000c5", "{serial}S-sdb", "{devicename}sdc",
    ]  # fmt: skip
    assert seen.jobs == ()
    assert not seen.tests_by_api
    assert seen.temperatures == {"sda": 31, "sdb": 31, "sdc": 31}


@pytest.mark.parametrize("state", ["in_use", "unknown"])
def test_what_uses_it_and_what_cannot_be_told_refuse(state: str) -> None:
    seen = view(device("sda", Fact("pool", state, "in pool tank (data, ONLINE)")), device("sdb"))
    assert seen.uses == {"sda": "In pool tank (data, ONLINE)"}
    assert seen.pools == {"sda": "tank"}


def test_old_data_is_for_the_guard() -> None:
    assert view(device("sda", Fact("partition", "old_data", "partition sda1"))).uses == {}


def test_no_answer_and_no_disk_are_errors() -> None:
    for seen in ({"error": "SSH connection refused"}, {}):
        with pytest.raises(NasError):
            view(**seen)
