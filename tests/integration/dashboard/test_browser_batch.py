"""Many drives at once in a real browser, against a real mock NAS whose guard is really asked."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from burnin.models import Job
from config import runtime
from drives import poll
from drives.models import Drive, System
from tests.integration.dashboard.web import Web
from tests.integration.rows import system_of
from tests.nas import MockNas

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(900),
    pytest.mark.needs("chromium"),
]
SHELF = 24
HEIGHTS = "list => [...list.children].map(one => one.getBoundingClientRect().height)"
MIB = 2
#: Counts what a person does, from before any script of the page.
COUNTING = """
window.done = { clicks: 0, keys: 0 };
addEventListener('pointerdown', () => { window.done.clicks += 1; }, true);
addEventListener('keydown', () => { window.done.keys += 1; }, true);
"""


@pytest.fixture(scope="module")
def nas_of_new(ssh_keys: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MockNas]:
    media = [f"da{n}:NEW{n:04}:TEST-2M:{MIB}" for n in range(SHELF)]
    media += [f"da{SHELF}:USED0001:TEST-2M:{MIB}:pool=tank"]
    nas = MockNas(tmp_path_factory.mktemp("nas"), ssh_keys, media=media).start()
    yield nas
    nas.stop()


@pytest.fixture
def shelf(nas_of_new: MockNas, transactional_db: None) -> System:
    """A NAS with a shelf of new drives and one in a pool, known and polled once; nothing runs on
    it, so it stays as it is."""
    system = system_of(nas_of_new)
    assert poll.run(system.pk)
    # Nobody polls it again, and a busy machine is slow; what it said last counts on.
    runtime.update({"stale_threshold_seconds": 3600}, by="test")
    return system


def test_a_shelf_of_24_takes_six_clicks_at_most_and_nothing_typed(
    shelf: System, web: Web, page_of: Callable[..., Page]
) -> None:
    page = page_of("operator")
    page.add_init_script(COUNTING)
    page.goto(web.url)
    expect(page.locator("body[data-connected]")).to_be_attached()
    used = page.locator("tr[data-state]", has_text="USED0001")
    expect(used.get_by_role("checkbox")).to_be_disabled()
    expect(used.locator(".pick")).to_have_attribute("title", re.compile("In pool tank"))

    page.get_by_label("Select all of nas-1").click()
    expect(page.locator("#filter")).to_be_hidden()
    page.get_by_role("button", name="Burn in 24 drives…").click()
    dialog = page.get_by_role("dialog", name="Burn in 24 drives")
    start = dialog.get_by_role("button", name="Start 24 burn-ins")
    expect(dialog.get_by_text("24 ready, 0 refused")).to_be_visible(timeout=90_000)
    expect(start).to_be_disabled()
    dialog.get_by_label("Overwrite everything on these 24 drives").click()
    start.click()
    expect(page.get_by_role("heading", name="24 of 24: burn-in queued")).to_be_visible(
        timeout=90_000
    )
    done: dict[str, Any] = page.evaluate("window.done")
    assert done["clicks"] <= 6 and done["keys"] == 0, done
    page.get_by_role("link", name="Done").click()
    assert Job.objects.count() == SHELF
    assert not Job.objects.filter(serial="USED0001").exists()
    # The selection is gone with the act, the filter row is back, and every row knows.
    expect(page.locator("#batch")).to_be_hidden()
    expect(page.locator("#filter")).to_be_visible()
    expect(page.locator("tr[data-state=queued]")).to_have_count(SHELF)


def test_what_speaks_against_a_drive_stands_at_it_and_self_tests_need_no_tick(
    shelf: System, web: Web, page_of: Callable[..., Page]
) -> None:
    hot, other = Drive.objects.get(serial="NEW0000"), Drive.objects.get(serial="NEW0001")
    Drive.objects.filter(pk=hot.pk).update(temperature_c=58)
    page = page_of("operator")
    page.goto(web.url)
    expect(page.locator("body[data-connected]")).to_be_attached()
    page.get_by_label("Select da0", exact=True).click()
    page.get_by_label("Select da3", exact=True).click(modifiers=["Shift"])
    asking: list[Route] = []
    page.route("**/batch/verdicts?*", lambda route: asking.append(route))
    page.get_by_role("button", name="Burn in 4 drives…").click()
    dialog = page.get_by_role("dialog", name="Burn in 4 drives")
    # Until the host has answered, bones keep the room of its answers.
    verdicts = dialog.locator(".verdicts")
    expect(verdicts.locator(".bone")).to_have_count(4)
    expect(dialog.get_by_role("button", name="Start burn-ins")).to_be_disabled()
    kept = verdicts.evaluate(HEIGHTS)
    asking[0].continue_()
    expect(dialog.get_by_text("3 ready, 1 refused")).to_be_visible(timeout=90_000)
    # The first one's reason may take two lines.
    assert verdicts.evaluate(HEIGHTS)[1:] == kept[1:]
    expect(
        dialog.get_by_text("Refused: 58 °C is too hot to start; the limit is 50 °C")
    ).to_be_visible()
    expect(dialog.get_by_label("Overwrite everything on these 3 drives (6.3 MB)")).to_be_visible()
    dialog.get_by_role("checkbox", name="Surface validate").uncheck()
    dialog.get_by_role("checkbox", name="SMART long").uncheck()
    expect(dialog.locator(".danger-box")).to_be_hidden()
    start = dialog.get_by_role("button", name="Start 3 burn-ins")
    expect(start).to_be_enabled()
    start.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="3 of 3: burn-in queued")).to_be_visible()
    assert set(Job.objects.values_list("profile", flat=True)) == {"short"}
    assert Job.objects.filter(drive=other).exists() and not Job.objects.filter(drive=hot).exists()
