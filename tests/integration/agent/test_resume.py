"""A run that was cut off goes on where it was, and never counts a byte that it did not verify."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
from typing import Any

import pytest

from tests.integration.agent.host import MIB, Host, digest, moved_bytes
from tests.integration.agent.test_surface import assert_passed, expected_content
from tests.waiting import wait_for

SEED = 20260131
CHUNK = 64 * 1024


def kill_after(host: Host, goal: int) -> int:
    """Kill the only run once it has moved so many bytes; 0 when it was over before."""
    for pid in host.pids():
        began = sum(moved_bytes(pid))
        wait_for(lambda: sum(moved_bytes(pid)) >= began + goal, 60, f"{goal} bytes moved")  # noqa: B023
        try:
            os.kill(pid, signal.SIGKILL)
            return 1
        except ProcessLookupError:
            continue
    return 0


def test_kill_9_at_any_point_and_go_on(host: Host) -> None:
    """Ten kills at seeded points; BURNIN_KILL_POINTS=50 for more:

    BURNIN_KILL_POINTS=50 ./run test tests/integration/agent/test_resume.py -k kill_9
    """
    points = int(os.environ.get("BURNIN_KILL_POINTS", "10"))
    chance = random.Random(SEED)
    drive = host.drive("da0")
    options: dict[str, Any] = {"passes": 2, "chunk": CHUNK, "checkpoint": 0.1}
    kills, done = 0, 0
    for point in range(points):
        left = (64 * MIB - done) // (points - point)
        goal = chance.randrange(max(left, CHUNK))
        answer = host.start("r1", drive, rate_limit=12 * MIB, **options)
        if answer["outcome"] == "finished":
            break  # a busy machine looked too late once or twice
        assert answer["outcome"] == "started", answer
        kills += kill_after(host, goal)
        wait_for(lambda: not host.pids(), 10, "the process is gone")
        head = host.head("r1")
        assert not head["alive"]
        assert head["position_bytes"] == head["checkpoint_bytes"]
        assert head["bytes_verified"] <= head["bytes_written"]
        # A resumed verify reads its last chunk again.
        assert head["bytes_written"] + head["bytes_verified"] >= done - CHUNK, "progress was lost"
        done = head["bytes_written"] + head["bytes_verified"]
    host.start("r1", drive, rate_limit=0, **options)
    verdict = host.verdict("r1")
    assert_passed(verdict, 16 * MIB, 2)
    assert verdict["resumed"] == kills > points // 2
    assert drive.read_bytes() == expected_content(host.head("r1"), 2)


def test_sigterm_checkpoints_and_leaves(host: Host) -> None:
    drive = host.drive("da0")
    host.start("r1", drive, rate_limit=8 * MIB, chunk=64 * 1024)
    host.until("r1", "write", phase="write")
    wait_for(lambda: host.peek("r1")["position_bytes"] > 2 * MIB, 30, "some of it is written")
    (pid,) = host.pids()
    os.kill(pid, signal.SIGTERM)
    wait_for(lambda: not host.pids(), 20, "it leaves")
    head = host.head("r1")
    assert head["verdict"] is None and not head["alive"]
    assert head["checkpoint_bytes"] > 2 * MIB
    assert host.start("r1", drive, rate_limit=0)["run"]["checkpoint_bytes"] >= 2 * MIB
    assert_passed(host.verdict("r1"), 16 * MIB, 2)


def test_goes_on_after_a_reboot(host: Host) -> None:
    """Another boot, nothing left in memory, the state on its disk."""
    drive = host.drive("da0")
    host.env["BURNIN_BOOT_ID"] = "boot-1"
    assert host.paused_in("r1", drive, "verify", 1)["boot_id"] == "boot-1"
    host.kill9()
    shutil.rmtree(host.memory)
    host.memory.mkdir()
    host.env["BURNIN_BOOT_ID"] = "boot-2"
    answer = host.start("r1", drive)
    assert (answer["outcome"], answer["run"]["boot_id"]) == ("started", "boot-2")
    assert (answer["run"]["phase"], answer["run"]["resumed"]) == ("verify", 1)
    host.go_on("r1")
    assert_passed(host.verdict("r1"), 16 * MIB, 2)
    assert any("after a reboot" in event["detail"] for event in host.detail("r1")["events"])


# --- the state is lost ------------------------------------------------------------------------
@pytest.mark.parametrize(("phase", "pass_number"), [("write", 1), ("verify", 1), ("write", 2)])
def test_goes_on_from_the_dashboard_s_copy(host: Host, phase: str, pass_number: int) -> None:
    drive = host.drive("da0")
    copy = host.paused_in("r1", drive, phase, pass_number)
    host.kill9()
    shutil.rmtree(host.root)
    answer = host.start("r1", drive, restore=copy)
    assert answer["outcome"] == "started", (answer["run"] or {}).get("verdict", answer)
    assert answer["run"]["seed"] == copy["seed"]
    assert answer["run"]["phase"] == phase and answer["run"]["pass"] == pass_number
    assert answer["run"]["paused"]["by"] == "operator"
    host.go_on("r1")
    verdict = host.verdict("r1")
    assert_passed(verdict, 16 * MIB, 2)
    assert verdict["resumed"] == 1


def test_a_copy_older_than_the_medium_costs_work_not_truth(host: Host) -> None:
    """The copy is of pass 1; meanwhile pass 2 has begun to overwrite it."""
    drive = host.drive("da0")
    copy = host.paused_in("r1", drive, "verify", 1)
    host.surface("resume", "r1")
    host.until("r1", "write 2", **{"phase": "write", "pass": 2})
    wait_for(lambda: host.peek("r1")["position_bytes"] > 2 * MIB, 30, "some of pass 2")
    host.kill9()
    shutil.rmtree(host.root)
    answer = host.start("r1", drive, restore=copy)
    assert (answer["run"]["phase"], answer["run"]["position_bytes"]) == ("write", 0)
    assert answer["run"]["bytes_verified"] == 0
    host.go_on("r1")
    assert_passed(host.verdict("r1"), 16 * MIB, 2)


def test_a_copy_that_claims_too_much_is_found_out(host: Host) -> None:
    """Its checkpoint lies beyond what was written: nothing there is believed."""
    drive = host.drive("da0")
    copy = host.paused_in("r1", drive, "write", 1)
    host.kill9()
    shutil.rmtree(host.root)
    claim = {**copy, "position_bytes": 15 * MIB, "checkpoint_bytes": 15 * MIB}
    claim["bytes_written"] = 15 * MIB
    answer = host.start("r1", drive, restore=claim)
    assert answer["run"]["position_bytes"] == 0 and answer["run"]["warnings"]
    host.go_on("r1")
    assert_passed(host.verdict("r1"), 16 * MIB, 2)


GARBAGE = ["", "[]", '{"head": {}}', "\x00" * 900, "[" * 100_000]


def test_a_garbled_state_begins_nothing_anew(host: Host) -> None:
    drive = host.drive("da0")
    copy = host.paused_in("r1", drive, "write", 1)
    host.kill9()
    before = digest(drive)
    for garbage in GARBAGE:
        (host.state_dir("r1") / "state.json").write_text(garbage)
        answer = host.start("r1", drive)
        assert answer["outcome"] == "refused" and answer["reasons"][0]["fact"] == "state"
    assert host.ask("status", "--root", host.root)["runs"] == []
    assert host.start("r1", drive, restore={**copy, "seed": "00"})["outcome"] == "refused"
    assert host.start("r1", drive, restore={**copy, "run_id": "r2"})["outcome"] == "refused"
    assert digest(drive) == before
    assert host.start("r1", drive, restore=copy)["outcome"] == "started"


def test_a_truncated_state_at_every_length(host: Host) -> None:
    """A disk that loses the end of a file must not make a run of something else."""
    drive = host.drive("da0")
    host.paused_in("r1", drive, "write", 1)
    host.kill9()
    state = host.state_dir("r1") / "state.json"
    whole = state.read_bytes()
    for length in range(0, len(whole), len(whole) // 4):
        state.write_bytes(whole[:length])
        answer = host.start("r1", drive)
        assert answer["outcome"] == "refused", (length, answer)
    state.write_bytes(whole)
    assert host.start("r1", drive)["outcome"] == "started"


@pytest.mark.parametrize("file", ["detail.json", "control.json"])
def test_garbled_side_files_don_t_stop_a_run(host: Host, file: str) -> None:
    drive = host.drive("da0")
    host.paused_in("r1", drive, "verify", 1)
    host.kill9()
    (host.state_dir("r1") / file).write_text('{"errors": 5, "pause": 1, "stop": []')
    assert host.start("r1", drive, rate_limit=0)["outcome"] == "started"
    if file == "control.json":  # it may have asked to hold still
        assert "can't be read" in host.standing("r1")["paused"]["reason"]
    host.surface("resume", "r1")
    assert_passed(host.verdict("r1"), 16 * MIB, 2)


def test_a_garbled_progress_in_memory_is_not_believed(host: Host) -> None:
    drive = host.drive("da0")
    host.paused_in("r1", drive, "write", 1)
    for file in host.memory.glob("*.json"):
        file.write_text("{half")
    head = host.head("r1")
    assert head["alive"] and head["position_bytes"] <= 16 * MIB


def test_state_that_can_t_be_stored_pauses_the_run(host: Host) -> None:
    """The disk under it is full: nothing more is claimed, it says why; then it goes on."""
    if os.geteuid() != 0:
        pytest.skip("mounts a file system")
    host.root.mkdir()
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m,mode=700", "tmpfs", str(host.root)], check=True
    )
    try:
        drive = host.drive("da0")
        host.start("r1", drive, rate_limit=4 * MIB, chunk=64 * 1024, checkpoint=0.2)
        host.until("r1", "write", phase="write")
        hog = host.root / "hog"
        with hog.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                pass
        head = wait_for(
            lambda: (head := host.peek("r1"))["paused"] and head, 30, "it pauses by itself"
        )
        assert head["paused"]["by"] == "state" and "No space" in head["paused"]["reason"]
        hog.unlink()
        host.until("r1", "it goes on", paused=None)
        host.surface("limit", "r1", "--rate=0")
        assert_passed(host.verdict("r1"), 16 * MIB, 2)
    finally:
        host.kill9()
        subprocess.run(["umount", str(host.root)], check=True)
