"""A thousand random runs on sound media; a device that stalls and one that hangs, in real time."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from tests.integration.agent import faultless
from tests.integration.agent.conftest import LyingDisk
from tests.integration.agent.host import MIB, Host
from tests.integration.agent.test_surface import assert_passed
from tests.waiting import wait_for

RUNS = int(os.environ.get("BURNIN_FAULTLESS_RUNS", "1000"))
GROUPS = 20


@pytest.mark.timeout(7200)
@pytest.mark.parametrize("group", range(GROUPS))
def test_no_error_without_a_fault(zipapp: Path, tmp_path: Path, group: int) -> None:
    for number in range(group, RUNS, GROUPS):
        host = Host(tmp_path / f"host{number}", zipapp)
        try:
            faultless.run(host, "da0", random.Random(number))
        finally:
            host.kill9()


@pytest.mark.needs("nbd", "loop")
def test_a_stall_is_told_with_its_lba_and_is_no_error(host: Host, lying: LyingDisk) -> None:
    """Half a minute without an answer; then it goes on."""
    place = 11 * MIB
    lying.lie({"kind": "stall", "offset": place, "length": 4096, "seconds": 30, "once": True})
    host.start("r1", lying.device, passes=1)
    head = wait_for(lambda: (head := host.peek("r1"))["stall"] and head, 60, "the stall is told")
    assert head["stall"]["lba"] <= place // 512 < head["stall"]["lba"] + MIB // 512
    assert head["stall"]["seconds"] > 20 and head["stall"]["hung"] is False
    assert_passed(host.verdict("r1"), lying.size, 1)
    events = [event["event"] for event in host.detail("r1")["events"]]
    assert "stall" in events and "stall over" in events


@pytest.mark.timeout(900)
@pytest.mark.needs("nbd", "loop")
def test_a_hung_device_is_told_while_its_thread_hangs(host: Host, lying: LyingDisk) -> None:
    """Nothing is answered any more; the run says so, can be stopped, and blames nobody."""
    lying.lie({"kind": "stall", "offset": 11 * MIB, "length": 4096, "seconds": 400, "once": True})
    host.start("r1", lying.device, passes=1)
    head = wait_for(
        lambda: (head := host.peek("r1"))["stall"] and head["stall"]["hung"] and head,
        400,
        "the device is called hung",
    )
    assert any("hung" in warning for warning in head["warnings"])
    stopped = host.surface("stop", "r1", "--by=alice")
    assert stopped["verdict"]["verdict"] == "inconclusive"
    assert stopped["verdict"]["reasons"] == ["stopped: by alice"]
