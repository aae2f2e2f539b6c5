"""What a person does on the drives page, by mouse, by keyboard and by thumb, in a real browser."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import transaction
from playwright.sync_api import Page, expect

from audit.models import AuditEvent, Kind
from burnin.models import Job, JobState
from config.models import Freeze
from drives.models import Drive, System
from live.changes import changed
from tests.integration.dashboard.open_page import change, open_live, row
from tests.integration.dashboard.web import Web
from tests.integration.rows import a_drive, a_job
from tests.waiting import wait_for

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(600),
    pytest.mark.needs("chromium"),
]
Opens = Callable[..., Page]


def test_a_selection_lives_through_updates_and_leaves_what_is_taken(
    drive: Drive, web: Web, page_of: Opens
) -> None:
    others = [a_drive(drive.system, f"sd{letter}") for letter in "bcd"]
    used = a_drive(drive.system, "sde", use_reason="in pool tank")
    page = page_of("operator")
    open_live(page, web)
    page.get_by_label("Select all drives that are shown and free").check()
    count = page.locator("#batch-count")
    expect(count).to_have_text("4 selected")
    expect(page.locator("#batch-size")).to_have_text("48.0 TB")
    change(others[0], temperature_c=41)
    expect(row(page, others[0])).to_contain_text("41 °C")
    expect(count).to_have_text("4 selected")
    with transaction.atomic():
        a_job(others[1])
        changed([others[1].pk])
    expect(count).to_have_text("3 selected")
    expect(page.locator("#said")).to_have_text("sdc left the selection.")
    # A drive in use says why, also to a thumb.
    row(page, used).locator(".pick").click()
    expect(page.get_by_role("alert")).to_contain_text("sde can’t be selected. In pool tank.")
    page.get_by_role("button", name="Clear", exact=True).click()
    expect(page.locator("#filter")).to_be_visible()
    # From the second to the fourth, by keyboard and with shift.
    page.get_by_label("Select sda").focus()
    page.keyboard.press("Space")
    page.get_by_label("Select sdd").click(modifiers=["Shift"])
    expect(count).to_have_text("3 selected")


def test_location_and_notes_are_edited_in_place(drive: Drive, web: Web, page_of: Opens) -> None:
    change(drive, location="Bay 1")
    page = page_of("operator")
    open_live(page, web)
    place = row(page, drive).locator("[data-place]")
    place.click()
    field = page.get_by_label("Location of sda")
    expect(field).to_have_value("Bay 1")
    field.fill("Bay 2")
    change(drive, temperature_c=41)
    expect(row(page, drive)).to_contain_text("41 °C")
    expect(field).to_be_focused()
    expect(field).to_have_value("Bay 2")
    page.keyboard.press("Escape")
    expect(place).to_have_text("Bay 1")
    place.click()
    field.fill("Shelf B · 3")
    page.keyboard.press("Enter")
    expect(place).to_have_text("Shelf B · 3")
    place.click()
    field.fill("Shelf B · 4")
    page.locator("#answer").click()
    expect(place).to_have_text("Shelf B · 4")
    # By keyboard alone, from the menu of the row; the focus comes back to where it was.
    more = page.get_by_role("button", name="More for sda")
    more.focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Edit location and notes…").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Location", exact=True)).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.type("bought used")
    change(drive, temperature_c=42)
    expect(row(page, drive)).to_contain_text("42 °C")
    expect(page.get_by_role("textbox", name="Notes")).to_have_value("bought used")
    page.get_by_role("button", name="Save").focus()
    page.keyboard.press("Enter")
    expect(page.locator("dialog[open]")).to_have_count(0)
    expect(more).to_be_focused()
    drive.refresh_from_db()
    assert (drive.location, drive.notes) == ("Shelf B · 4", "bought used")
    assert AuditEvent.objects.filter(kind=Kind.DRIVE_EDITED, actor="operator").count() == 3


def test_pausing_and_cancelling_many_wants_their_number(
    drive: Drive, web: Web, page_of: Opens
) -> None:
    running = a_job(drive, state=JobState.RUNNING)
    for number in range(11):
        a_job(a_drive(drive.system, f"sd{'bcdefghijkl'[number]}"))
    page = page_of("operator")
    open_live(page, web)
    page.get_by_role("button", name="More for sda").click()
    page.get_by_role("button", name="Pause burn-in").click()
    expect(row(page, drive)).to_contain_text("by operator")
    row(page, drive).get_by_role("button", name="Resume").click()
    expect(row(page, drive)).not_to_contain_text("by operator")
    page.get_by_role("button", name="Cancel all 12 burn-ins…").click()
    dialog = page.get_by_role("dialog", name="Cancel 12 burn-ins")
    expect(dialog.get_by_text("1 running, 11 queued, on nas-1")).to_be_visible()
    act = dialog.get_by_role("button", name="Cancel 12 burn-ins")
    act.click()
    expect(dialog.get_by_text("Type 12: that many would be cancelled now")).to_be_visible()
    dialog.get_by_label("Type the number of burn-ins: 12").fill("12")
    act.click()
    expect(page.locator("dialog[open]")).to_have_count(0)
    expect(page.locator("#stats").get_by_role("link", name="Queued 0")).to_be_visible()
    running.refresh_from_db()
    assert running.cancel_requested_by == "operator"
    assert Job.objects.filter(state=JobState.CANCELLED).count() == 11
    page.get_by_role("button", name="Freeze all writing").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("All writing is frozen.")
    assert Freeze.objects.get().by == "operator"
    thaw = page.locator("#banners").get_by_role("button", name="Thaw")
    thaw.focus()
    page.keyboard.press("Enter")
    expect(thaw).to_have_count(0)
    expect(page.get_by_role("button", name="Freeze all writing")).to_be_visible()
    assert not Freeze.objects.exists()


def test_head_and_first_columns_stay_when_the_table_scrolls_in_its_frame(
    nas: System, web: Web, page_of: Opens
) -> None:
    for letter in "abcdefghijklmnopqrstuvwxyz":
        a_drive(nas, f"sd{letter}")
    page = page_of("operator", width=1000, height=800)
    open_live(page, web)
    page.evaluate("document.getElementById('table-wrap').scrollTo(250, 300)")
    seen = (
        "({ top, left, width, height }) => "
        "document.elementFromPoint(left + width / 2, top + height / 2)"
    )
    for cell in ("#pick-all", "#drives thead .drive a"):
        is_on_top = f"cell => ({seen})(cell.getBoundingClientRect()) === cell"
        assert page.locator(cell).evaluate(is_on_top), cell
    assert (
        page.evaluate(
            "(() => { const [head, frame] = ['#drives thead', '#table-wrap'].map("
            "name => document.querySelector(name).getBoundingClientRect().top);"
            " return Math.abs(head - frame); })()"
        )
        < 2
    )


@pytest.mark.parametrize("width", [390, 1440])
def test_the_first_row_is_seen_whole_and_a_thumb_reaches_everything(
    nas: System, web: Web, page_of: Opens, width: int
) -> None:
    drives = [a_drive(nas, f"sd{letter}") for letter in "abcdefghijklmnopqrstuvwxyz"]
    a_job(drives[1], state=JobState.FAILED, holds_drive=False, error_text="it broke " * 10)
    a_job(drives[2], state=JobState.UNKNOWN, holds_drive=False, error_text="the host rebooted")
    System.objects.update(last_error="connection refused")
    page = page_of("operator", width=width, height=800)
    open_live(page, web)
    first = row(page, drives[0])

    def is_seen_whole() -> bool:
        """Nothing lies over its edges: not the head, not a bar, not the tabs."""
        found: bool = first.evaluate(
            "row => { const box = row.getBoundingClientRect();"
            " return [box.top + 2, box.bottom - 2].every(y => box.top >= 0"
            " && y < innerHeight && row.contains(document.elementFromPoint(box.left + 60, y))); }"
        )
        return found

    first.get_by_role("checkbox").check()
    for selected in (True, False):
        page.evaluate("scrollTo(0, document.body.scrollHeight)")
        first.evaluate("row => row.querySelector('.drive a').focus()")
        wait_for(is_seen_whole, 10, f"the first row is seen whole, selected={selected}")
        if selected:
            page.locator("#batch-clear").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    if width == 390:
        small = page.eval_on_selector_all(
            "#drives :is(a.button, .icon-button, summary), .nav a, .toolbar :is(button, select)",
            "found => found.filter(e => e.checkVisibility()).filter(e => {"
            " const box = e.getBoundingClientRect(); return Math.min(box.width, box.height) < 36;"
            " }).map(e => e.outerHTML)",
        )
        assert small == []
        # A card unfolds what the table has in columns, and a change doesn't fold it again.
        serial = first.locator(".serial")
        expect(serial).to_be_hidden()
        first.locator("summary").click()
        expect(serial).to_be_visible()
        change(drives[0], temperature_c=41)
        expect(first.locator(".temp")).to_contain_text("41 °C")
        expect(first.locator(".temp")).to_be_visible()
        first.locator("summary").click()
        expect(serial).to_be_hidden()
        row(page, drives[1]).get_by_role("button", name="More for sdb").click()
        expect(page.get_by_role("button", name="Start SMART short")).to_be_visible()
