"""A garbled answer of the agent is a HostError, never a guess and never another exception."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drives.hosts.ssh import HostError
from drives.hosts.types import Guard, HostDevice, HostStatus, RunHead, Started

DEVICE: dict[str, Any] = {
    "name": "sda",
    "path": "/dev/sda",
    "serial": "ZTT0001",
    "lunid": None,
    "model": "ST12000NM0008",
    "size_bytes": 12 * 10**12,
    "logical_sector_bytes": 512,
    "physical_sector_bytes": 4096,
    "rotational": True,
    "use": [{"fact": "mounted", "state": "in_use", "detail": "Mounted at /mnt"}],
    "temperature_c": 31,
    "smartctl": {},
    "smartctl_error": None,
}
VERDICT: dict[str, Any] = {
    "verdict": "passed",
    "reasons": [],
    "size_bytes": 512,
    "passes": 2,
    "bytes_written": 1024,
    "bytes_verified": 1024,
    "error_count": 0,
    "errors": [],
}
HEAD: dict[str, Any] = {
    "run_id": "job1-abc",
    "alive": False,
    "identity": {"serial": "ZTT0001", "size_bytes": 512},
    "passes": 2,
    "pass": 2,
    "phase": "done",
    "bytes_written": 1024,
    "bytes_verified": 1024,
    "bytes_total": 2048,
    "percent": 100.0,
    "rate_bytes_per_second": None,
    "error_count": 0,
    "paused": None,
    "stopping": False,
    "resumed": 0,
    "verdict": VERDICT,
}
GUARD: dict[str, Any] = {
    "allowed": True,
    "serial": "ZTT0001",
    "size_bytes": 512,
    "facts": {"identity": "clear", "mounts": "clear"},
    "reasons": [],
}
STARTED: dict[str, Any] = {"outcome": "started", "reasons": [], "run": HEAD}
STATUS: dict[str, Any] = {"host": {"boot_id": "b"}, "runs": [HEAD], "devices": [DEVICE]}
PARSERS: list[tuple[Callable[[Any], Any], dict[str, Any]]] = [
    (HostDevice.parse, DEVICE),
    (RunHead.parse, HEAD),
    (Guard.parse, GUARD),
    (Started.parse, STARTED),
    (HostStatus.parse, STATUS),
]
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@pytest.mark.parametrize(("parse", "whole"), PARSERS)
def test_a_whole_answer_is_read(parse: Callable[[Any], Any], whole: dict[str, Any]) -> None:
    parse(whole)


@pytest.mark.parametrize(("parse", "whole"), PARSERS)
@given(data=st.data())
def test_a_garbled_answer_is_read_or_refused(
    parse: Callable[[Any], Any], whole: dict[str, Any], data: st.DataObject
) -> None:
    answer = copy.deepcopy(whole)
    name = data.draw(st.sampled_from(sorted(answer)))
    if data.draw(st.booleans()):
        del answer[name]
    else:
        answer[name] = data.draw(anything)
    with contextlib.suppress(HostError):
        parse(answer)


@pytest.mark.parametrize(
    "lie",
    [
        {"facts": {}},
        {"facts": {"identity": "clear", "mounts": "unknown"}},
        {"reasons": [{"fact": "mounts", "state": "in_use", "reason": "Mounted"}]},
    ],
)
def test_a_guard_that_allows_against_its_own_facts_is_not_believed(lie: dict[str, Any]) -> None:
    with pytest.raises(HostError):
        Guard.parse(GUARD | lie)


@pytest.mark.parametrize("field", ["bytes_verified", "bytes_written", "error_count", "passes"])
@pytest.mark.parametrize("value", [None, True, "1024", 1024.0])
def test_a_verdict_with_a_figure_of_another_kind_is_not_believed(field: str, value: Any) -> None:
    with pytest.raises(HostError):
        RunHead.parse(HEAD | {"verdict": VERDICT | {field: value}})


def test_one_garbled_run_does_not_hide_the_others() -> None:
    status = HostStatus.parse(STATUS | {"runs": [HEAD, {"run_id": "job2-x"}, 7]})
    assert [run.run_id for run in status.runs] == ["job1-abc"]
    assert status.garbled == ("job2-x", "?")
