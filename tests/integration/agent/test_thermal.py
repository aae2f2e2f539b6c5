"""A run pauses when the drive is too warm, goes on when it has cooled, ends before it burns."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.agent.host import MIB, PACE, Host
from tests.integration.agent.test_surface import assert_passed
from tests.waiting import wait_for

LIMITS = {"temp_pause": 55, "temp_resume": 48, "temp_abort": 62}


class Warm:
    """A smartctl that tells the temperature in a file."""

    def __init__(self, host: Host, folder: Path) -> None:
        folder.mkdir()
        self._told = folder / "told"
        program = folder / "smartctl"
        program.write_text(
            f'#!/bin/sh\nprintf \'{{"temperature":{{"current":%s}}}}\' "$(cat {self._told})"\n'
        )
        program.chmod(0o755)
        host.env["PATH"] = f"{folder}:{host.env['PATH']}"
        host.env["BURNIN_TEMPERATURE_SECONDS"] = "0.2"

    def be(self, celsius: object) -> None:
        partial = self._told.with_suffix(".partial")
        partial.write_text(str(celsius))
        partial.replace(self._told)


@pytest.fixture
def warm(host: Host, tmp_path: Path) -> Warm:
    made = Warm(host, tmp_path / "bin")
    made.be(40)
    return made


def test_pauses_and_goes_on_with_two_limits(host: Host, warm: Warm) -> None:
    drive = host.drive("da0")
    host.start("r1", drive, rate_limit=PACE, **LIMITS)
    host.until("r1", "it is told", temperature_c=40)
    warm.be(56)
    hot = wait_for(lambda: (head := host.peek("r1"))["paused"] and head, 30, "it pauses")
    assert hot["paused"]["by"] == "temperature"
    assert hot["paused"]["reason"] == "56 °C, goes on below 48 °C"
    warm.be(50)
    host.until("r1", "it is told", temperature_c=50)
    assert host.peek("r1")["paused"]["by"] == "temperature", "not below the resume limit yet"
    host.kill9()  # the pause outlives its process
    assert host.start("r1", drive)["run"]["paused"]["by"] == "temperature"
    host.until("r1", "it is told", temperature_c=50)
    assert host.peek("r1")["paused"], "and the limits are kept"
    host.surface("pause", "r1", "--by=alice")
    host.until("r1", "alice pauses", paused={**host.peek("r1")["paused"]})
    warm.be(47)
    host.until("r1", "it is told", temperature_c=47)
    assert host.peek("r1")["paused"]["by"] == "operator"
    host.go_on("r1")
    assert_passed(host.verdict("r1"), 16 * MIB, 2)
    detail = host.detail("r1")
    seen = {row["c"] for row in detail["temperatures"]}
    assert {40, 56, 50, 47} <= seen
    events = [(event["event"], event["detail"]) for event in detail["events"]]
    assert ("paused", "56 °C, goes on below 48 °C") in events and ("resumed", "47 °C") in events


def test_ends_at_the_abort_limit_with_the_reason(host: Host, warm: Warm) -> None:
    drive = host.drive("da0")
    host.start("r1", drive, rate_limit=PACE, **LIMITS)
    host.until("r1", "it is told", temperature_c=40)
    warm.be(63)
    verdict = host.verdict("r1")
    assert verdict["verdict"] == "failed" and verdict["errors"] == []
    assert verdict["reasons"] == ["temperature: 63 °C, the limit is 62 °C"]


@pytest.mark.parametrize("told", ["garbage", '"hot"', "255", "-99", ""])
def test_nonsense_is_unknown_and_not_hot(host: Host, warm: Warm, told: str) -> None:
    warm.be(told)
    verdict = host.burn("r1", host.drive("da0"), **LIMITS)
    assert_passed(verdict, 16 * MIB, 2)
    assert host.detail("r1")["temperatures"] == []


def test_limits_that_contradict_are_an_error(host: Host) -> None:
    argv = host.run_argv("start", "r1", host.drive("da0"), temp_pause=50, temp_resume=55)
    assert "--temp-resume" in host.ask(*argv)["error"]
