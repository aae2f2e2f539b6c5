"""A drive that went away and came back, and a start that comes very late."""

from __future__ import annotations

import os
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agent import engine, fences


def medium(model: str, closed: list[str]) -> Any:
    drive = SimpleNamespace(path="/dev/sdb", serial="0123456789", model=model)
    return SimpleNamespace(drive=drive, close=lambda: closed.append(model), alive=lambda: True)


def test_another_model_behind_the_same_serial_is_not_gone_on_with(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A USB dock gives each of its disks the same serial."""
    closed: list[str] = []
    told: list[str] = []
    back = [medium("OTHER", closed), medium("FIRST", closed)]
    run: Any = engine.Engine.__new__(engine.Engine)
    run.state = SimpleNamespace(size=1, position=0, checkpoint=0, released=[], warn=told.append)
    run.medium, run.own, run.folder = medium("FIRST", []), None, SimpleNamespace(path="")
    run.note = lambda *_: None
    run._store = run._asked_to_end = lambda: None
    run._tick = lambda name: None
    monkeypatch.setattr(engine, "RETURN_SECONDS", 0)
    monkeypatch.setattr(engine, "_identify_or_none", lambda path: back[0].drive)
    monkeypatch.setattr(engine, "opened", lambda *_: back.pop(0))
    run._wait_for_device(engine.Vanished(0, "gone"))
    assert closed == ["OTHER"] and run.medium.drive.model == "FIRST"
    assert any("another model: OTHER" in text for text in told)


def test_a_fence_outlives_a_worker_s_weekend(tmp_path: Path) -> None:
    fences.put(str(tmp_path), "job1-a", "anna")
    file = tmp_path / fences.FOLDER / "job1-a.json"
    days_ago = time.time() - 4 * 24 * 3600
    os.utime(file, times=(days_ago, days_ago))
    fences.put(str(tmp_path), "job2-b", "anna")
    assert "anna" in (fences.told(str(tmp_path), "job1-a") or "")
