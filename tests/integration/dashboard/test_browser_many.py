"""A system with more drives than one body of the table holds, in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone
from playwright.sync_api import Page, expect

from dashboard.views.home import ROWS_TOGETHER
from drives.models import System
from live.changes import changed
from tests.integration.dashboard.open_page import change, open_live, row
from tests.integration.dashboard.web import Web
from tests.integration.rows import a_drive, a_system

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(180),
    pytest.mark.needs("chromium"),
]
Opens = Callable[..., Page]
HEIGHT = "document.documentElement.scrollHeight"


def names(page: Page) -> list[str]:
    return page.locator("#drives tr[data-state] .drive > a").all_text_contents()


def test_rows_in_several_bodies_are_one_system(nas: System, web: Web, page_of: Opens) -> None:
    many = [a_drive(nas, f"da{number}") for number in range(2 * ROWS_TOGETHER + 10)]
    other = a_system("nas-2")
    few = [a_drive(other, f"ada{number}") for number in range(3)]
    page = page_of("operator", height=400)  # the last bodies are far out of sight
    open_live(page, web)
    assert page.locator("#drives tbody").count() == 4
    # Out of sight they are as high as in sight.
    skipped = "row => !row.cells[2].checkVisibility({ contentVisibilityAuto: true })"
    assert row(page, many[-1]).evaluate(skipped)
    before = page.evaluate(HEIGHT)
    row(page, few[2]).scroll_into_view_if_needed()
    expect(row(page, few[2])).to_be_in_viewport()
    assert page.evaluate(HEIGHT) == before
    # All of one system, and no more.
    everything = page.get_by_label("Select all of nas-1 that are shown and free")
    everything.check()
    expect(page.locator("#batch-count")).to_have_text(f"{len(many)} selected")
    row(page, many[-1]).get_by_role("checkbox").uncheck()
    expect(page.locator("#batch-count")).to_have_text(f"{len(many) - 1} selected")
    assert everything.evaluate("box => box.indeterminate")
    page.get_by_role("button", name="Clear", exact=True).click()
    # A filter leaves no room for what it hides, and brings it back.
    page.get_by_label("Search name, serial, model, location").fill(many[-1].serial)
    expect(page.locator("#count")).to_have_text(f"1 of {len(many) + 3} drives")
    expect(page.locator(f"#system-{nas.pk}")).to_be_visible()
    expect(page.locator(f"#system-{other.pk}")).to_be_hidden()
    assert page.evaluate(HEIGHT) < before / 4
    page.locator("#chips button").click()
    expect(page.locator("#count")).to_have_text(f"{len(many) + 3} drives")
    assert page.evaluate(HEIGHT) == before


def test_a_silent_system_is_dimmed_to_its_last_row_and_no_further(
    nas: System, web: Web, page_of: Opens
) -> None:
    many = [a_drive(nas, f"da{number}") for number in range(ROWS_TOGETHER + 5)]
    fresh = a_drive(a_system("nas-2"), "ada0")
    page = page_of("operator")
    open_live(page, web)
    ink = "row => getComputedStyle(row.querySelector('.serial')).color"
    clear = row(page, fresh).evaluate(ink)
    assert row(page, many[-1]).evaluate(ink) == clear
    with transaction.atomic():
        System.objects.filter(pk=nas.pk).update(
            last_polled_at=timezone.now() - timedelta(minutes=9), last_error="connection refused"
        )
        changed([many[0].pk])
    expect(page.locator(f"#system-{nas.pk}")).to_contain_text("connection refused")
    assert row(page, many[0]).evaluate(ink) != clear
    assert row(page, many[-1]).evaluate(ink) != clear
    assert row(page, fresh).evaluate(ink) == clear


def test_a_new_drive_moves_others_to_the_next_body_and_nothing_is_lost(
    nas: System, web: Web, page_of: Opens
) -> None:
    many = [a_drive(nas, f"da{number}") for number in range(1, ROWS_TOGETHER + 5)]
    page = page_of("operator")
    open_live(page, web)
    last = many[ROWS_TOGETHER - 1]  # the last of the first body
    expect(page.locator("#drives tbody").first.locator("tr").last).to_have_id(f"drive-{last.pk}")
    row(page, last).get_by_role("checkbox").check()
    row(page, last).get_by_role("link", name=last.devname, exact=True).focus()
    new = a_drive(nas, "da0")
    change(new, temperature_c=30)
    expect(row(page, new)).to_be_visible()
    assert names(page) == ["da0", *(drive.devname for drive in many)]
    expect(page.locator("#drives tbody").last.locator("tr").first).to_have_id(f"drive-{last.pk}")
    expect(row(page, last).get_by_role("checkbox")).to_be_checked()
    expect(row(page, last).get_by_role("link", name=last.devname, exact=True)).to_be_focused()
    expect(page.locator("#batch-count")).to_have_text("1 selected")
