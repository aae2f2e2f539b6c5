"""A release covers what it names: that serial, those bytes, that run; and never what is in use."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.integration.agent.host import MIB, PACE, Host, digest
from tests.matrix.attack.marks import noise, zfs_label


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
    put(drive, *places.get(what, (9 * MIB - 32768, noise(65536))))
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
