"""Every task by keyboard alone: reached with Tab, done with keys, and the focus is never lost."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from audit.models import AuditEvent, Kind
from burnin.models import Job, JobState
from drives.models import Drive
from tests.integration.dashboard.keys import FOCUSED, arrow_to, press, tab_to
from tests.integration.dashboard.open_page import MARKED, change, open_live, row
from tests.integration.dashboard.test_reports import ended
from tests.integration.dashboard.web import Web
from tests.integration.rows import a_drive, a_job

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(300),
    pytest.mark.needs("chromium"),
]
Opens = Callable[..., Page]


def test_finding_starting_and_cancelling(drive: Drive, web: Web, page_of: Opens) -> None:
    others = [a_drive(drive.system, f"sd{letter}") for letter in "bcd"]
    page = page_of("operator")
    open_live(page, web)
    # Filters: text, a tile, a select; a chip takes one away.
    press(page, "/")
    page.keyboard.type("sdb")
    expect(row(page, drive)).to_be_hidden()
    tab_to(page, "“sdb”, remove this filter")
    press(page, "Enter")
    expect(row(page, drive)).to_be_visible()
    expect(page.locator("[name=q]")).to_be_focused()
    tab_to(page, "State")
    page.keyboard.type("Failed")
    expect(page.locator("#nothing")).to_be_visible()
    tab_to(page, "Clear filters")
    press(page, "Enter")
    expect(row(page, drive)).to_be_visible()
    # One drive: another order of stages, nothing that writes, started and cancelled.
    tab_to(page, "Burn in… sda")
    press(page, "Enter")
    dialog = page.get_by_role("dialog", name="Burn in sda")
    expect(dialog.locator("[data-refused]")).to_be_visible()
    tab_to(page, "Move SMART long: space, then arrows")
    press(page, "Space", "ArrowUp", "Space")
    tab_to(page, "Surface validate")
    press(page, "Space")
    tab_to(page, "Start burn-in")
    change(drive, temperature_c=41)
    expect(row(page, drive)).to_contain_text("41 °C")
    press(page, "Enter")
    expect(row(page, drive)).to_contain_text("Queued")
    kinds = [stage.kind for stage in Job.objects.get().stages.all()]
    assert kinds == ["precheck", "long_smart", "short_smart", "final_check"]
    assert page.evaluate(FOCUSED) == "Cancel… burn-in of sda"
    press(page, "Enter")
    expect(page.get_by_role("dialog", name="Cancel the burn-in of sda")).to_be_visible()
    tab_to(page, "Cancel burn-in")
    press(page, "Enter")
    expect(row(page, drive)).to_contain_text("Cancelled")
    expect(page.locator("dialog[open]")).to_have_count(0)
    # The focus is at the row that it was about.
    assert page.evaluate("document.activeElement.closest('tr')?.id") == f"drive-{drive.pk}"
    # Many: a range by Shift+Space, the bar above them, the outcome, all of it cancelled.
    tab_to(page, "Select sdb")
    press(page, "Space")
    tab_to(page, "Select sdd")
    press(page, "Shift+Space")
    expect(page.locator("#batch-count")).to_have_text("3 selected")
    tab_to(page, "Burn in 3 drives…", back=True)
    press(page, "Enter")
    dialog = page.get_by_role("dialog", name="Burn in 3 drives")
    # It remembers the last choice: without the surface. Nobody listens, so writing is refused.
    ready = dialog.get_by_text("3 ready, 0 refused")
    expect(ready).to_be_visible()
    tab_to(page, "Surface validate")
    press(page, "Space")
    expect(dialog.get_by_text("0 ready, 3 refused")).to_be_visible()
    press(page, "Space")
    expect(ready).to_be_visible()
    tab_to(page, "Start 3 burn-ins")
    # Somebody else is quicker with one of them.
    theirs = a_job(others[1])
    press(page, "Enter")
    expect(page.get_by_role("heading", name="2 of 3: burn-in queued")).to_be_visible()
    outcome = page.get_by_role("list", name="Outcome for each drive").get_by_role("listitem")
    expect(outcome.first).to_contain_text(f"sdcSER-sdcRefused: Burn-in {theirs.pk}")
    tab_to(page, "Done")
    press(page, "Enter")
    expect(page.locator("tr[data-state=queued]")).to_have_count(3)
    tab_to(page, "Cancel all 3 burn-ins…", back=True)
    press(page, "Enter")
    tab_to(page, "Cancel 3 burn-ins")
    press(page, "Enter")
    expect(page.locator("tr[data-state=queued]")).to_have_count(0)
    assert Job.objects.filter(drive__in=others, state=JobState.CANCELLED).count() == 3
    assert page.evaluate(MARKED)


def test_editing_sorting_and_reading(drive: Drive, web: Web, page_of: Opens) -> None:
    other = a_drive(drive.system, "sdb", temperature_c=49)
    job = ended(other)
    page = page_of("operator")
    open_live(page, web)
    # The menu of a row: arrows walk, Escape closes, and the focus is where it was.
    tab_to(page, "More for sda")
    press(page, "Enter")
    expect(page.get_by_role("link", name="Open drive")).to_be_visible()
    press(page, "ArrowDown", "Escape")
    expect(page.locator("#row-menu")).to_be_hidden()
    assert page.evaluate(FOCUSED) == "More for sda"
    # Opened again it shows nothing old, on which the focus would be lost when the new comes.
    waiting: list[Route] = []
    page.route("**/menu", lambda route: waiting.append(route))
    press(page, "Enter")
    expect(page.locator("#row-menu")).to_be_visible()
    press(page, "ArrowDown")
    expect(page.locator("#row-menu :is(a, button)")).to_have_count(0)
    waiting[0].continue_()
    expect(page.get_by_role("link", name="Open drive")).to_be_visible()
    assert page.evaluate(FOCUSED) == "More for sda"
    arrow_to(page, "Edit location and notes…")
    press(page, "Enter")
    expect(page.get_by_label("Location", exact=True)).to_be_focused()
    page.keyboard.type("Bay 7")
    press(page, "Tab")
    page.keyboard.type("bought used")
    tab_to(page, "Save")
    press(page, "Enter")
    expect(row(page, drive)).to_contain_text("Bay 7")
    expect(page.locator("dialog[open]")).to_have_count(0)
    assert page.evaluate(FOCUSED) == "More for sda"
    assert AuditEvent.objects.filter(kind=Kind.DRIVE_EDITED, actor="operator").count() == 1
    # The order of the table.
    tab_to(page, "Temp", back=True)
    names = page.locator("#drives tr[data-state] .drive a")
    press(page, "Enter")
    expect(page.locator("th[aria-sort=ascending]")).to_have_text("Temp")
    press(page, "Enter")
    expect(names).to_have_text(["sdb", "sda"])
    # To the evidence of a burn-in, and over its map.
    tab_to(page, "sdb")
    press(page, "Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Passed")
    tab_to(page, f"{job.pk} full")
    press(page, "Enter")
    latency = page.get_by_role("slider", name="Latency map, verify 1")
    expect(latency).to_be_visible()
    tab_to(page, "Latency map, verify 1. Arrow keys move by region")
    before = int(latency.get_attribute("aria-valuenow") or 0)
    press(page, "ArrowLeft", "ArrowLeft", "ArrowUp")
    expect(latency).to_have_attribute("aria-valuenow", str(before - 66))
    expect(page.locator(".readout")).to_contain_text(f"Region {before - 66:,}")
