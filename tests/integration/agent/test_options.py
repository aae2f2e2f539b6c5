"""What a start may ask for beside the passes: zeros at the end, all errors, a limit of errors."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.agent.conftest import LyingDisk
from tests.integration.agent.host import MIB, PACE, Host
from tests.integration.agent.test_errors import told

CHUNK = 64 * 1024


@pytest.mark.parametrize("size", [16 * MIB, 3 * MIB + 1234])
def test_zeros_after_the_last_pass(host: Host, size: int) -> None:
    drive = host.drive("da0", size)
    verdict = host.burn("r1", drive, passes=1, zero=True)
    assert verdict["verdict"] == "passed", verdict
    assert verdict["bytes_zeroed"] == verdict["bytes_verified"] == size
    assert drive.read_bytes() == bytes(size)
    head = host.head("r1")
    assert head["percent"] == 100 and head["bytes_total"] == 3 * size
    assert "zero-1" in host.detail("r1")["regions"]


def test_a_killed_zero_phase_goes_on_and_leaves_zeros_only(host: Host) -> None:
    drive = host.drive("da0")
    options: dict[str, Any] = {"passes": 1, "chunk": CHUNK, "checkpoint": 0.1}
    host.start("r1", drive, rate_limit=PACE, zero=True, **options)
    copy = host.pause_in("r1", "zero", 1)
    host.kill9()
    assert host.start("r1", drive, **options)["run"]["phase"] == "zero"
    host.kill9()
    for file in host.state_dir("r1").iterdir():
        file.unlink()
    answer = host.start("r1", drive, restore=copy, **options)
    assert answer["run"]["phase"] == "zero" and answer["run"]["zero"] is True
    host.go_on("r1")
    verdict = host.verdict("r1")
    assert verdict["verdict"] == "passed" and verdict["bytes_zeroed"] == 16 * MIB
    assert drive.read_bytes() == bytes(16 * MIB)


def test_zeros_and_a_sample_do_not_go_together(host: Host) -> None:
    argv = host.run_argv("start", "r1", host.drive("da0"), sample=True, zero=True)
    assert "--zero" in host.ask(*argv)["error"]


@pytest.mark.needs("nbd", "loop")
def test_a_place_that_cannot_be_zeroed_fails(host: Host, lying: LyingDisk) -> None:
    host.start("r1", lying.device, passes=1, zero=True, chunk=CHUNK, rate_limit=PACE)
    assert host.pause_in("r1", "zero", 1)["position_bytes"] < 8 * MIB
    lying.lie({"kind": "write_error", "offset": 11 * MIB, "length": 4096})
    host.go_on("r1")
    verdict = host.verdict("r1")
    assert verdict["verdict"] == "failed"
    assert told(verdict) == [("write_error", 11 * MIB // 512, 4096, 1, "zero")]
    assert verdict["bytes_zeroed"] == lying.size - 4096
    assert verdict["bytes_verified"] == lying.size


@pytest.mark.needs("nbd", "loop")
def test_continue_maps_all_bad_sectors(host: Host, lying: LyingDisk) -> None:
    """Far more of them than the limit, in two places; the default limit is 100."""
    first, second = 9 * MIB + 4096, 12 * MIB
    lying.lie(
        {"kind": "lose", "offset": first, "length": MIB},
        {"kind": "read_error", "offset": second, "length": CHUNK},
    )
    stopped = host.burn("r1", lying.device, passes=1)
    assert "the limit of this run is reached" in stopped["reasons"][0]
    assert stopped["bytes_verified"] < lying.size - MIB
    verdict = host.burn("r2", lying.device, **{"passes": 1, "continue": True})
    assert verdict["verdict"] == "failed"
    bad = {"stale": 0, "constant": 0, "read_error": 0}
    for error in host.detail("r2")["errors"]:
        place = first if error["offset_bytes"] < second else second
        assert place <= error["offset_bytes"] < place + MIB
        bad[error["class"]] += error["length_bytes"]
    assert bad == {"stale": 0, "constant": MIB, "read_error": CHUNK}
    assert verdict["bytes_verified"] == lying.size - MIB - CHUNK
