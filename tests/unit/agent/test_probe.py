"""A probe of all drives touches none of them: one that hangs holds up no other."""

from __future__ import annotations

import builtins
import os
import time
from pathlib import Path
from typing import Any

import pytest

from agent import probe, programs, use
from agent.identity import Identity

SIZE = 1 << 20


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Three disks, as the kernel would tell them; smartctl and zpool note that they were called."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("smartctl", "zpool"):
        (folder / name).write_text(f"#!/bin/sh\necho {name} >> {tmp_path}/calls\nexec sleep 60\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setattr(programs, "SECONDS", 0.5)
    paths = [str(tmp_path / name) for name in ("sda", "sdb", "sdc")]
    serials = {paths[0]: "A", paths[1]: "B", paths[2]: "B"}
    for path in paths:
        Path(path).write_bytes(bytes(SIZE))

    def identify(path: str) -> Identity:
        node, name = (0, hash(path), os.makedev(8, 240)), os.path.basename(path)
        return Identity(
            path, name, "disk", serials[path], None, None, SIZE, 512, 4096, True, node, ()
        )

    (tmp_path / "sys" / "dev" / "block" / "8:240" / "holders").mkdir(parents=True)
    (tmp_path / "sys" / "block").mkdir()
    monkeypatch.setattr(use, "SYS", str(tmp_path / "sys"))
    monkeypatch.setattr(probe, "identify", identify)
    monkeypatch.setattr(probe, "whole_disks", lambda: paths)
    monkeypatch.setattr(probe, "media_files", list)
    return paths


def test_no_drive_is_opened_or_asked_by_smartctl(
    shelf: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def watched(really: Any) -> Any:
        def opens(path: Any, *arguments: Any, **how: Any) -> Any:
            assert path not in shelf, f"{path} was opened"
            return really(path, *arguments, **how)

        return opens

    monkeypatch.setattr(os, "open", watched(os.open))
    monkeypatch.setattr(builtins, "open", watched(builtins.open))
    found = probe.devices([], with_smart=False)
    assert [device["path"] for device in found] == shelf
    assert all(device["smartctl"] is None for device in found)
    assert (tmp_path / "calls").read_text().split() == ["zpool"], "once for all of them"


def test_a_zpool_that_hangs_is_waited_for_once_and_refuses_every_drive(shelf: list[str]) -> None:
    begun = time.monotonic()
    found = probe.devices([], with_smart=False)
    assert time.monotonic() - begun < 10
    for device in found:
        (pool,) = [one for one in device["use"] if one["fact"] == "pool"]
        assert (pool["state"], "zpool did not answer" in pool["detail"]) == ("unknown", True)


def test_two_with_one_serial_are_told(shelf: list[str]) -> None:
    found = probe.devices([], with_smart=False)
    twins = [[one["detail"] for one in device["use"] if one["fact"] == "identity"]
             for device in found]  # fmt: skip
    assert twins == [[], *[["2 drives here have the serial B"]] * 2]
    (one,) = probe.devices(shelf[2:], with_smart=False)
    assert "2 drives here have the serial B" in [use["detail"] for use in one["use"]]


def test_who_has_it_open_is_for_the_guard(shelf: list[str]) -> None:
    """A short look, as of udev, would lock a drive until the next poll. Nobody says it is free."""
    drive = probe.identify(shelf[0])
    facts = use.facts(drive, None, looks=0, opens=0)
    assert [fact.state for fact in facts if fact.fact == "open"] == ["unknown"]
    for device in probe.devices([], with_smart=False):
        assert "open" not in [one["fact"] for one in device["use"]]


def test_a_program_that_can_not_be_killed_is_left_behind(
    shelf: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one that waits for a suspended pool: `wait` would never return."""
    started: list[Any] = []

    class Unkillable(programs.subprocess.Popen[bytes]):
        def kill(self) -> None:
            started.append(self)

    monkeypatch.setattr(programs.subprocess, "Popen", Unkillable)
    monkeypatch.setattr(programs, "KILL_SECONDS", 0.1)
    begun = time.monotonic()
    with pytest.raises(OSError, match="zpool did not answer within 0.5 s"):
        programs.output("zpool", "status")
    assert time.monotonic() - begun < 20
    for process in started:
        programs.subprocess.Popen.terminate(process)
        process.wait()
