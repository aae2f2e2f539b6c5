"""A run that was ended can't be begun by a start that comes late."""

from __future__ import annotations

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from signal import SIGHUP, SIGINT, SIGTERM

import pytest

from agent import ending, engine, fences, start
from agent.__main__ import _parser, _request
from agent.folder import Folder
from tests.integration.agent.host import SAMPLED, Host, digest
from tests.integration.agent.test_release import put, release
from tests.matrix.attack.marks import noise
from tests.waiting import wait_for


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


@pytest.fixture
def slow_guard(host: Host) -> Path:
    """The guard of this host says "asked", and waits for "go" in this folder."""
    folder = host.root.parent / "slow"
    (folder / "bin").mkdir(parents=True)
    zpool = folder / "bin" / "zpool"
    zpool.write_text(
        f"#!/bin/sh\ntouch {folder}/asked\n"
        f"while [ ! -e {folder}/go ]; do sleep 0.05; done\necho no pools available\n"
    )
    zpool.chmod(0o755)
    host.env["PATH"] = f"{folder / 'bin'}:{host.env['PATH']}"
    return folder


@pytest.mark.parametrize("action", ["start", "run"])
def test_a_stop_while_the_guard_is_asked_ends_it(host: Host, slow_guard: Path, action: str) -> None:
    """It is on record before the first write, so nothing is written."""
    drive = host.drive("da0")
    before = digest(drive)
    with ThreadPoolExecutor(2) as pool:
        begun = pool.submit(host.start if action == "start" else host.burn, "r1", drive)
        wait_for(lambda: (slow_guard / "asked").exists(), 20, "the guard is asked")
        stopped = pool.submit(ask, host, "stop", "r1")
        fence = host.root / fences.FOLDER / "r1.json"
        wait_for(fence.exists, 20, "the stop is on record")
        (slow_guard / "go").touch()
        answer = begun.result(60)
        assert stopped.result(60) == "there is no run r1"
    assert "refused" in (answer.get("outcome"), answer.get("verdict"))
    assert "ended by alice" in str(answer["reasons"])
    assert digest(drive) == before
    assert not host.state_dir("r1").exists()


def test_no_stop_says_there_is_no_run_while_one_may_begin(
    host: Host, slow_guard: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever hears that takes the drive for free."""
    drive = host.drive("da0")
    monkeypatch.setenv("BURNIN_MEMORY_DIR", str(host.memory))
    with ThreadPoolExecutor(1) as pool:
        begun = pool.submit(host.start, "r1", drive)
        wait_for(lambda: (slow_guard / "asked").exists(), 20, "the guard is asked")
        with pytest.raises(OSError, match="about to begin"):
            ending.stop(Folder(str(host.state_dir("r1"))), "alice", 0.1)
        (slow_guard / "go").touch()
        assert begun.result(60)["outcome"] == "refused"


def test_a_stop_before_the_first_byte_of_a_phase(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wish that is there already isn't found only after a tick of writing."""
    drive = host.drive("da0")
    monkeypatch.setenv("BURNIN_MEMORY_DIR", str(host.memory))
    monkeypatch.setenv("BURNIN_MEDIA", str(host.media))
    before = digest(drive)
    begin = engine.Engine.begin

    def then_stopped(self: engine.Engine, event: str, detail: str = "") -> None:
        begin(self, event, detail)
        self.folder.wish(stop={"by": "alice"})

    monkeypatch.setattr(engine.Engine, "begin", then_stopped)
    options = _parser().parse_args(host.run_argv("run", "r1", drive))
    kept = {number: signal.getsignal(number) for number in (SIGTERM, SIGINT, SIGHUP)}
    try:
        _, verdict = start.run(_request(options), lambda state: None)
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
    assert verdict and verdict["reasons"] == ["stopped: by alice"]
    assert verdict["bytes_written"] == 0
    assert digest(drive) == before


def test_a_pause_while_the_guard_is_asked_holds_before_the_first_byte(
    host: Host, slow_guard: Path
) -> None:
    drive = host.drive("da0")
    before = digest(drive)
    with ThreadPoolExecutor(1) as pool:
        begun = pool.submit(host.start, "r1", drive)
        wait_for(lambda: (slow_guard / "asked").exists(), 20, "the guard is asked")
        assert "about to begin" in ask(host, "pause", "r1")
        (slow_guard / "go").touch()
        assert begun.result(60)["outcome"] == "started"
    assert host.standing("r1")["paused"]["reason"] == "paused by alice"
    assert digest(drive) == before
    host.kill9()


@pytest.mark.parametrize("how", ["killed", "paused"])
@pytest.mark.parametrize("used", [False, True])
def test_a_release_is_void_for_a_run_that_was_paused_before_its_first_byte(
    host: Host, slow_guard: Path, how: str, used: bool
) -> None:
    """Somebody may use the drive meanwhile, as between request and start."""
    drive = host.drive("da0")
    put(drive, SAMPLED[0], noise(65536))
    (slow_guard / "go").touch()
    named = release(host, drive)
    for name in ("go", "asked"):
        (slow_guard / name).unlink()
    with ThreadPoolExecutor(1) as pool:
        begun = pool.submit(host.start, "r1", drive, release=named)
        wait_for(lambda: (slow_guard / "asked").exists(), 20, "the guard is asked")
        ask(host, "pause", "r1")
        (slow_guard / "go").touch()
        assert begun.result(60)["outcome"] == "started"
    host.standing("r1")
    if used:
        # Where no sample looks.
        put(drive, SAMPLED[0] + 128 * 1024, noise(512))
    before = digest(drive)
    if how == "killed":
        host.kill9()
        assert host.start("r1", drive)["outcome"] == ("refused" if used else "started")
    if how == "paused" or not used:
        host.go_on("r1")
        assert host.verdict("r1")["verdict"] == ("refused" if used else "passed")
    assert (digest(drive) == before) == used
