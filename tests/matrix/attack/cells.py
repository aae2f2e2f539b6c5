"""The moments at which the guard is asked, and an attack at each: zero bytes written, the reason
named.

An attack changes the machine or the medium while everything was fine before (but at the request,
where it was there from the beginning). Whatever it changes on the medium itself is its own; from
then on the hash of the whole medium must stay as it is.
"""

from __future__ import annotations

import hashlib
import signal
from collections.abc import Callable
from typing import Any

import pytest

from agent import engine, guard, opening, start
from agent.closely import Vanished
from agent.folder import Folder
from tests.matrix.attack.victim import Victim

#: moment → its letter in the table
MOMENTS = {
    "at the request": "r",
    "before the first write": "f",
    "while it is opened": "o",
    "between passes": "p",
    "at a resume": "s",
    "when it is back": "b",
    "after a pause": "u",
}
#: fact, source, kind of medium, moment
CELLS: set[tuple[str, str, str, str]] = set()
Attack = Callable[[Victim], None]
#: fact, source, a word of the reason, the attack, kinds of medium, moments
Case = tuple[str, str, str, Attack, str, tuple[str, ...]]
#: kind of medium, case, moment: what a module attacks
Plan = list[tuple[str, Case, str]]

ANY, FILE, LOOP = "file loop", "file", "loop"

ALL = tuple(MOMENTS)
#: While a run has a block device open for itself, the kernel lets nobody do it.
NOT_WHILE_OPEN = tuple(
    moment for moment in ALL if moment not in ("between passes", "after a pause")
)
#: Only its own exclusive opening finds it.
BY_OPENING = tuple(moment for moment in NOT_WHILE_OPEN if moment != "at the request")
#: The made-up answer would be given to the state's own locks too.
NOT_LOCKING = ("at the request", "while it is opened", "between passes", "when it is back")
#: In a run, a drive that can't be identified is one that is gone: the run waits for it.
NOT_WAITING = (*ALL[:3], "at a resume")
#: Later a place that can't be read hides nobody's data.
BEFORE_WRITING = ALL[:3]


def of_all(cases: list[Case]) -> Plan:
    """Each case on each kind of medium that it names, at each of its moments."""
    return [
        (kind, case, moment) for case in cases for kind in case[4].split() for moment in case[5]
    ]


def each_of(plan: Plan) -> pytest.MarkDecorator:
    """One test for each cell, which hands what it is given to `attack`."""
    cells = [
        pytest.param(kind, case, moment, id=f"{case[0]}: {case[1]}, {moment}, {kind}")
        for kind, case, moment in plan
    ]
    return pytest.mark.parametrize(("victim", "case", "moment"), cells, indirect=["victim"])


def attack(victim: Victim, case: Case, moment: str) -> None:
    """One cell: refused, with the fact and the word of the reason; zero bytes written."""
    fact, source, word, strike, _, _ = case
    said = cell(victim, strike, moment)
    told = [words for named, words in said if named in (fact, "")]
    assert any(word in words for words in told), (fact, word, said)
    CELLS.add((fact, source, victim.kind, moment))


def digest(victim: Victim) -> str:
    return hashlib.sha256(victim.content()).hexdigest()


class Struck:
    """The attack, once; what the medium was right after it."""

    def __init__(self, victim: Victim, attack: Attack) -> None:
        self._victim, self._attack = victim, attack
        self.after = ""

    def __call__(self) -> None:
        if not self.after:
            self._attack(self._victim)
            self.after = digest(self._victim)


def cell(victim: Victim, attack: Attack, moment: str) -> list[tuple[str, str]]:
    """What was said of it, as (fact, words); fact is "" where only words are kept."""
    struck = Struck(victim, attack)
    said = _ATTACKED[moment](victim, struck)
    assert struck.after, "the attack did not come to pass"
    assert digest(victim) == struck.after, "bytes were written"
    return said


def _reasons(reasons: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(reason["fact"], reason["reason"]) for reason in reasons]


def _run(victim: Victim, restore: dict[str, Any] | None = None) -> tuple[start.Outcome, Any]:
    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    hangup = signal.getsignal(signal.SIGHUP)
    try:
        return start.run(victim.request(restore), lambda state: None)
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
        signal.signal(signal.SIGHUP, hangup)


def _refused(outcome: start.Outcome) -> list[tuple[str, str]]:
    assert outcome.outcome == "refused", outcome
    return _reasons(outcome.reasons)


def _at_the_request(victim: Victim, struck: Struck) -> list[tuple[str, str]]:
    struck()
    answer = victim.judge().answer()
    assert not answer["allowed"] and answer["reasons"]
    return _reasons(answer["reasons"])


def _before_the_first_write(victim: Victim, struck: Struck) -> list[tuple[str, str]]:
    assert victim.judge().allowed, victim.judge().reasons
    struck()
    return _refused(_run(victim)[0])


def _while_it_is_opened(victim: Victim, struck: Struck) -> list[tuple[str, str]]:
    """Between the first look at what it is and the opening for writing."""
    asked = guard.judge_identity
    asked_once = []

    def then_struck(*arguments: Any) -> guard.Judgement:
        answer = asked(*arguments)
        if not asked_once:
            asked_once.append(1)
            struck()
        return answer

    victim.monkeypatch.setattr(opening.guard, "judge_identity", then_struck)
    return _refused(_run(victim)[0])


def _between_passes(victim: Victim, struck: Struck) -> list[tuple[str, str]]:
    head = victim.interrupted("verify", 1)
    asked = engine.Engine._guard_again

    def struck_before(self: engine.Engine) -> None:
        struck()
        asked(self)

    victim.monkeypatch.setattr(engine.Engine, "_guard_again", struck_before)
    outcome, verdict = _run(victim, head)
    assert verdict is not None, outcome
    if verdict["verdict"] == "inconclusive":  # another drive is there: as if it had vanished
        warnings = (outcome.run or {})["warnings"]
        return [("", told) for told in [*verdict["reasons"], *warnings]]
    assert verdict["verdict"] == "refused", verdict
    return [("", reason) for reason in verdict["reasons"]]


def _at_a_resume(victim: Victim, struck: Struck) -> list[tuple[str, str]]:
    head = victim.interrupted("write", 2)
    struck()
    return _refused(_run(victim, head)[0])


def _when_it_is_back(victim: Victim, struck: Struck) -> list[tuple[str, str]]:
    head = victim.interrupted("write", 2)

    waits = engine.Engine._wait_for_device

    def gone(self: engine.Engine) -> None:
        raise Vanished(0, "gone for a moment")

    def struck_meanwhile(self: engine.Engine, why: Vanished) -> None:
        self.medium.close()
        struck()
        waits(self, why)

    victim.monkeypatch.setattr(engine.Engine, "_work", gone)
    victim.monkeypatch.setattr(engine.Engine, "_wait_for_device", struck_meanwhile)
    outcome, verdict = _run(victim, head)
    assert verdict is not None and verdict["verdict"] == "inconclusive", (outcome, verdict)
    return [("", told) for told in [*verdict["reasons"], *(outcome.run or {})["warnings"]]]


def _after_a_pause(victim: Victim, struck: Struck) -> list[tuple[str, str]]:
    head = victim.interrupted("write", 2)
    folder = Folder(victim.request().state_dir)
    folder.make()
    folder.wish(pause={"by": "operator", "reason": "paused", "since": "2026-01-01T00:00:00Z"})
    tick = engine.Engine._tick

    def then_resumed(self: engine.Engine, name: str) -> None:
        struck()
        folder.wish(pause=None)
        tick(self, name)

    victim.monkeypatch.setattr(engine.Engine, "_tick", then_resumed)
    outcome, verdict = _run(victim, head)
    assert verdict is not None, outcome
    if verdict["verdict"] == "inconclusive":
        return [("", told) for told in [*verdict["reasons"], *(outcome.run or {})["warnings"]]]
    assert verdict["verdict"] == "refused", verdict
    return [("", reason) for reason in verdict["reasons"]]


_ATTACKED = dict(
    zip(
        MOMENTS,
        (
            _at_the_request,
            _before_the_first_write,
            _while_it_is_opened,
            _between_passes,
            _at_a_resume,
            _when_it_is_back,
            _after_a_pause,
        ),
        strict=True,
    )
)
