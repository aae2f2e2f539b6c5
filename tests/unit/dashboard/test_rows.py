"""Which form a row has, what may be done with it, and where it stands in the table."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dashboard.fragments import row_html, without_ages
from dashboard.rows import natural
from tests.unit.dashboard.rows import NOW, a_row, stage


def test_a_drive_without_a_burn_in_can_be_started() -> None:
    row = a_row()
    assert (row.kind, row.standing, row.can_start, row.can_cancel) == ("never", "idle", True, False)


@pytest.mark.parametrize(
    ("state", "kind", "standing"),
    [
        ("queued", "queued", "queued"),
        ("running", "running", "running"),
        ("passed", "passed", "passed"),
        ("failed", "failed", "failed"),
        ("cancelled", "cancelled", "idle"),
        ("unknown", "unknown", "attention"),
    ],
)
def test_the_last_burn_in_decides(state: str, kind: str, standing: str) -> None:
    row = a_row(state, running="surface_validate" if state == "running" else "")
    assert (row.kind, row.standing) == (kind, standing)
    assert row.can_cancel == (state in {"queued", "running"})
    assert row.can_start == (not row.can_cancel)


@pytest.mark.parametrize(
    ("facts", "kind"),
    [
        ({"waiting_for": "Can’t reach nas-1"}, "waiting"),
        ({"progress": {"paused": {"by": "temperature", "reason": "56 °C"}}}, "paused"),
        ({"progress": {"paused": None}}, "running"),
    ],
)
def test_a_running_burn_in_may_wait_or_pause(facts: dict[str, Any], kind: str) -> None:
    row = stage(a_row("running", running="surface_validate"), **facts)
    assert (row.kind, row.standing, row.can_cancel) == (kind, "running", True)


def test_a_cancel_that_was_asked_for_is_not_offered_again() -> None:
    row = a_row("running", running="long_smart", job={"cancel_requested_at": NOW})
    assert (row.kind, row.can_cancel, row.can_start) == ("cancelling", False, False)


def test_a_drive_in_use_is_locked_with_its_reason() -> None:
    assert (a_row(pool="tank").kind, a_row(pool="tank").lock) == ("used", "In pool tank")
    boot = a_row(use_reason="boot drive of nas-1")
    assert (boot.can_start, boot.is_dim, boot.lock) == (False, True, "Boot drive of nas-1")


def test_an_absent_drive_can_not_be_started() -> None:
    row = a_row("passed", present=False)
    assert (row.kind, row.can_start, row.can_cancel) == ("absent", False, False)


@pytest.mark.parametrize(
    ("state", "job", "is_left_out"),
    [
        ("", {}, True),
        ("passed", {}, True),
        ("failed", {"acknowledged_at": NOW}, True),
        ("failed", {}, False),
        ("unknown", {}, False),
        ("running", {}, False),
        ("cancelled", {"holds_drive": True}, False),
    ],
)
def test_a_drive_that_is_absent_for_a_month_is_left_out_unless_it_needs_somebody(
    state: str, job: dict[str, Any], is_left_out: bool
) -> None:
    facts = {"present": False, "absent_since": NOW - timedelta(days=31)}
    assert a_row(state, job=job, **facts).is_long_gone == is_left_out
    assert not a_row(
        state, job=job, **facts | {"absent_since": NOW - timedelta(days=29)}
    ).is_long_gone
    assert not a_row(state, job=job, present=False).is_long_gone
    assert not a_row(state, job=job).is_long_gone


def test_what_an_absent_drive_measured_last_is_not_shown_as_of_now() -> None:
    assert "37 °C" in row_html(a_row(temperature_c=37))
    assert "37 °C" not in row_html(a_row(temperature_c=37, present=False))


def test_an_ended_burn_in_that_holds_its_drive_can_be_cancelled_but_not_run_again() -> None:
    row = a_row("unknown", job={"holds_drive": True})
    assert (row.held_by_ended, row.can_start, row.can_cancel) == (True, False, True)


def test_failed_health_needs_attention_without_any_burn_in() -> None:
    assert a_row(smart_health="failed").standing == "attention"


def test_a_refusal_is_told_apart_from_a_cancel() -> None:
    assert a_row("cancelled", job={"error_text": "refused: mounted"}).refused == "mounted"
    assert a_row("cancelled", job={"error_text": "Cancelled by alice"}).refused == ""


def test_the_step_counts_all_stages() -> None:
    assert a_row("running", running="surface_validate").step == "4/5"


def test_a_pause_says_who_or_what_holds_it_and_what_makes_it_go_on() -> None:
    heat = {"paused": {"by": "temperature", "reason": "56 °C, goes on below 50 °C", "since": "x"}}
    row = stage(a_row("running", running="surface_validate"), progress=heat)
    assert row.pause == ("Paused: 56 °C", "Goes on below 50 °C")
    assert (row.is_paused_by_hand, row.can_pause, row.paused_since) == (False, True, None)
    by_hand = {"waiting_for": "Paused by alice"}
    row = a_row("running", running="surface_validate", job={"pause_requested_by": "alice"})
    row = stage(row, **by_hand)
    assert (row.kind, row.pause, row.can_pause) == ("paused", ("Paused", "by alice"), False)
    row = stage(a_row("running", running="surface_validate"), waiting_for="Frozen by bob")
    assert (row.kind, row.pause[1]) == ("paused", "All writing is frozen")


def test_only_a_free_drive_can_be_chosen_and_others_say_why_not() -> None:
    assert a_row("passed").why_not == ""
    assert a_row(pool="tank").why_not == "In pool tank."
    assert a_row("queued").why_not == "A burn-in of it is queued."
    assert a_row("running", running="long_smart").why_not == "A burn-in of it is running."
    assert "doesn’t list" in a_row(present=False).why_not
    assert "may still run" in a_row("unknown", job={"holds_drive": True}).why_not


def test_a_row_is_rendered_again_when_something_that_it_shows_differs() -> None:
    row = stage(a_row("running", running="surface_validate"), percent=10.0)
    before = row.facts
    assert stage(row, checked_at=NOW, idle_seconds=3.0).facts == before
    assert stage(row, percent=11.0).facts != before
    assert a_row(location="Bay 1").facts != a_row(location="Bay 2").facts


def test_device_names_sort_as_people_count() -> None:
    names = ["da10", "sdaa", "da2", "sdb", "nvme10n1", "nvme2n1", "sda"]
    assert sorted(names, key=natural) == [
        "da2", "da10", "nvme10n1", "nvme2n1", "sda", "sdb", "sdaa",
    ]  # fmt: skip


def test_a_row_that_is_kept_shows_its_ages_as_of_now() -> None:
    row = a_row("passed", job={"finished_at": NOW - timedelta(minutes=5)})
    row.drive.pk = 4711
    assert "5 min ago" in row_html(row)
    later = row_html(replace(row, now=NOW + timedelta(hours=2)))
    assert "2 h 5 min ago" in later
    assert without_ages(later) == without_ages(row_html(row))
    assert "2 h 5 min ago" not in row_html(row)
