"""A release covers what it names: that serial, those bytes, that run; and never what is in use."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from agent.signatures import sample_places
from tests.integration.agent.host import MIB, PACE, SAMPLED, Host, digest
from tests.matrix.attack.marks import noise, zfs_label
from tests.waiting import wait_for

SOME, OTHER = SAMPLED


def put(drive: Path, offset: int, data: bytes) -> None:
    with drive.open("r+b") as file:
        file.seek(offset)
        file.write(data)


def release(host: Host, drive: Path) -> str:
    """What the guard names, all of it."""
    expect = [f"--expect-serial=SERIAL-{drive.name}", f"--expect-size={drive.stat().st_size}"]
    reasons = host.ask("guard", drive, *expect)["reasons"]
    return f"SERIAL-{drive.name}:{','.join(reason['release'] for reason in reasons)}"


@pytest.mark.parametrize("what", ["ext", "pool", "unknown"])
def test_a_release_is_good_to_the_end_of_the_run(host: Host, what: str) -> None:
    """Through the passes, a kill in the first write and the resume without the release."""
    drive = host.drive("da0")
    places = {"ext": (0, b"XFSB" + noise(508)), "pool": (15 * MIB, zfs_label())}
    put(drive, *places.get(what, (SOME, noise(65536))))
    named = release(host, drive)
    options = {"chunk": 64 * 1024, "checkpoint": 0.1, "rate_limit": PACE}
    assert host.start("r1", drive, **options)["outcome"] == "refused"
    assert host.start("r1", drive, release=named, **options)["outcome"] == "started"
    host.pause_in("r1", "write", 1)
    host.kill9()
    assert host.start("r1", drive)["outcome"] == "started"
    host.go_on("r1")
    assert host.verdict("r1")["verdict"] == "passed"


def test_other_data_of_the_same_kind_is_not_covered(host: Host) -> None:
    drive = host.drive("da0")
    put(drive, 0, b"XFSB" + noise(508, seed=1))
    named = release(host, drive)
    put(drive, 0, b"XFSB" + noise(508, seed=2))
    before = digest(drive)
    assert host.start("r1", drive, release=named)["outcome"] == "refused"
    assert digest(drive) == before


def test_a_release_is_for_its_serial_only(host: Host) -> None:
    drive, other = host.drive("da0"), host.drive("da1")
    for one in (drive, other):
        put(one, 0, b"XFSB")
    before = digest(other)
    answer = host.start("r1", other, release=release(host, drive))
    assert answer["answer"] == "error" and "another serial" in answer["error"]
    assert digest(other) == before


@pytest.mark.parametrize("state", ["in_use", "unknown"])
def test_what_is_in_use_or_unknown_can_t_be_released(host: Host, state: str) -> None:
    drive = host.drive("da0")
    use = {"fact": "pool", "state": "old_data", "detail": "tank"}
    told = {"name": "da0", "serial": "SERIAL-da0", "model": "TEST"}
    host.declare(drive, {**told, "use": [use]})
    named = release(host, drive)
    host.declare(drive, {**told, "use": [{**use, "state": state}]})
    before = digest(drive)
    (reason,) = host.start("r1", drive, release=named)["reasons"]
    assert "release" not in reason
    assert digest(drive) == before


def test_in_use_between_the_passes_of_a_released_run(host: Host) -> None:
    drive = host.drive("da0")
    put(drive, 0, b"XFSB")
    host.start("r1", drive, rate_limit=PACE, release=release(host, drive))
    host.until("r1", "verify 1", **{"phase": "verify", "pass": 1})
    use = [{"fact": "pool", "state": "in_use", "detail": "tank"}]
    told = {"name": "da0", "serial": "SERIAL-da0", "model": "TEST", "use": use}
    host.declare(drive, json.dumps(told))
    assert (host.verdict("r1")["verdict"], host.verdict("r1")["reasons"]) == ("refused", ["tank"])


# --- unknown data -----------------------------------------------------------------------------
FAST: dict[str, Any] = {"chunk": 64 * 1024, "checkpoint": 0.1, "rate_limit": PACE}


@pytest.mark.parametrize("how", ["resumed", "restored", "released anew"])
def test_unknown_data_that_came_while_the_run_was_away(host: Host, how: str) -> None:
    """Neither a resume, nor our copy, nor a token that was never compared covers it."""
    drive = host.drive("da0")
    copy = host.paused_in("r1", drive, "write", 2)
    host.kill9()
    put(drive, SOME, noise(65536))
    more: dict[str, Any] = {}
    if how != "resumed":
        shutil.rmtree(host.root)
        more["restore"] = copy
    if how == "released anew":
        more["release"] = "SERIAL-da0:data:0123456789ab"
    before = digest(drive)
    answer = host.start("r1", drive, **more)
    assert answer["outcome"] == "refused", answer
    assert "unknown data at byte" in answer["reasons"][0]["reason"]
    assert digest(drive) == before


def test_unknown_data_that_came_while_the_run_was_paused(host: Host) -> None:
    drive = host.drive("da0")
    host.paused_in("r1", drive, "write", 1)
    put(drive, SOME, noise(65536))
    before = digest(drive)
    host.go_on("r1")
    verdict = host.verdict("r1")
    assert verdict["verdict"] == "refused" and "unknown data" in verdict["reasons"][0]
    assert digest(drive) == before


def test_more_unknown_data_than_was_released(host: Host) -> None:
    """Through a resume the released data is known place by place; what came later isn't."""
    drive = host.drive("da0")
    put(drive, SOME, noise(65536))
    named = release(host, drive)
    host.start("r1", drive, release=named, **FAST)
    host.pause_in("r1", "write", 1)
    host.kill9()
    put(drive, OTHER, noise(65536, seed=9))
    before = digest(drive)
    for more in ({}, {"release": named}):
        answer = host.start("r1", drive, **more)
        assert answer["outcome"] == "refused", answer
        assert f"unknown data at byte {OTHER}" in answer["reasons"][0]["reason"]
    assert digest(drive) == before


def test_released_data_whose_list_was_lost_with_the_folder(host: Host) -> None:
    """Half overwritten it has no name any more: a new burn-in releases what is left."""
    drive = host.drive("da0")
    put(drive, SOME, noise(65536))
    named = release(host, drive)
    host.start("r1", drive, release=named, **FAST)
    copy = host.pause_in("r1", "write", 1)
    host.kill9()
    put(drive, SOME, noise(4096, seed=4))  # as if a part of it had been overwritten
    shutil.rmtree(host.root)
    before = digest(drive)
    assert host.start("r1", drive, restore=copy, release=named)["outcome"] == "refused"
    assert digest(drive) == before


def test_a_checkpoint_that_is_not_on_the_medium(host: Host) -> None:
    """Other data lies just before it, where no sample is taken: nothing is written there."""
    drive = host.drive("da0")
    host.start("r1", drive, **FAST)
    host.until("r1", "write 1", phase="write")
    wait_for(lambda: host.peek("r1")["position_bytes"] > 4 * MIB, 30, "some of it is written")
    checkpoint = host.pause_in("r1", "write", 1)["checkpoint_bytes"]
    host.kill9()
    for at in range(checkpoint - 10 * 65536, checkpoint + 65536, 4096):
        if at not in sample_places(16 * MIB):
            put(drive, at, noise(4096, seed=at))
    before = digest(drive)
    answer = host.start("r1", drive)
    assert answer["outcome"] == "refused", answer
    assert "before its checkpoint" in answer["reasons"][0]["reason"]
    assert digest(drive) == before
