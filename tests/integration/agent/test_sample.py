"""`--sample`: some of each part of a medium, written and read back; a quick look, not a proof."""

from __future__ import annotations

import os
from typing import Any

import pytest

from agent.places import sampled
from tests.integration.agent.conftest import LyingDisk
from tests.integration.agent.host import MIB, Host, digest
from tests.integration.agent.test_surface import expected_content

CHUNK = 64 * 1024


def offsets(host: Host, run_id: str, size: int) -> list[int]:
    return sampled(size, CHUNK, bytes.fromhex(host.head(run_id)["seed"]))


def assert_sampled(verdict: dict[str, Any], found: list[int], size: int, passes: int = 1) -> None:
    total = sum(min(CHUNK, size - at) for at in found)
    assert verdict["verdict"] == "passed", verdict
    assert verdict["sample"] == {"places": len(found), "bytes": total}
    assert verdict["bytes_written"] == verdict["bytes_verified"] == total * passes < size
    assert (verdict["size_bytes"], verdict["passes"]) == (size, passes)


@pytest.mark.parametrize("size", [16 * MIB, 16 * MIB + 1234])
def test_writes_and_verifies_its_places_and_says_so(host: Host, size: int) -> None:
    drive = host.drive("da0", size)
    verdict = host.burn("r1", drive, sample=True, chunk=CHUNK)
    found = offsets(host, "r1", size)
    assert_sampled(verdict, found, size)
    head = host.head("r1")
    assert head["sample"] is True and head["percent"] == 100
    assert head["bytes_total"] == verdict["bytes_written"] * 2
    whole, there = expected_content(head, 1), drive.read_bytes()
    assert all(there[at : at + CHUNK] == whole[at : at + CHUNK] for at in found)
    written = sum(there[at : at + CHUNK] != bytes(CHUNK) for at in range(0, size - CHUNK, CHUNK))
    assert written < len(there) // CHUNK, "the rest isn't touched, but for the capacity probe"
    regions = host.detail("r1")["regions"]
    assert set(regions) == {"write-1", "verify-1"}
    seen = {number for number, row in enumerate(regions["verify-1"]) if row}
    assert {at * 1024 // size for at in found} <= seen


def test_detached_killed_and_resumed_it_is_still_the_same_sample(host: Host) -> None:
    drive = host.drive("da0")
    options: dict[str, Any] = {"sample": True, "passes": 2, "chunk": CHUNK, "checkpoint": 0.1}
    host.start("r1", drive, rate_limit=2 * MIB, **options)
    for phase in ("write", "verify"):
        host.until("r1", phase, phase=phase)
        host.kill9()
        assert host.start("r1", drive, **{**options, "sample": phase == "write"})["run"]["sample"]
    host.wish("r1", rate_limit=0)
    verdict = host.verdict("r1")
    assert verdict["resumed"] == 2
    assert_sampled(verdict, offsets(host, "r1", 16 * MIB), 16 * MIB, 2)


def test_a_copy_of_a_sample_goes_on_as_a_sample(host: Host) -> None:
    drive = host.drive("da0")
    options: dict[str, Any] = {"sample": True, "chunk": CHUNK, "rate_limit": MIB}
    host.start("r1", drive, **options)
    copy = host.pause_in("r1", "verify", 1)
    host.kill9()
    for file in host.state_dir("r1").iterdir():
        file.unlink()
    answer = host.start("r1", drive, restore=copy, chunk=CHUNK)
    assert answer["run"]["sample"] and answer["run"]["phase"] == "verify"
    host.go_on("r1")
    assert_sampled(host.verdict("r1"), offsets(host, "r1", 16 * MIB), 16 * MIB)


def test_a_wrong_byte_in_a_place_of_it_fails(host: Host) -> None:
    drive = host.drive("da0")
    host.start("r1", drive, sample=True, chunk=CHUNK, rate_limit=MIB)
    assert host.pause_in("r1", "verify", 1)["position_bytes"] < 8 * MIB
    place = offsets(host, "r1", 16 * MIB)[-2] + 8192
    descriptor = os.open(drive, os.O_WRONLY)
    os.pwrite(descriptor, b"wrong", place + 700)
    os.close(descriptor)
    host.go_on("r1")
    verdict = host.verdict("r1")
    assert verdict["verdict"] == "failed"
    (error,) = verdict["errors"]
    assert (error["class"], error["lba"]) == ("corrupt", place // 512 + 1)


def test_a_drive_in_use_is_not_sampled(host: Host) -> None:
    drive = host.drive("da0", use=[{"fact": "pool", "state": "in_use", "detail": "tank"}])
    before = digest(drive)
    assert host.burn("r1", drive, sample=True)["verdict"] == "refused"
    assert digest(drive) == before


@pytest.mark.needs("nbd", "loop")
def test_a_fake_capacity_fails(host: Host, lying: LyingDisk) -> None:
    lying.lie({"kind": "wrap", "size": lying.size // 2})
    verdict = host.burn("r1", lying.device, sample=True)
    assert verdict["verdict"] == "failed"
    assert "capacity probe" in verdict["reasons"][0]
