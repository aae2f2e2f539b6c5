"""The smoke's own judgement: what is no true verdict must not look like one."""

from __future__ import annotations

from typing import Any

import pytest

from launcher import smoke
from launcher.client import Drive, Job, Stage

SIZE = 256 * 2**20
FLIPPED_LBA = round(SIZE * smoke.FLIP_AT) // 512
WHOLE = {"bytes_verified": SIZE * smoke.PASSES, "errors": []}
CASES = {case.name: case for case in smoke._cases()}


def result(state: str, verdict: dict[str, Any]) -> smoke.Result:
    stage = Stage("surface_validate", state, 100, "", "job1-a", {"verdict": verdict})
    job = Job(1, state, 100, "", [], (stage,))
    drive = Drive(1, "da0", "BURN0001", "DEMO-256M", "nas-2", SIZE, True, job)
    return smoke.Result(drive, job, [])


def refused(*reasons: str) -> smoke.Result:
    drive = Drive(3, "da2", "BURN0003", "DEMO-256M", "nas-2", SIZE, True, None)
    return smoke.Result(drive, None, list(reasons))


def flip(error_class: str, lba: int) -> dict[str, Any]:
    return {"errors": [{"class": error_class, "lba": lba}]}


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("da0", result("passed", WHOLE)),
        ("da1", result("failed", flip("corrupt", FLIPPED_LBA))),
        ("da2", refused("It is in pool tank")),
        ("sdn", result("failed", flip("read_error", 4711))),
    ],
)
def test_the_true_verdict_is_right(name: str, found: smoke.Result) -> None:
    assert smoke._is_right(CASES[name], found)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("da0", result("passed", WHOLE | {"bytes_verified": SIZE})),
        ("da0", result("passed", {})),
        ("da0", result("running", WHOLE)),
        ("da1", result("passed", WHOLE)),
        ("da1", result("failed", {"errors": []})),
        ("da1", result("failed", flip("read_error", FLIPPED_LBA))),
        ("da1", result("failed", flip("corrupt", FLIPPED_LBA + 4096))),
        ("da2", result("passed", WHOLE)),
        ("da2", refused("nas-2 has not answered lately")),
        ("sdn", result("failed", flip("read_error", 0))),
    ],
)
def test_any_other_is_wrong(name: str, found: smoke.Result) -> None:
    assert not smoke._is_right(CASES[name], found)
