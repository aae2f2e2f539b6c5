"""The first sentence of the page: the worst thing first."""

from __future__ import annotations

import pytest

from dashboard.rows import Row
from dashboard.summary import Chip, summarise
from drives.health import SystemState
from drives.models import System
from tests.unit.dashboard.rows import NAS, REACHABLE, a_row

WELL = Chip(NAS, REACHABLE)
SILENT = Chip(NAS, SystemState("warn", "stale 3 min", 190, "connection refused"))
PAUSED = Chip(
    System(name="nas-2", stopped="paused by olga: …", paused_by="olga"),
    SystemState("warn", "paused", None, "paused by olga: …"),
)
RUNNING, QUEUED = a_row("running", running="long_smart"), a_row("queued")
PASSED, FAILED, UNKNOWN = a_row("passed"), a_row("failed"), a_row("unknown")


@pytest.mark.parametrize(
    ("rows", "chip", "sentence"),
    [
        ([], None, "No system yet."),
        ([], WELL, "No drive is listed."),
        ([a_row()], WELL, "Nothing is running."),
        ([PASSED], WELL, "Nothing is running, nothing is wrong."),
        ([RUNNING, PASSED], WELL, "1 burn-in is running, nothing is wrong."),
        ([QUEUED, QUEUED], WELL, "2 burn-ins in the queue, nothing is wrong."),
        ([UNKNOWN, RUNNING], WELL, "1 drive needs attention."),
        ([RUNNING], SILENT, "nas-1 doesn’t answer."),
        ([FAILED, UNKNOWN], SILENT, "1 drive failed, 1 needs attention."),
        ([RUNNING], PAUSED, "nas-2 is paused."),
    ],
)
def test_the_answer(rows: list[Row], chip: Chip | None, sentence: str) -> None:
    assert summarise(rows, (chip,) if chip else ()).answer.text == sentence


def test_a_system_that_somebody_paused_is_no_trouble_beside_one_that_is_silent() -> None:
    assert summarise([RUNNING], (PAUSED, SILENT)).answer.text == "nas-1 doesn’t answer."


def test_the_tab_says_what_matters() -> None:
    assert summarise([FAILED, RUNNING], (WELL,)).title == "(1 failed) 1 running – Burn-in"
    assert summarise([a_row()], (WELL,)).title == "Drives – Burn-in"


def test_an_acknowledged_failure_leaves_the_banner_and_stays_counted() -> None:
    from tests.unit.dashboard.rows import NOW

    known = a_row("failed", job={"acknowledged_at": NOW})
    summary = summarise([known], (WELL,))
    assert summary.failures == ()
    assert {tile.standing: tile.count for tile in summary.tiles}["failed"] == 1


def test_the_hottest_present_drive_is_named() -> None:
    rows = [a_row(temperature_c=40), a_row(temperature_c=61, present=False), a_row()]
    hottest = summarise(rows, (WELL,)).hottest
    assert hottest is not None and hottest.drive.temperature_c == 40
