"""What was done to a medium is what is reported, at its LBA, and nothing else."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import Any

import pytest

from agent.pattern import EPOCH, HEADER, MAGIC, stamp_word, window_start
from tests.integration.agent.conftest import LyingDisk
from tests.integration.agent.host import MIB, PACE, Host
from tests.waiting import wait_for

# A place that the capacity probe of a 16 MiB medium doesn't touch, with 1 MiB and 64 KiB chunks.
PLACE = 11 * MIB + 5 * 4096
LBA = PLACE // 512


def told(verdict: dict[str, Any]) -> list[tuple[Any, ...]]:
    """(class, lba, bytes, pass, phase) of each error."""
    return [
        (one["class"], one["lba"], one["length_bytes"], one["pass"], one["phase"])
        for one in verdict["errors"]
    ]


# --- a block device that lies -----------------------------------------------------------------
@pytest.mark.needs("nbd", "loop")
def test_read_error(host: Host, lying: LyingDisk) -> None:
    lying.lie({"kind": "read_error", "offset": PLACE, "length": 512})
    verdict = host.burn("r1", lying.device, passes=1)
    assert verdict["verdict"] == "failed"
    (error,) = told(verdict)
    assert error[:2] == ("read_error", LBA) and error[3:] == (1, "verify")
    assert verdict["bytes_written"] == lying.size
    assert verdict["bytes_verified"] == lying.size - error[2]
    (detail,) = host.detail("r1")["errors"]
    assert (detail["note"], detail["tries"]) == ("EIO", 3)


@pytest.mark.needs("nbd", "loop")
def test_write_error_is_told_once_and_not_as_stale_too(host: Host, lying: LyingDisk) -> None:
    lying.lie({"kind": "write_error", "offset": PLACE, "length": 4096})
    verdict = host.burn("r1", lying.device, passes=1)
    assert verdict["verdict"] == "failed"
    assert told(verdict) == [("write_error", LBA, 4096, 1, "write")]
    assert verdict["bytes_written"] == verdict["bytes_verified"] == lying.size - 4096


@pytest.mark.needs("nbd", "loop")
def test_errors_that_happen_once_are_told(host: Host, lying: LyingDisk) -> None:
    chunk = PLACE // MIB * MIB
    lying.lie(
        {"kind": "write_error", "offset": PLACE, "length": 4096, "once": True},
        {"kind": "read_error", "offset": PLACE + MIB, "length": 4096, "once": True},
    )
    verdict = host.burn("r1", lying.device, passes=1, chunk=MIB)
    assert verdict["verdict"] == "failed"
    first, second = verdict["errors"]
    assert (first["class"], second["class"]) == ("write_error", "read_error")
    assert chunk <= first["offset_bytes"] < chunk + MIB <= second["offset_bytes"] < chunk + 2 * MIB


@pytest.mark.needs("nbd", "loop")
def test_flipped_bit_and_unstable_byte(host: Host, lying: LyingDisk) -> None:
    lying.lie(
        {"kind": "flip", "offset": PLACE + 300, "mask": 4},
        {"kind": "unstable", "offset": PLACE + MIB + 100},
    )
    verdict = host.burn("r1", lying.device, passes=2)
    assert verdict["verdict"] == "failed"
    sector = verdict["errors"][1]["length_bytes"]
    assert told(verdict) == [
        (cls, place, size, number, "verify")
        for number in (1, 2)
        for cls, place, size in (
            ("corrupt", LBA, 512),
            ("unstable", LBA + MIB // 512, sector),
        )
    ]
    first = host.detail("r1")["errors"][0]
    assert first["bits"] == 1 and "byte 300 of the sector, mask 0x04" in first["note"]
    assert first["expected_hex"] != first["found_hex"]


@pytest.mark.needs("nbd", "loop")
def test_lost_write_is_constant_first_and_stale_later(host: Host, lying: LyingDisk) -> None:
    lying.lie({"kind": "lose", "offset": PLACE, "length": 4096})
    verdict = host.burn("r1", lying.device, passes=1)
    assert told(verdict) == [("constant", LBA, 4096, 1, "verify")]
    lying.lie()
    assert host.burn("r2", lying.device, passes=1)["verdict"] == "passed"
    lying.lie({"kind": "lose", "offset": PLACE, "length": 4096})
    verdict = host.burn("r3", lying.device, passes=1)
    assert told(verdict) == [("stale", LBA, 4096, 1, "verify")]
    assert "earlier burn-in" in host.detail("r3")["errors"][0]["note"]


@pytest.mark.needs("nbd", "loop")
def test_misdirected_write(host: Host, lying: LyingDisk) -> None:
    """What was meant for PLACE lands 2 MiB before it, where it replaces what was right."""
    there = PLACE - 2 * MIB
    lying.lie({"kind": "misdirect", "offset": PLACE, "length": 4096, "to": there})
    verdict = host.burn("r1", lying.device, passes=1)
    assert told(verdict) == [
        ("misplaced", there // 512, 4096, 1, "verify"),
        ("constant", LBA, 4096, 1, "verify"),
    ]
    assert f"{2 * MIB:+d} bytes from here" in host.detail("r1")["errors"][0]["note"]


@pytest.mark.needs("nbd", "loop")
def test_wrapped_addresses_are_found_by_the_capacity_probe(host: Host, lying: LyingDisk) -> None:
    lying.lie({"kind": "wrap", "size": lying.size // 2})
    verdict = host.burn("r1", lying.device, passes=2)
    assert verdict["verdict"] == "failed"
    assert "capacity probe" in verdict["reasons"][0]
    first = verdict["errors"][0]
    assert (first["class"], first["phase"], first["lba"]) == ("misplaced", "probe", 0)
    assert verdict["bytes_written"] == 0
    assert f"{lying.size // 2:+d} bytes" in host.detail("r1")["errors"][0]["note"]


@pytest.mark.needs("nbd", "loop")
def test_a_fake_that_keeps_nothing_beyond_its_size(host: Host, lying: LyingDisk) -> None:
    lying.lie({"kind": "lose", "offset": 8 * MIB, "length": 8 * MIB})
    verdict = host.burn("r1", lying.device, passes=1)
    assert verdict["verdict"] == "failed"
    assert f"fake capacity: from byte {8 * MIB} of {lying.size} on" in verdict["reasons"][0]
    assert {error["phase"] for error in verdict["errors"]} == {"probe"}


@pytest.mark.needs("nbd", "loop")
def test_a_wrap_that_the_probe_does_not_meet_is_a_fake_capacity_too(
    host: Host, lying: LyingDisk
) -> None:
    host.start("r1", lying.device, passes=1, rate_limit=PACE)
    host.until("r1", "write 1", phase="write")
    true_size = 5 * MIB + 12 * 4096
    lying.lie({"kind": "wrap", "size": true_size})
    host.wish("r1", rate_limit=0)
    verdict = host.verdict("r1")
    assert verdict["verdict"] == "failed"
    law = next(reason for reason in verdict["reasons"] if "fake capacity" in reason)
    assert f"at most {true_size} of {lying.size} bytes" in law
    assert all(error["class"] == "misplaced" for error in verdict["errors"])


@pytest.mark.needs("nbd", "loop")
def test_a_bad_place_in_the_capacity_probe_is_no_fake_capacity(
    host: Host, lying: LyingDisk
) -> None:
    """The middle of the medium, which the probe looks at, can't be written."""
    place = lying.size // 2 + 8192
    lying.lie({"kind": "write_error", "offset": place, "length": 4096})
    verdict = host.burn("r1", lying.device, passes=1)
    assert verdict["verdict"] == "failed"
    assert told(verdict) == [
        ("write_error", place // 512, 4096, 1, "probe"),
        ("write_error", place // 512, 4096, 1, "write"),
    ]
    assert verdict["bytes_verified"] == lying.size - 4096


@pytest.mark.needs("nbd", "loop")
def test_the_limit_of_bad_sectors_ends_the_run(host: Host, lying: LyingDisk) -> None:
    lying.lie({"kind": "lose", "offset": 10 * MIB + 4096, "length": 2 * MIB})
    verdict = host.burn("r1", lying.device, passes=1, max_bad_sectors=50)
    assert verdict["verdict"] == "failed"
    assert "the limit of this run is reached" in verdict["reasons"][0]
    assert verdict["error_count"] >= 50
    assert verdict["bytes_verified"] < lying.size


@pytest.mark.needs("nbd", "loop")
def test_a_device_that_goes_and_comes_back_is_no_error_of_the_drive(
    host: Host, lying: LyingDisk
) -> None:
    host.start("r1", lying.device, rate_limit=PACE, checkpoint=0.2)
    host.until("r1", "verify", **{"phase": "verify", "pass": 1})
    lying.lie({"kind": "gone"})
    wait_for(lambda: host.peek("r1")["warnings"], 30, "it says that the device is gone")
    assert "gone" in host.head("r1")["warnings"][0]
    lying.lie()
    verdict = host.verdict("r1")
    assert (verdict["verdict"], verdict["errors"]) == ("passed", [])
    assert verdict["bytes_verified"] == 2 * lying.size
    events = [event["event"] for event in host.detail("r1")["events"]]
    assert events.index("vanished") < events.index("returned")


def test_a_drive_whose_place_is_empty_between_two_phases_is_waited_for(host: Host) -> None:
    drive = host.drive("da0")
    host.start("r1", drive, rate_limit=PACE)
    host.until("r1", "verify 1", **{"phase": "verify", "pass": 1})
    attic = host.media / "attic"
    drive.rename(attic)
    wait_for(lambda: host.peek("r1")["warnings"], 30, "it says that the device is gone")
    assert host.peek("r1")["pass"] == 1, "pass 2 must not begin on what isn't there"
    attic.rename(drive)
    assert host.verdict("r1")["verdict"] == "passed"


@pytest.mark.needs("nbd", "loop")
def test_a_device_that_is_gone_can_still_be_stopped(host: Host, lying: LyingDisk) -> None:
    host.start("r1", lying.device, rate_limit=PACE)
    host.until("r1", "write", phase="write")
    lying.lie({"kind": "gone"})
    wait_for(lambda: host.peek("r1")["warnings"], 30, "it says that the device is gone")
    head = host.surface("stop", "r1", "--by=alice")
    assert not head["alive"] and head["verdict"]["verdict"] == "inconclusive"
    assert head["verdict"]["reasons"] == ["stopped: by alice"]


# --- bytes changed behind its back, in a file ---------------------------------------------------
def overwrite(path: Path, offset: int, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.pwrite(descriptor, data, offset)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def content(path: Path, offset: int, length: int) -> bytes:
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(length)


def test_changed_sectors_each_by_its_class(host: Host) -> None:
    """In the verify phase of pass 2, in places that are still to be read."""
    drive = host.drive("da0")
    host.paused_in("r1", drive, "verify", 1)
    of_pass_1 = content(drive, 9 * MIB, 4096)
    host.surface("resume", "r1")
    host.until("r1", "write 2", **{"phase": "write", "pass": 2})
    head = host.pause_in("r1", "verify", 2)
    assert head["position_bytes"] < 8 * MIB

    flipped = bytearray(content(drive, 8 * MIB, 512))
    flipped[511] ^= 0x80
    overwrite(drive, 8 * MIB, bytes(flipped))
    overwrite(drive, 9 * MIB, of_pass_1)
    overwrite(drive, 10 * MIB, content(drive, 12 * MIB + 8192, 4096))
    overwrite(drive, 11 * MIB, b"\xff" * 8192)
    overwrite(drive, 12 * MIB + 512, os.urandom(1024))
    host.go_on("r1")

    verdict = host.verdict("r1")
    assert verdict["verdict"] == "failed"
    assert told(verdict) == [
        ("corrupt", 8 * MIB // 512, 512, 2, "verify"),
        ("stale", 9 * MIB // 512, 4096, 2, "verify"),
        ("misplaced", 10 * MIB // 512, 4096, 2, "verify"),
        ("constant", 11 * MIB // 512, 8192, 2, "verify"),
        ("corrupt", 12 * MIB // 512 + 1, 1024, 2, "verify"),
    ]
    assert verdict["error_count"] == 6
    bad = 512 + 4096 + 4096 + 8192 + 1024
    assert verdict["bytes_verified"] == 2 * 16 * MIB - bad
    notes = [error["note"] for error in host.detail("r1")["errors"]]
    assert notes[0] == "one bit: byte 511 of the sector, mask 0x80"
    assert f"{2 * MIB + 8192:+d} bytes from here" in notes[2]
    assert host.head("r1")["first_error"]["lba"] == 8 * MIB // 512


def test_another_writer_makes_it_inconclusive(host: Host) -> None:
    """A stamp of a run that began later: the drive is not to blame."""
    drive = host.drive("da0")
    host.paused_in("r1", drive, "verify", 1)
    unit = 8 * MIB // 65536
    index = window_start(unit) // 512
    later = 0xFFFFFFF0 - EPOCH % 7
    sector = bytearray(os.urandom(512))
    HEADER.pack_into(sector, 0, 0, index, MAGIC, 77, later)
    sector[:8] = stamp_word(77, 1, unit)
    overwrite(drive, 8 * MIB, bytes(sector))
    host.go_on("r1")
    verdict = host.verdict("r1")
    assert verdict["verdict"] == "inconclusive"
    assert verdict["reasons"][0].startswith("somebody else wrote on it, LBA 16384")
    assert told(verdict)[0][:2] == ("foreign", 16384)


def test_errors_survive_a_kill_and_are_counted_once(host: Host) -> None:
    drive = host.drive("da0")
    host.paused_in("r1", drive, "verify", 1)
    overwrite(drive, 6 * MIB, struct.pack("<512s", b"wrong"))
    overwrite(drive, 14 * MIB, struct.pack("<512s", b"wrong"))
    host.wish("r1", pause=None, rate_limit=4 * MIB)
    host.until("r1", "one error", error_count=1)
    host.kill9()
    host.start("r1", drive)
    host.wish("r1", rate_limit=0)
    verdict = host.verdict("r1")
    assert verdict["verdict"] == "failed" and verdict["resumed"] == 1
    assert [error["lba"] for error in verdict["errors"]] == [6 * MIB // 512, 14 * MIB // 512]
    assert verdict["error_count"] == 2
