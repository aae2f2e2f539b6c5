"""What browser tests do with the drives page again and again."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from playwright.sync_api import Locator, Page, expect

from drives.models import Drive
from live.changes import changed
from tests.integration.dashboard.web import Web

#: Written on the page after it was loaded; a reload would lose it.
MARK = "window.markedByTest = true"
MARKED = "window.markedByTest === true"


def change(drive: Drive, **facts: Any) -> None:
    """As a poll would: the row, and the mark that it changed."""
    with transaction.atomic():
        Drive.objects.filter(pk=drive.pk).update(**facts)
        changed([drive.pk])


def row(page: Page, drive: Drive) -> Locator:
    return page.locator(f"#drive-{drive.pk}")


def open_live(page: Page, web: Web, path: str = "/") -> None:
    """Open it and wait until it hears of changes."""
    page.goto(web.url + path)
    expect(page.locator("body[data-connected]")).to_be_attached()
    page.evaluate(MARK)
