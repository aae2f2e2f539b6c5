"""Every kind of answer of the real agent, held to agent/protocol.schema.json."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.integration.agent import schema
from tests.integration.agent.host import PACE, Host


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(json.loads(schema.FILE.read_text()))


def test_each_kind_of_answer(host: Host) -> None:
    drive, pooled = host.drive("da0"), host.drive("da1", use=[POOL])
    state = ["--state", host.state_dir("r1")]
    expect = ["--expect-serial=SERIAL-da0", f"--expect-size={drive.stat().st_size}"]
    seen = [
        host.ask("probe"),
        host.ask("probe", drive, "--smart"),
        host.ask("guard", drive, *expect),
        host.ask("guard", pooled, *expect),
        host.start("r1", pooled),
        host.start("r1", drive, rate_limit=PACE),
        host.start("r1", drive),
        host.ask("surface", "pause", *state, "--by=alice"),
        host.ask("surface", "detail", *state),
        host.ask("surface", "limit", *state, "--rate=0"),
        host.ask("surface", "resume", *state),
        host.ask("status", "--root", host.root, "--smart", drive, pooled),
        host.ask("surface", "stop", *state),
        host.ask("surface", "status", *state),
        host.ask("smart", "abort", drive, "--expect-serial=SERIAL-da0"),
        host.start("r1", drive),
        host.burn("r2", drive),
        host.ask("surface", "detail", "--state", host.state_dir("r2")),
        host.ask("surface", "remove", *state),
        host.ask("surface", "status", *state),
    ]
    kinds = {answer["answer"] for answer in seen}
    defined = json.loads(schema.FILE.read_text())["anyOf"]
    promised = {one["$ref"].rsplit("/", 1)[1].replace("verdict_line", "verdict") for one in defined}
    assert kinds == promised
    outcomes = [answer["outcome"] for answer in seen if answer["answer"] == "start"]
    assert outcomes == ["refused", "started", "running", "finished"]


POOL = {"fact": "pool", "state": "in_use", "detail": "tank"}


@pytest.mark.parametrize(
    "change",
    [
        {"protocol": 2},
        {"answer": "other"},
        {"surprise": 1},
        {"host": {}},
        {"devices": [{}]},
    ],
)
def test_what_is_no_answer_is_found_out(host: Host, change: dict[str, Any]) -> None:
    answer = host.ask("probe", host.drive("da0"))
    with pytest.raises(AssertionError):
        schema.check({**answer, **change})
