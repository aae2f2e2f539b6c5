"""Django's admin in a real browser: corrections leave a trace, and the rest can't be changed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from audit.models import AuditEvent, Kind
from burnin.models import JobState
from drives.models import Drive
from tests.integration.dashboard.web import Web
from tests.integration.rows import a_job

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(180),
    pytest.mark.needs("chromium"),
]
#: What could change something: fields and buttons of the page's own part.
CONTROLS = "#content-main :is(input:not([type=hidden]), select, textarea, button, .deletelink)"


def test_notes_labels_and_locations_are_edited_with_a_trace_and_nothing_else(
    drive: Drive, web: Web, page_of: Callable[..., Page]
) -> None:
    job = a_job(drive, state=JobState.FAILED, holds_drive=False, error_text="it broke")
    page = page_of("admin")
    # From the front page of the product, by its menu.
    page.goto(web.url)
    page.get_by_role("button", name="admin").click()
    page.get_by_role("link", name="People and records").click()
    page.locator(".model-drive th a").first.click()
    page.get_by_role("link", name="sda", exact=True).click()
    expect(page.get_by_label("Location")).to_be_visible()
    assert sorted(
        page.locator(CONTROLS).evaluate_all("all => all.map(one => one.name || one.textContent)")
    ) == ["_continue", "_save", "location", "notes"]
    page.get_by_label("Location").fill("Bay 7")
    page.get_by_label("Notes").fill("came in a torn bag")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".messagelist")).to_contain_text("was changed")
    page.goto(f"{web.url}/admin/burnin/job/{job.pk}/change/")
    expect(page.get_by_text("it broke")).to_be_visible()
    page.get_by_label("Label").fill("order 42")
    page.keyboard.press("Enter")
    expect(page.locator(".messagelist")).to_contain_text("was changed")
    page.goto(f"{web.url}/history/{job.pk}")
    expect(page.get_by_text("order 42").first).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_contain_text("it broke")
    page.get_by_role("link", name="Audit", exact=True).click()
    lines = page.locator(".events")
    expect(lines).to_contain_text("location none → “Bay 7”")
    expect(lines).to_contain_text("label none → “order 42”")
    expect(lines).to_contain_text("by admin from 127.0.0.1")
    # What was written down stays as it is, also for an admin.
    event = AuditEvent.objects.get(kind=Kind.HISTORY_EDITED)
    page.goto(f"{web.url}/admin/audit/auditevent/")
    expect(page.locator(".object-tools a")).to_have_count(0)
    expect(page.locator("select[name=action]")).to_have_count(0)
    page.goto(f"{web.url}/admin/audit/auditevent/{event.pk}/change/")
    expect(page.locator(".field-note")).to_contain_text("label none → “order 42”")
    expect(page.locator(CONTROLS)).to_have_count(0)
    answer = page.goto(f"{web.url}/admin/audit/auditevent/{event.pk}/delete/")
    assert answer is not None and answer.status == 403
