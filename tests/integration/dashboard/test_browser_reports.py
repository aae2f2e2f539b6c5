"""The pages of a drive and a burn-in, and the lists, in a real browser: by pointer and keyboard."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.db import transaction
from playwright.sync_api import Page, expect

from burnin.models import Job, JobState
from drives.models import Drive
from live.changes import changed, server
from tests.integration.dashboard.web import Web
from tests.integration.rows import a_job

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(300),
    pytest.mark.needs("chromium"),
]
Opens = Callable[..., Page]


@pytest.fixture(autouse=True)
def _this_valkey(valkey: str) -> Iterator[None]:
    server.cache_clear()
    yield
    server.cache_clear()


def test_location_and_notes_are_edited_where_they_stand(
    drive: Drive, web: Web, page_of: Opens
) -> None:
    page = page_of("operator")
    page.goto(f"{web.url}/drives/{drive.pk}")
    expect(page.get_by_role("heading", level=1)).to_have_text("Never burned in.")
    place, notes = page.get_by_label("Location"), page.get_by_label("Notes")
    place.fill("Bay 7")
    place.press("Enter")
    expect(page.get_by_text("saved").first).to_be_visible()
    place.fill("Bay 8")
    place.press("Escape")
    expect(place).to_have_value("Bay 7")
    notes.fill("came in a torn bag")
    place.focus()
    expect(page.get_by_text("saved").last).to_be_visible()
    drive.refresh_from_db()
    assert (drive.location, drive.notes) == ("Bay 7", "came in a torn bag")
    # What is typed survives a change of the drive.
    notes.fill("half a sent")
    with transaction.atomic():
        Drive.objects.filter(pk=drive.pk).update(temperature_c=51)
        changed([drive.pk])
    expect(page.get_by_text("51 °C")).to_be_visible()
    expect(notes).to_have_value("half a sent")


def test_a_burn_in_is_paused_and_resumed_on_its_page(
    drive: Drive, web: Web, page_of: Opens
) -> None:
    job = a_job(drive, state=JobState.RUNNING)
    page = page_of("operator")
    page.goto(f"{web.url}/history/{job.pk}")
    expect(page.locator("body[data-connected]")).to_be_attached()
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Resume")).to_be_visible()
    expect(page.get_by_label(f"Log of burn-in {job.pk}")).to_contain_text("Pause requested by")
    assert Job.objects.get().pause_requested_by == "operator"
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    assert Job.objects.get().pause_requested_by == ""
    expect(page.locator("dialog[open]")).to_have_count(0)
