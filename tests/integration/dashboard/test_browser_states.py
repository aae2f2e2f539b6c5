"""What a page says where nothing is, where something is denied or broken, and when all is done."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection, transaction
from django.utils import timezone
from playwright.sync_api import Page, expect

from burnin.models import Job, JobState, Stage, StageKind, StageState
from drives.models import Drive, System
from live.changes import changed
from tests.integration.dashboard.open_page import MARKED, open_live, row
from tests.integration.dashboard.web import Web
from tests.integration.rows import a_drive, a_job

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(180),
    pytest.mark.needs("chromium"),
]
Opens = Callable[..., Page]


def test_the_line_of_all_that_runs_says_when_it_is_done(
    drive: Drive, web: Web, page_of: Opens
) -> None:
    begun, ends = timezone.now() - timedelta(hours=5), timezone.now() + timedelta(hours=20)
    job = a_job(drive, state=JobState.RUNNING, started_at=begun)
    job.stages.exclude(kind=StageKind.SURFACE_VALIDATE).update(state=StageState.PASSED)
    job.stages.filter(kind=StageKind.SURFACE_VALIDATE).update(
        state=StageState.RUNNING, started_at=begun, percent=99.9, eta_at=ends,
        progress={"spread_seconds": 10800, "rate_bytes_per_second": 180e6},
    )  # fmt: skip
    page = page_of("viewer")
    zone = {"timezoneId": "Asia/Kolkata"}
    page.context.new_cdp_session(page).send("Emulation.setTimezoneOverride", zone)
    open_live(page, web)
    budget = page.locator(".budget")
    clock = re.compile(r"All done about [A-Z][a-z]{2} \d\d:\d\d, ± 3 h")
    expect(budget).to_contain_text("Running 1 of 2 · 0 queued")
    expect(budget).to_contain_text(clock)
    expect(row(page, drive)).to_contain_text("180 MB/s · 5 h so far")
    expect(row(page, drive)).to_contain_text(re.compile(r"ends [A-Z][a-z]{2} \d\d:\d\d, ± 3 h"))
    # In the reader's own time, with its zone; ages count by themselves.
    done = budget.locator("time")
    expect(done).to_have_text(f"{ends.astimezone(ZoneInfo(zone['timezoneId'])):%a %H:%M}")
    expect(done).to_have_attribute("title", re.compile(r"\d{4} at \d\d:\d\d:00 (GMT\+5:30|IST)"))
    asked = page.locator(f"#system-{drive.system_id} time")
    before = asked.inner_text()
    expect(asked).not_to_have_text(before)
    with transaction.atomic():
        waiting = a_drive(drive.system, "sdb")
        a_job(waiting)
        changed([waiting.pk])
    expect(budget).to_contain_text("Running 1 of 2 · 1 queued")
    with transaction.atomic():
        Job.objects.update(state=JobState.CANCELLED, holds_drive=False)
        changed([drive.pk, waiting.pk])
    expect(budget).to_have_text("Running 0 of 2 · 0 queued")
    assert page.evaluate(MARKED)


def test_an_empty_house_says_what_will_be_there(nas: System, web: Web, page_of: Opens) -> None:
    page = page_of("viewer")
    for path, words, button in (
        ("/", "No drive was found yet", ""),
        ("/history", "No burn-in yet", "Choose a drive"),
        ("/stats", "Nothing to count yet", "Choose a drive"),
    ):
        page.goto(web.url + path)
        expect(page.get_by_role("heading", name=words, level=2)).to_be_visible()
        if button:
            expect(page.get_by_role("link", name=button)).to_be_visible()


def test_denied_names_the_role_and_broken_names_the_request(
    drive: Drive, web: Web, page_of: Opens
) -> None:
    a_job(drive)
    page = page_of("viewer")
    page.goto(f"{web.url}/drives/{drive.pk}/start")
    expect(page.get_by_role("heading", level=1)).to_have_text(
        "This takes the role operator; yours is viewer."
    )
    page.goto(f"{web.url}/no/such/page")
    expect(page.get_by_role("heading", level=1)).to_have_text("There is no such page.")
    page.get_by_role("link", name="Go to the drives").click()
    expect(row(page, drive)).to_be_visible()
    # What takes another role isn't offered: neither at a row nor above them all.
    expect(page.locator("#all-acts")).to_be_attached()
    expect(page.locator(".may-operate:visible")).to_have_count(0)
    expect(page.locator("body[data-connected]")).to_be_attached()
    table = Stage._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f'ALTER TABLE "{table}" RENAME TO "away"')
    try:
        page.get_by_role("button", name="More for sda").click()
        toast = page.locator(".toast")
        expect(toast).to_contain_text(re.compile(r"Quote request \w+ to whoever runs this server"))
        page.goto(web.url)
        expect(page.get_by_role("heading", level=1)).to_have_text("This page could not be made.")
        expect(page.locator(".quote")).to_contain_text(re.compile(r"Quote request \w+"))
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f'ALTER TABLE "away" RENAME TO "{table}"')
    page.reload()
    expect(row(page, drive)).to_be_visible()
