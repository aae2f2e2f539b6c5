"""A run that was ended can't be begun by a start that comes late."""

from __future__ import annotations

import os
import time

from agent import fences
from tests.integration.agent.host import Host, digest


def ask(host: Host, action: str, run_id: str) -> str:
    answer = host.ask("surface", action, "--state", host.state_dir(run_id), "--by=alice")
    return str(answer.get("error", ""))


def test_stopped_before_it_began(host: Host) -> None:
    """The stop is told that there is no run, as ever; the start of a stalled worker is refused."""
    drive = host.drive("da0")
    before = digest(drive)
    assert ask(host, "stop", "r1") == "there is no run r1"
    answer = host.start("r1", drive)
    assert answer["outcome"] == "refused"
    assert "ended by alice before this start came" in answer["reasons"][0]["reason"]
    assert host.burn("r1", drive)["verdict"] == "refused"
    assert digest(drive) == before
    assert host.ask("status", "--root", host.root)["runs"] == []
    assert not host.state_dir("r1").exists()
    assert host.start("r2", drive)["outcome"] == "started"  # another run may


def test_lost_by_the_host_and_stopped(host: Host) -> None:
    """Our copy doesn't bring it back."""
    drive = host.drive("da0")
    copy = host.paused_in("r1", drive, "write", 1)
    host.kill9()
    os.rename(host.state_dir("r1"), host.root / "away")
    assert ask(host, "stop", "r1") == "there is no run r1"
    before = digest(drive)
    assert host.start("r1", drive, restore=copy)["outcome"] == "refused"
    assert digest(drive) == before


def test_removed(host: Host) -> None:
    drive = host.drive("da0")
    host.burn("r1", drive, passes=1)
    host.surface("remove", "r1")
    before = digest(drive)
    assert host.start("r1", drive)["outcome"] == "refused"
    assert digest(drive) == before


def test_a_fence_that_is_no_file_of_ours_holds_too(host: Host) -> None:
    drive = host.drive("da0")
    (host.root / fences.FOLDER).mkdir(parents=True)
    os.mkfifo(host.root / fences.FOLDER / "r1.json")
    assert host.start("r1", drive)["outcome"] == "refused"


def test_fences_go_after_a_day(host: Host) -> None:
    ask(host, "stop", "r1")
    old = host.root / fences.FOLDER / "r1.json"
    os.utime(old, times=(0, time.time() - fences.KEPT_SECONDS - 60))
    ask(host, "stop", "r2")
    assert [file.name for file in old.parent.iterdir()] == ["r2.json"]
