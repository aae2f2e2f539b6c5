"""What open pages tell by themselves, in a real browser: ends of burn-ins, a system that falls
silent, an order that no longer holds, a server that is away."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import redis
from django.db import transaction
from django.utils import timezone
from playwright.sync_api import Page, expect

from audit.models import AuditEvent, Kind
from burnin.models import JobState
from dashboard.flusher import SEQUENCE
from drives.models import Drive, System
from live.changes import changed
from tests.integration.dashboard.open_page import MARKED, change, open_live, row
from tests.integration.dashboard.web import Web
from tests.integration.rows import a_drive, a_job
from tests.waiting import wait_for

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(300),
    pytest.mark.needs("chromium"),
]
Opens = Callable[..., Page]
#: Notes what the page would show, in place of the browser's own.
NOTIFICATIONS = """
window.shown = [];
window.Notification = class {
  constructor(title, { body, tag }) { window.shown.push({ title, body, tag }); }
  static permission = 'default';
  static async requestPermission() { return (this.permission = 'granted'); }
  addEventListener() {}
};
"""
#: What a browser tells a page that lies behind another one.
HIDE = """
Object.defineProperty(document, 'hidden', { value: true });
Object.defineProperty(document, 'visibilityState', { value: 'hidden' });
document.dispatchEvent(new Event('visibilitychange'));
"""


def test_the_bell_tells_of_each_end_once_though_five_tabs_are_open(
    drive: Drive, web: Web, page_of: Opens
) -> None:
    first = page_of("viewer")
    second, *others = (first.context.new_page() for _ in range(4))
    for page in (first, second, *others):
        page.add_init_script(NOTIFICATIONS)
    open_live(first, web)
    open_live(second, web, "/history")
    for page, path in zip(others, ("/stats", "/audit", "/"), strict=True):
        open_live(page, web, path)
    bell = first.get_by_role("button", name="Browser notifications")
    bell.click()
    expect(bell).to_have_attribute("aria-pressed", "true")
    for page in (second, *others):
        page.evaluate("Notification.permission = 'granted'")
    an_end(drive, JobState.FAILED, "12 sectors are bad")
    expect(row(first, drive)).to_contain_text("Failed")
    for page in (second, *others):
        expect(page.locator("body[data-connected]")).to_be_attached()
    # Each of them has heard of it by then: the last one shows it.
    expect(row(others[-1], drive)).to_contain_text("Failed")
    shown: list[dict[str, Any]] = [
        one for page in (first, second, *others) for one in page.evaluate("shown")
    ]
    assert len(shown) == 1 and "sda" in shown[0]["title"], shown
    for page in others:
        page.close()
    # The tab that is left tells on, whatever it shows, and also when nobody looks at it.
    first.close()
    second.evaluate(HIDE)
    an_end(a_drive(drive.system, "sdb"), JobState.PASSED)
    (told,) = wait_for(lambda: second.evaluate("shown"), 40, "the other tab tells")
    assert told["title"] == "sdb passed"
    # Many that end together are one.
    states = [JobState.FAILED, JobState.PASSED, JobState.UNKNOWN, JobState.PASSED, JobState.PASSED]
    with transaction.atomic():
        for number, state in enumerate(states):
            an_end(a_drive(drive.system, f"sdc{number}"), state)
    (_, digest) = wait_for(
        lambda: len(second.evaluate("shown")) > 1 and second.evaluate("shown"), 40, "they are told"
    )
    assert digest["title"] == "5 burn-ins have ended"
    assert digest["body"] == "3 passed, 1 failed, 1 inconclusive"
    bell = second.get_by_role("button", name="Browser notifications")
    bell.click()
    expect(bell).to_have_attribute("aria-pressed", "false")


def an_end(drive: Drive, state: JobState, why: str = "") -> None:
    """A burn-in of it has just ended."""
    with transaction.atomic():
        job = a_job(drive, state=state, holds_drive=False, error_text=why)
        AuditEvent.objects.create(
            kind=Kind(f"burnin_{state}"),
            note=f"{state}: {why}",
            job_id=job.pk,
            drive_id=drive.pk,
        )
        changed([drive.pk])


def test_a_system_that_falls_silent_shows_on_every_page_by_itself(
    drive: Drive, web: Web, page_of: Opens
) -> None:
    home, other, cards = page_of("viewer"), page_of("operator"), page_of("admin")
    lists, own = other.context.new_page(), other.context.new_page()
    open_live(home, web)
    open_live(other, web, f"/drives/{drive.pk}")
    open_live(cards, web, "/systems")
    open_live(lists, web, "/stats")
    open_live(own, web, "/profile")
    with transaction.atomic():
        System.objects.update(
            last_polled_at=timezone.now() - timedelta(minutes=5), last_error="connection refused"
        )
        changed([drive.pk])
    for page in (home, other, cards, lists, own):
        expect(page.locator("#systems .system")).to_contain_text("stale 5 min")
        assert page.evaluate(MARKED)
    expect(cards.locator("main")).to_contain_text("Connection refused")
    expect(home.locator("#banners")).to_contain_text("nas-1 doesn’t answer.")
    # From a chip to its drives.
    other.locator("#systems .system").click()
    expect(row(other, drive)).to_be_visible()
    assert other.url.endswith(f"/#system-{drive.system_id}")


def test_an_order_that_no_longer_holds_is_offered_anew(
    drive: Drive, web: Web, page_of: Opens
) -> None:
    other = a_drive(drive.system, "sdb", temperature_c=40)
    page = page_of("viewer")
    open_live(page, web, "/?sort=-temp")
    names = page.locator("#drives tr[data-state] .drive a")
    resort = page.get_by_role("button", name="Order changed – re-sort")
    expect(names).to_have_text(["sdb", "sda"])
    expect(resort).to_be_hidden()
    change(other, temperature_c=30)
    expect(resort).to_be_visible()
    expect(names).to_have_text(["sdb", "sda"])
    # Not even a page that missed something, and loads its table, moves a row under the pointer.
    new = a_drive(drive.system, "sdc", temperature_c=35)
    redis.Redis.from_url(web.valkey).incrby(SEQUENCE, 7)
    change(other, temperature_c=31)
    expect(row(page, other)).to_contain_text("31 °C")
    expect(row(page, new)).to_be_visible()
    order = [name for name in names.all_inner_texts() if name != "sdc"]
    assert order == ["sdb", "sda"]
    expect(resort).to_be_visible()
    resort.click()
    expect(names).to_have_text(["sdc", "sda", "sdb"])
    expect(resort).to_be_hidden()
    assert page.evaluate(MARKED)


def test_while_the_server_is_away_a_click_says_why_nothing_happens(
    drive: Drive, web: Web, page_of: Opens
) -> None:
    page = page_of("operator")
    open_live(page, web)
    burn_in = row(page, drive).get_by_text("Burn in…")
    web.kill9()
    expect(page.get_by_text("This page is offline.")).to_be_visible()
    expect(burn_in).to_have_attribute("aria-disabled", "true")
    burn_in.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text("The server can’t be reached just now.")
    expect(page.locator("dialog[open]")).to_have_count(0)
    web.start()
    expect(page.get_by_text("This page is offline.")).to_be_hidden()
    expect(burn_in).not_to_have_attribute("aria-disabled", "true")
    burn_in.click()
    expect(page.get_by_role("dialog", name="Burn in sda")).to_be_visible()
    assert page.evaluate(MARKED)


def test_a_page_that_can_not_read_what_changed_says_so_until_it_can(
    drive: Drive, web: Web, page_of: Opens
) -> None:
    page = page_of("operator")
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
    open_live(page, web)
    old = page.get_by_text("What you see may be old.", exact=True)
    expect(old).to_be_hidden()
    # As a browser that runs out of time with it.
    page.route("**/table*", lambda route: route.abort("timedout"))
    new = a_drive(drive.system, "sdc")
    with transaction.atomic():
        changed([new.pk])
    expect(old).to_be_visible()
    expect(row(page, drive).get_by_text("Burn in…")).not_to_have_attribute("aria-disabled", "true")
    page.unroute("**/table*")
    expect(row(page, new)).to_be_visible(timeout=15_000)
    expect(old).to_be_hidden()
    assert page.evaluate(MARKED)
    assert [one for one in complaints if "Failed to load resource" not in one] == []
