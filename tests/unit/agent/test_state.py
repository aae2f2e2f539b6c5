"""A stored run is believed only when every field of it can be true."""

from __future__ import annotations

import copy
import json
import random
from pathlib import Path
from typing import Any

import pytest

from agent import files
from agent.files import Garbled
from agent.folder import Folder
from agent.state import new, parse

IDENTITY = {
    "serial": "S",
    "model": "M",
    "size_bytes": 1 << 24,
    "logical_sector_bytes": 512,
    "physical_sector_bytes": 4096,
    "path": "/dev/x",
}
IO = {"direct": True, "how": "O_DIRECT", "threads": 2, "chunk_bytes": 1 << 20}


def head(**changes: Any) -> dict[str, Any]:
    state = new("r1", "boot", dict(IDENTITY), 2, dict(IO))
    state.phase, state.pass_number, state.position, state.checkpoint = "write", 2, 1 << 23, 1 << 22
    return {**state.head(alive=True), **changes}


def test_head_and_back() -> None:
    state = parse(head())
    assert state.head(alive=True) == head(seed=state.seed, started_at=state.started_at)
    assert state.bytes_written == (1 << 24) + (1 << 23)
    assert state.bytes_verified == 1 << 24
    certain = state.at_checkpoint()
    assert certain.bytes_written == (1 << 24) + (1 << 22)


def test_a_head_alone_tells_whether_the_run_had_begun() -> None:
    paused = {"by": "operator", "since": "2026-01-01T00:00:00Z", "reason": "paused by olga"}
    none = {"position_bytes": 0, "checkpoint_bytes": 0, "bytes_written": 0, "bytes_verified": 0}
    assert parse(head()).begun
    assert parse(head(phase="probe", paused=None, **none)).begun
    assert not parse(head(phase="probe", paused=paused, **none)).begun


def test_percent_is_one_number_for_the_whole_run() -> None:
    assert head()["percent"] == 62.5


@pytest.mark.parametrize(
    "changes",
    [
        {"format": 2},
        {"identity": None},
        {"identity": {**IDENTITY, "size_bytes": "16"}},
        {"identity": {**IDENTITY, "size_bytes": 0}},
        {"passes": True},
        {"passes": 0},
        {"pass": 3},
        {"phase": "done"},
        {"phase": "sleep"},
        {"position_bytes": -1},
        {"position_bytes": (1 << 24) + 1},
        {"checkpoint_bytes": (1 << 23) + 1},
        {"checkpoint_bytes": None},
        {"seed": "zz" * 16},
        {"seed": "00"},
        {"started_at": "yesterday"},
        {"io": {**IO, "chunk_bytes": 12345}},
        {"io": {**IO, "threads": 0}},
        {"warnings": [1]},
        {"verdict": "passed"},
        {"error_count": -1},
    ],
)
def test_what_can_t_be_true_is_garbled(changes: dict[str, Any]) -> None:
    with pytest.raises(Garbled):
        parse(head(**changes))


@pytest.mark.parametrize("garbage", [None, 1, "x", [], {}, {"head": {}}])
def test_garbage(garbage: Any) -> None:
    with pytest.raises(Garbled):
        parse(garbage)


def test_random_damage_is_garbled_or_still_a_state() -> None:
    """Whatever is replaced by whatever: never another exception."""
    chance, junk = random.Random(3), [None, -1, 1 << 70, "x", [], {}, True, 1.5]
    for _ in range(2000):
        damaged = copy.deepcopy(head())
        target = damaged
        if chance.random() < 0.3:
            target = damaged[chance.choice(["identity", "io"])]
        target[chance.choice(list(target))] = chance.choice(junk)
        try:
            parse(damaged)
        except Garbled:
            continue


def test_a_state_of_another_run_is_not_ours(tmp_path: Path) -> None:
    folder = Folder(str(tmp_path / "runs" / "r2"))
    folder.make()
    files.write_whole(folder.state, {"head": head(), "settings": {}})
    with pytest.raises(Garbled, match="r1"):
        folder.load()


def test_stored_state_is_small(tmp_path: Path) -> None:
    folder = Folder(str(tmp_path / "runs" / "r1"))
    folder.make()
    state = parse(head())
    for number in range(50):
        state.warn(f"warning {number} " + "x" * 80)
    folder.save(state)
    assert Path(folder.state).stat().st_size < 4096
    loaded = folder.load()
    assert loaded is not None and loaded.position == loaded.checkpoint == 1 << 22


def test_a_failed_write_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(tmp_path / "state.json")
    files.write_whole(path, {"a": 1})

    def full(*_: Any) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "write", full)
    with pytest.raises(OSError, match="No space"):
        files.write_whole(path, {"a": 2})
    assert json.loads(Path(path).read_text()) == {"a": 1}


def test_locks(tmp_path: Path) -> None:
    path = str(tmp_path / "lock")
    assert not files.is_locked(path)
    held = files.lock(path)
    assert held is not None and files.is_locked(path)
    assert files.lock(path, 0) is None
    files.os.close(held)
    assert not files.is_locked(path)
