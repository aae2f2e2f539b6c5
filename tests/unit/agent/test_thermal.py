"""What a temperature means for a run."""

from __future__ import annotations

import pytest

from agent.state import Limits
from agent.thermal import KEPT, UNKNOWN_SECONDS, Law, Log, Reading

LIMITS = Limits(pause=55, resume=48, abort=62)


def test_pauses_goes_on_and_does_not_flap() -> None:
    law, paused, told = Law(LIMITS, 0), False, []
    for at, celsius in enumerate([54, 55, 54, 49, 48, 47, 54, 61, 60]):
        action, _ = law.verdict(Reading(at, celsius), paused)
        paused = {"pause": True, "go on": False}.get(action, paused)
        told.append(action)
    assert told == ["", "pause", "", "", "", "go on", "", "pause", ""]


def test_a_pause_says_what_makes_it_go_on() -> None:
    assert Law(LIMITS, 0).verdict(Reading(0, 56), False)[1] == "56 °C, goes on below 48 °C"
    without = Limits(pause=55)
    assert Law(without, 0).verdict(Reading(0, 56), False)[1] == "56 °C, goes on below 55 °C"


@pytest.mark.parametrize("paused", [True, False])
def test_the_abort_limit_ends_it(paused: bool) -> None:
    action, why = Law(LIMITS, 0).verdict(Reading(0, 62), paused)
    assert (action, why) == ("abort", "temperature: 62 °C, the limit is 62 °C")


def test_no_limits_no_consequences() -> None:
    law = Law(Limits(), 0)
    assert law.verdict(Reading(0, 99), False) == ("", "")
    assert law.verdict(Reading(0, 99), True)[0] == "go on", "the limits were taken away"


def test_unknown_for_ten_minutes_is_told_once_and_again_after_a_reading() -> None:
    law = Law(LIMITS, 0)
    assert law.verdict(Reading(UNKNOWN_SECONDS - 1, None, "no answer"), False) == ("", "")
    action, why = law.verdict(Reading(UNKNOWN_SECONDS, None, "no answer"), False)
    assert (action, why) == ("tell", "the temperature is unknown for 10 minutes: no answer")
    assert law.verdict(Reading(UNKNOWN_SECONDS + 60, None), False) == ("", "")
    assert law.verdict(Reading(700, 40), False) == ("", "")
    assert law.verdict(Reading(700 + UNKNOWN_SECONDS, None), False)[0] == "tell"


def test_unknown_does_not_end_a_pause() -> None:
    assert Law(LIMITS, 0).verdict(Reading(1, None), True) == ("", "")


def test_a_long_log_is_thinned_evenly() -> None:
    log = Log()
    for at in range(5 * KEPT):
        log.add(Reading(at, 30 + at % 7))
    log.add(Reading(0, None))
    assert KEPT // 2 <= len(log.rows) <= KEPT
    again = Log()
    again.load(log.rows)
    assert again.rows == log.rows and again.rows[0]["at"] == "1970-01-01T00:00:00Z"
