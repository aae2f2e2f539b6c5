"""What a NAS says, garbled in thousands of ways: what it means is read, or it is a NasError."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from drives.truenas import answers
from drives.truenas.types import NasError, SelfTestJob
from tests.matrix.fuzz.garble import Garbler

DISK: dict[str, Any] = {
    "identifier": "{serial_lunid}ZL1_5000c500a1b2c3d4",
    "name": "sda",
    "serial": "ZL1",
    "lunid": "5000c500a1b2c3d4",
    "model": "ST24000NM000C",
    "size": 24_000_277_250_048,
    "type": "HDD",
    "pool": None,
    "expiretime": None,
}
POOL = {
    "name": "tank",
    "topology": {
        "data": [
            {"type": "MIRROR", "children": [{"disk": "sda", "status": "ONLINE", "children": []}]},
        ],
        "spare": [{"type": "DISK", "disk": "sdb", "status": "AVAIL", "children": []}],
    },
}
JOB: dict[str, Any] = {
    "id": 7,
    "method": "smart.test.wait",
    "arguments": [{"identifier": DISK["identifier"], "type": "SHORT"}],
    "progress": {"percent": 40, "description": ""},
    "state": "RUNNING",
    "time_started": {"$date": 1_764_150_000_000},
}
UNUSED = {**DISK, "duplicate_serial": [], "exported_zpool": "old"}
STARTED = [{**DISK, "job": 7, "expected_result_time": {"$date": 1_764_150_000_000}, "error": None}]
KNOWN = tuple(answers.drives([DISK]))
READERS: dict[str, tuple[Any, Callable[[Any], Any]]] = {
    "disks": ([DISK, {**DISK, "name": "sdb"}], lambda told: list(answers.drives(told))),
    "boot disks": (["sda", "sdb"], answers.boot_disks),
    "pools": ([POOL], lambda told: answers.pool_members(told, {"sda", "sdb"})),
    "unused": ([UNUSED], answers.unused),
    "details": ({"used": [UNUSED], "unused": [DISK]}, lambda told: answers.details(told, KNOWN)),
    "temperatures": ({"sda": 34, "sdb": 35.6, "sdc": None}, answers.temperatures),
    "jobs": ([JOB, {**JOB, "progress": None}], lambda told: list(answers.jobs(told))),
    "start": (STARTED, lambda told: answers.self_test_start(told, DISK["identifier"])),
}


@pytest.mark.parametrize("name", READERS)
def test_garbled_is_a_clear_error_or_is_read_as_far_as_it_means_something(name: str) -> None:
    whole, read = READERS[name]
    read(whole)
    garbler = Garbler(1, 1.0)
    understood = refused = 0
    for _ in range(2000):
        told = garbler.changed(whole)
        try:
            read(told)
            understood += 1
        except NasError:
            refused += 1
    assert understood
    assert refused or name == "temperatures"


@pytest.mark.parametrize("percent", [10**400, float("inf"), float("nan"), -1, 101, True, "40", []])
def test_a_percentage_that_is_none_is_unknown(percent: object) -> None:
    (job,) = answers.jobs([{**JOB, "progress": {"percent": percent}}])
    assert job == _job(percent=None)


@pytest.mark.parametrize("number", [10**400, float("inf"), float("nan"), -1, 2**62, True, "7"])
def test_a_job_needs_a_number(number: object) -> None:
    with pytest.raises(NasError, match="jobs can’t be read"):
        list(answers.jobs([{**JOB, "id": number}]))


def _job(percent: float | None) -> SelfTestJob:
    started = answers.date(JOB["time_started"])
    return SelfTestJob(7, str(DISK["identifier"]), "short", "RUNNING", percent, started)
