"""An agent that answers something else than was asked is an error, never an allowance."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from burnin.precheck_now import GuardAnswer, guard_answer
from drives import clients
from drives.hosts.agent import AgentHost
from drives.hosts.ssh import Completed, HostError, NoSuchRun
from tests.unit.drives.test_host_types import HEAD

GUARD: dict[str, Any] = {
    "protocol": 1,
    "answer": "guard",
    "device": "/dev/sda",
    "serial": "S1",
    "model": "M",
    "size_bytes": 512,
    "allowed": True,
    "facts": {"pool": "clear"},
    "reasons": [],
}
RUN = {"protocol": 1, "answer": "run", "run": HEAD}
Ask = Callable[[AgentHost], object]


class Says:
    """A host whose python3 prints this."""

    user, where = "root", "nas"

    def __init__(self, stdout: str, exit_status: int = 0) -> None:
        self.completed = Completed(exit_status, stdout.encode(), b"")

    def run(self, command: str, **_: object) -> Completed:
        return self.completed


def host(answer: object) -> AgentHost:
    said = answer if isinstance(answer, str) else json.dumps(answer)
    return AgentHost(Says(said), "/root/.burnin")  # type: ignore[arg-type]


def guard(of: AgentHost) -> object:
    return of.guard("/dev/sda", serial="S1", size_bytes=512)


def test_whole_answers() -> None:
    assert host(GUARD).guard("/dev/sda", serial="S1", size_bytes=512).allowed
    assert host(RUN).pause_surface(HEAD["run_id"], by="olga").run_id == HEAD["run_id"]


@pytest.mark.parametrize(
    ("answer", "ask", "words"),
    [
        (GUARD | {"serial": "S2"}, guard, "another drive than was asked for"),
        (GUARD | {"size_bytes": 1024}, guard, "another drive than was asked for"),
        (GUARD | {"serial": None}, guard, "another drive than was asked for"),
        (GUARD | {"protocol": 2}, guard, "another protocol"),
        (GUARD | {"answer": "probe"}, guard, "'probe' to a question for guard"),
        ([GUARD], guard, "another protocol"),
        ("", guard, "can’t be read"),
        (json.dumps(GUARD)[:-20], guard, "can’t be read"),
        ("{" * 5000, guard, "can’t be read"),
        (RUN, lambda of: of.pause_surface("job9", by="olga"), "answered for another run"),
        (RUN, lambda of: of.stop_surface("job9", by="olga"), "answered for another run"),
        (
            {"protocol": 1, "answer": "error", "error": "the disk is odd"},
            guard,
            "the disk is odd",
        ),
    ],
)
def test_another_answer_is_an_error(answer: object, ask: Ask, words: str) -> None:
    with pytest.raises(HostError, match=words):
        ask(host(answer))


def test_no_such_run_is_told_apart() -> None:
    answer = {"protocol": 1, "answer": "error", "error": "there is no run job9"}
    with pytest.raises(NoSuchRun):
        host(answer).surface_detail("job9")


def test_a_refusal_without_a_reason_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.unit.burnin.test_locate import ENTRY, HOST, Drive, NasView, Site, System

    drive = Drive(serial="S1", lunid="5000", model="MODEL-A", size_bytes=10**9)
    drive.system = System(name="nas-1")
    monkeypatch.setattr(clients, "host", lambda system: host(GUARD | {"allowed": False}))
    site = Site(NasView("13.0", (ENTRY,), {}, {}, {}, ()), (HOST,))
    assert guard_answer(drive, site=site) == GuardAnswer(
        ["The host refuses without a reason"], {"pool": "clear"}
    )
