"""A plain Linux host: SSH and the agent, no API; drives of other kinds beside the fifteen."""

from __future__ import annotations

from collections.abc import Callable

import requests

from tests.nas import MockNas

from .host import Host


def test_it_has_a_shell_and_nothing_else(mock_nas: Callable[..., MockNas]) -> None:
    nas = mock_nas(options=["--linux", "--drive", "sas", "--drive", "nvme"])
    for path in ("api/v2.0/system/version", "api/versions", "websocket"):
        assert requests.get(f"{nas.url}/{path}", timeout=10).status_code == 404
    assert len(nas.debug("state")["drives"]) == 17
    with Host(nas) as host:
        host.ship()
        probe = host.agent("probe", "--smart")
        assert probe["host"]["system"] == "Linux"
        names = {one["name"]: one["smartctl"]["device"]["protocol"] for one in probe["devices"]}
        assert names["sda"] == "ATA" and names["nvme2n1"] == "NVMe" and names["sdp"] == "SCSI"
        assert host.start("sdp", "run-1")["outcome"] == "started"
        assert host.head("run-1")["alive"]
