"""Runs on sound media: every byte written, every byte read back; and the commands for them."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from agent.clock import seconds
from agent.pattern import Pattern, Run
from tests.integration.agent.conftest import Loops
from tests.integration.agent.host import MIB, Host
from tests.waiting import wait_for

SLOW = 8 * MIB


def expected_content(head: dict[str, Any], pass_number: int) -> bytes:
    """What the whole medium must hold after a pass of this run."""
    run = Run(bytes.fromhex(head["seed"]), seconds(head["started_at"]))
    pattern = Pattern(run, pass_number, head["io"]["chunk_bytes"])
    return pattern.expected(0, head["identity"]["size_bytes"])


def assert_passed(verdict: dict[str, Any], size: int, passes: int) -> None:
    assert verdict["verdict"] == "passed", verdict["reasons"]
    assert verdict["bytes_written"] == verdict["bytes_verified"] == size * passes
    assert (verdict["size_bytes"], verdict["passes"]) == (size, passes)
    assert (verdict["error_count"], verdict["errors"], verdict["reasons"]) == (0, [], [])


@pytest.mark.parametrize(
    ("size", "chunk"),
    [
        (16 * MIB, 4 * MIB),
        (16 * MIB + 512, MIB),
        (3 * MIB + 1234, 64 * 1024),
        (4096, MIB),
    ],
)
def test_passes_with_each_byte_of_each_pass(host: Host, size: int, chunk: int) -> None:
    drive = host.drive("da0", size)
    verdict = host.burn("r1", drive, passes=2, chunk=chunk)
    assert_passed(verdict, size, 2)
    assert drive.read_bytes() == expected_content(host.head("r1"), 2)


@pytest.mark.needs("loop")
@pytest.mark.parametrize("sector", [512, 4096])
def test_passes_on_a_loop_device(host: Host, loops: Loops, tmp_path: Path, sector: int) -> None:
    backing = tmp_path / "backing"
    backing.write_bytes(bytes(16 * MIB))
    device = loops.attach(backing, f"--sector-size={sector}", "--direct-io=on")
    assert_passed(host.burn("r1", device, passes=1), 16 * MIB, 1)
    head = host.head("r1")
    assert head["identity"]["logical_sector_bytes"] == sector
    assert head["io"]["direct"] is True
    assert backing.read_bytes() == expected_content(head, 1)


def test_runs_detached_from_the_login(host: Host) -> None:
    drive = host.drive("da0")
    started = host.start("r1", drive, rate_limit=SLOW)
    assert started["outcome"] == "started"
    (pid,) = host.pids()
    assert os.getsid(pid) != os.getsid(0)
    links = {os.readlink(f"/proc/{pid}/fd/{number}") for number in (0, 1, 2)}
    assert links == {"/dev/null"}
    parent = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1]
    assert int(parent) not in {os.getpid(), 0}
    host.surface("limit", "r1", "--rate=0")
    assert_passed(host.verdict("r1"), 16 * MIB, 2)


def test_status_tells_all_runs_and_their_detail(host: Host) -> None:
    first, second = host.drive("da0"), host.drive("da1")
    host.start("r1", first)
    host.start("r2", second, rate_limit=SLOW)
    host.verdict("r1")
    status = host.ask("status", "--root", host.root)
    runs = {run["run_id"]: run for run in status["runs"]}
    assert runs["r1"]["verdict"]["verdict"] == "passed" and not runs["r1"]["alive"]
    assert runs["r1"]["percent"] == 100 and runs["r1"]["phase"] == "done"
    assert runs["r2"]["alive"] and runs["r2"]["verdict"] is None
    assert status["host"]["state_fs"] not in ("", "unknown")
    detail = host.detail("r1")
    assert set(detail["regions"]) == {"write-1", "verify-1", "write-2", "verify-2"}
    for rows in detail["regions"].values():
        assert all(row is not None and row[1] <= row[2] <= row[3] for row in rows)
    assert detail["slowest"] and not detail["errors"]
    assert [event["event"] for event in detail["events"]][0] == "started"
    assert detail["events"][-1] == {**detail["events"][-1], "event": "verdict", "detail": "passed"}


def test_status_of_a_host_that_never_had_a_run(host: Host) -> None:
    assert host.ask("status", "--root", host.root / "nothing")["runs"] == []


def test_pause_and_resume(host: Host) -> None:
    drive = host.drive("da0")
    host.start("r1", drive, rate_limit=SLOW)
    host.surface("pause", "r1", "--by=alice")
    paused = host.standing("r1")
    assert paused["paused"]["by"] == "operator" and "alice" in paused["paused"]["reason"]
    assert paused["rate_bytes_per_second"] is None
    host.kill9()  # a pause outlives its process
    assert host.start("r1", drive)["run"]["paused"]["by"] == "operator"
    host.go_on("r1")
    verdict = host.verdict("r1")
    assert_passed(verdict, 16 * MIB, 2)
    events = [event["event"] for event in host.detail("r1")["events"]]
    assert "paused" in events and events.count("resumed") >= 2


def test_rate_limit_holds_and_can_be_changed(host: Host) -> None:
    drive = host.drive("da0")
    host.start("r1", drive, rate_limit=2 * MIB, chunk=64 * 1024)
    head = wait_for(
        lambda: (head := host.peek("r1"))["rate_bytes_per_second"] and head, 20, "a rate is known"
    )
    assert head["rate_bytes_per_second"] < 3 * MIB
    host.surface("limit", "r1", "--rate=0")
    assert_passed(host.verdict("r1"), 16 * MIB, 2)


def test_stop_ends_it_as_inconclusive(host: Host) -> None:
    drive = host.drive("da0")
    host.start("r1", drive, rate_limit=SLOW)
    head = host.surface("stop", "r1", "--by=alice")
    assert not head["alive"]
    assert head["verdict"]["verdict"] == "inconclusive"
    assert head["verdict"]["reasons"] == ["stopped: by alice"]
    again = host.start("r1", drive)
    assert again["outcome"] == "finished" and again["run"]["verdict"] == head["verdict"]


def test_stop_of_a_run_whose_process_is_gone(host: Host) -> None:
    drive = host.drive("da0")
    host.start("r1", drive, rate_limit=SLOW)
    host.kill9()
    head = host.surface("stop", "r1", "--by=alice")
    assert head["verdict"]["reasons"] == ["stopped: by alice"]


def test_two_starts_at_once_are_one_run(host: Host) -> None:
    drive = host.drive("da0")
    argv = host.run_argv("start", "r1", drive, rate_limit=SLOW)
    starts = [
        subprocess.Popen(host.command(*argv), stdout=subprocess.PIPE, env=host.env)
        for _ in range(4)
    ]
    answers = [json.loads(start.communicate(timeout=60)[0]) for start in starts]
    outcomes = sorted(answer["outcome"] for answer in answers)
    assert outcomes == ["running"] * 3 + ["started"], answers
    assert len({answer["run"]["seed"] for answer in answers}) == 1
    assert len(host.pids()) == 1


def test_two_runs_of_one_drive_are_refused(host: Host) -> None:
    drive = host.drive("da0")
    host.start("r1", drive, rate_limit=SLOW)
    second = host.start("r2", drive)
    assert second["outcome"] == "refused"
    assert second["reasons"][0]["reason"] == "another burn-in writes this drive"
    assert [run["run_id"] for run in host.ask("status", "--root", host.root)["runs"]] == ["r1"]


def test_a_drive_that_was_burnt_in_can_be_burnt_in_again(host: Host) -> None:
    drive = host.drive("da0")
    host.burn("r1", drive, passes=1)
    assert_passed(host.burn("r2", drive, passes=1), 16 * MIB, 1)


def test_remove_forgets_a_run_that_is_over(host: Host) -> None:
    drive = host.drive("da0")
    host.start("r1", drive, rate_limit=SLOW)
    answer = host.ask("surface", "remove", "--state", host.state_dir("r1"))
    assert answer["answer"] == "error"
    host.surface("stop", "r1")
    host.surface("remove", "r1")
    assert host.ask("status", "--root", host.root)["runs"] == []


def test_smart_abort_wants_the_very_drive(host: Host, tmp_path: Path) -> None:
    drive = host.drive("da0")
    program = tmp_path / "bin" / "smartctl"
    program.parent.mkdir()
    told = '{"serial_number":"SERIAL-da0"}'
    program.write_text(f'#!/bin/sh\n[ "$1" = -X ] && echo "asked $*" || echo \'{told}\'\n')
    program.chmod(0o755)
    host.env["PATH"] = f"{program.parent}:{host.env['PATH']}"
    answer = host.ask("smart", "abort", drive, "--expect-serial=SERIAL-da0")
    assert answer["done"] and answer["output"] == f"asked -X {drive}"
    assert host.ask("smart", "abort", drive, "--expect-serial=OTHER")["answer"] == "error"


def test_smartctl_of_the_drives_named(host: Host, tmp_path: Path) -> None:
    drive = host.drive("da0")
    program = tmp_path / "bin" / "smartctl"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\necho \'{"temperature":{"current":31}}\'\nexit 4\n')
    program.chmod(0o755)
    host.env["PATH"] = f"{program.parent}:{host.env['PATH']}"
    (device,) = host.ask("status", "--root", host.root, "--smart", drive)["devices"]
    assert (device["temperature_c"], device["smartctl_exit"]) == (31, 4)
    program.write_text("#!/bin/sh\necho garbage\nexit 1\n")
    (device,) = host.ask("probe", drive, "--smart")["devices"]
    assert device["smartctl"] is None and device["smartctl_error"]


@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["nonsense"],
        ["guard"],
        ["surface", "start"],
        ["surface", "status", "--state", "/nonexistent/runs/x"],
        ["surface", "stop"],
        ["surface", "detail", "--state", "/nonexistent/runs/x"],
        ["smart", "abort", "/nonexistent", "--expect-serial="],
    ],
)
def test_what_can_t_be_done_is_an_error_in_words(host: Host, argv: list[str]) -> None:
    done = host.call(*argv)
    assert done.returncode == 3
    assert json.loads(done.stdout)["answer"] == "error"
    assert host.ask(*argv)["error"]
