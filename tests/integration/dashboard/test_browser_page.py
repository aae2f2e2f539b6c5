"""The drives page in a real browser: what moves without a reload, and what must not."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import transaction
from playwright.sync_api import Page, expect

from burnin.models import Job, JobState
from drives.models import Drive, System
from live.changes import changed
from tests.integration.dashboard.open_page import MARKED, change, open_live, row
from tests.integration.dashboard.web import Web
from tests.integration.rows import a_drive, a_job, a_system

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(150),
    pytest.mark.needs("chromium"),
]
Opens = Callable[..., Page]


def test_a_change_arrives_and_disturbs_nothing(drive: Drive, web: Web, page_of: Opens) -> None:
    a_drive(drive.system, "sdb")
    page = page_of("viewer")
    open_live(page, web)
    page.locator("[name=q]").fill("sd")
    page.evaluate(
        "addEventListener('animationstart', event => { window.flashed = event.target.className })"
    )
    change(drive, temperature_c=51)
    expect(row(page, drive)).to_contain_text("51 °C")
    page.wait_for_function("window.flashed === 'num temp warn changed'")
    # Nothing moves for who wants that.
    page.emulate_media(reduced_motion="reduce")
    page.evaluate("window.flashed = ''")
    change(drive, temperature_c=38)
    expect(row(page, drive).locator(".temp.changed")).to_contain_text("38 °C")
    motion = "getComputedStyle(document.querySelector('.temp.changed')).animationName"
    assert (page.evaluate(motion), page.evaluate("window.flashed")) == ("none", "")
    change(drive, temperature_c=51)
    expect(row(page, drive)).to_contain_text("51 °C")
    assert page.evaluate(MARKED)
    assert page.evaluate("document.activeElement.name") == "q"
    assert page.locator("[name=q]").input_value() == "sd"
    expect(page.locator("#stats")).to_contain_text("51 °C")
    # No action for a viewer.
    acts = page.locator("#drives").get_by_text("Burn in…")
    expect(acts).to_have_count(2)
    expect(acts.first).not_to_be_visible()


def test_what_the_filter_excludes_stays_hidden(drive: Drive, web: Web, page_of: Opens) -> None:
    page = page_of("viewer")
    open_live(page, web, "/?state=queued")
    expect(page.locator("#nothing")).to_be_visible()
    change(drive, temperature_c=38)
    expect(row(page, drive).locator(".temp")).to_have_text("38 °C")
    expect(row(page, drive)).not_to_be_visible()
    with transaction.atomic():
        a_job(drive)
        changed([drive.pk])
    expect(row(page, drive)).to_be_visible()
    expect(page.locator("#nothing")).not_to_be_visible()
    page.get_by_role("button", name="Queued, remove this filter").click()
    assert page.url == f"{web.url}/"
    assert page.evaluate(MARKED)


def test_the_end_of_a_burn_in_is_said_and_stands_in_the_tab(
    drive: Drive, web: Web, page_of: Opens
) -> None:
    job = a_job(drive, state=JobState.RUNNING)
    page = page_of("viewer")
    open_live(page, web)
    expect(page).to_have_title("1 running – Burn-in")
    with transaction.atomic():
        Job.objects.filter(pk=job.pk).update(
            state=JobState.FAILED, holds_drive=False, error_text="it broke"
        )
        changed([drive.pk])
    expect(page.locator("#said")).to_have_text("sda failed.")
    expect(page).to_have_title("(1 failed) – Burn-in")
    expect(page.locator("#banners")).to_contain_text("It broke")
    assert page.evaluate(MARKED)


def test_a_new_drive_and_a_new_system_appear_by_themselves(
    drive: Drive, web: Web, page_of: Opens
) -> None:
    page = page_of("viewer")
    open_live(page, web)
    with transaction.atomic():
        new = a_drive(drive.system, "sdb")
        other = a_drive(a_system("nas-2"), "ada0")
        changed([new.pk, other.pk])
    expect(row(page, new)).to_be_visible()
    expect(row(page, other)).to_be_visible()
    expect(page.locator("#systems")).to_contain_text("nas-2")
    assert page.evaluate(MARKED)


def test_the_start_dialog_by_keyboard(drive: Drive, web: Web, page_of: Opens) -> None:
    page = page_of("operator")
    open_live(page, web)
    row(page, drive).get_by_text("Burn in…").focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Burn in sda")
    expect(dialog).to_be_visible()
    start = dialog.get_by_role("button", name="Start burn-in")
    # Nobody listens behind this system, so writing is refused, with the reason and no button.
    expect(dialog.get_by_text("Refused: it may not be written.")).to_be_visible()
    expect(start).to_have_count(0)
    dialog.get_by_label("Surface validate").focus()
    page.keyboard.press("Space")
    expect(dialog.get_by_text("Everything on this drive will be overwritten")).not_to_be_visible()
    expect(start).to_be_enabled()
    dialog.get_by_role("button", name="Move SMART long up").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#said")).to_have_text("SMART long is number 1 of 3")
    # It can't go further up, so the focus is on its other button.
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == (
        "Move SMART long down"
    )
    start.focus()
    page.keyboard.press("Enter")
    expect(dialog).not_to_be_visible()
    expect(row(page, drive)).to_contain_text("Queued")
    assert [stage.kind for stage in Job.objects.get().stages.all()] == [
        "precheck", "long_smart", "short_smart", "final_check",
    ]  # fmt: skip
    assert page.evaluate("document.activeElement.textContent").startswith("Cancel…")
    assert page.evaluate(MARKED)
    page.keyboard.press("Enter")
    cancel = page.get_by_role("dialog", name="Cancel the burn-in of sda")
    expect(cancel).to_be_visible()
    page.keyboard.press("Escape")
    expect(cancel).not_to_be_visible()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Cancel burn-in").click()
    expect(row(page, drive)).to_contain_text("Cancelled")


def test_an_open_dialog_survives_updates_and_says_what_changed_meanwhile(
    drive: Drive, web: Web, page_of: Opens
) -> None:
    page = page_of("operator")
    open_live(page, web)
    row(page, drive).get_by_text("Burn in…").click()
    expect(page.locator("[data-refused]")).to_be_visible()
    page.get_by_label("Surface validate").uncheck()
    change(drive, temperature_c=39)
    expect(row(page, drive)).to_contain_text("39 °C")
    dialog = page.get_by_role("dialog", name="Burn in sda")
    expect(dialog).to_be_visible()
    assert not page.get_by_label("Surface validate").is_checked()
    # Somebody else was quicker, and the page hasn't heard of it yet.
    job = a_job(drive)
    dialog.get_by_role("button", name="Start burn-in").click()
    refusal = dialog.get_by_role("alert")
    expect(refusal).to_contain_text("Refused, nothing was started.")
    expect(refusal).to_contain_text(f"Burn-in {job.pk} ")
    assert not page.get_by_label("Surface validate").is_checked()
    page.keyboard.press("Escape")
    with transaction.atomic():
        changed([drive.pk])
    row(page, drive).get_by_text("Cancel…").click()
    dialog = page.get_by_role("dialog", name="Cancel the burn-in of sda")
    expect(dialog).to_be_visible()
    Job.objects.update(state=JobState.PASSED, holds_drive=False)
    dialog.get_by_role("button", name="Cancel burn-in").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Nothing to cancel.")
    dialog.get_by_role("link", name="Close").click()
    expect(dialog).to_be_hidden()


def test_nothing_is_wider_than_the_screen(drive: Drive, web: Web, page_of: Opens) -> None:
    long = "a-very-long-name-that-nobody-would-choose-" * 3
    System.objects.update(name=long[:100], last_error=long)
    key = "SHA256:nOA01q3dyJLb" + "z8JvgfC1z3fkgCo8qtAAgwBNc" * 2
    stopped = f"its SSH host key changed. It shows {key}; {key} was confirmed"
    a_drive(a_system("nas-2", stopped=stopped), "ada0")
    other = a_drive(drive.system, "sdb", serial=long, model=long, location=long[:100])
    job = a_job(other, state=JobState.FAILED, holds_drive=False, error_text=long)
    page = page_of("operator")
    for path in ("/", "/history", f"/history/{job.pk}", f"/drives/{drive.pk}/start", "/systems"):
        page.goto(web.url + path)
        for width in (320, 390, 1024, 1440):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (path, width)
            if path == "/":
                # What is wrong with a system doesn't push its name aside.
                name = page.locator("#drives .group b", has_text="nas-2")
                assert name.evaluate("name => name.scrollWidth <= name.clientWidth"), width


def test_rows_are_of_one_height_in_every_state(nas: System, web: Web, page_of: Opens) -> None:
    for number, state in enumerate(JobState.values):
        a_job(
            a_drive(nas, f"sd{'abcdef'[number]}"),
            state=state,
            holds_drive=state in {"queued", "running"},
            error_text="word " * 60,
        )
    a_drive(nas, "sdg", use_reason="in pool tank")
    a_drive(nas, "sdh", present=False)
    page = page_of("operator")
    page.goto(web.url)

    def heights() -> list[float]:
        found: list[float] = page.eval_on_selector_all(
            "#drives tr[data-state]", "rows => rows.map(row => row.getBoundingClientRect().height)"
        )
        return found

    assert heights() == [40] * 8
    # Compact ones are of one line; the choice stays, and nothing in them is cut off.
    page.get_by_role("button", name="Theme and rows").click()
    page.get_by_role("button", name="Compact rows").click()
    assert heights() == [32] * 8
    page.reload()
    assert heights() == [32] * 8
    high = "all => all.filter(one => one.scrollHeight > 32).map(one => one.textContent)"
    assert page.eval_on_selector_all("#drives tr[data-state] > *", high) == []
    # A short name without a location behind it doesn't end in dots.
    page.mouse.move(0, 0)
    wide = "all => all.filter(one => one.scrollWidth > one.clientWidth).map(one => one.textContent)"
    assert page.eval_on_selector_all("#drives tr[data-state] > .drive", wide) == []
    # Where a line hasn't room enough there are two all the same.
    page.set_viewport_size({"width": 1300, "height": 800})
    assert heights() == [40] * 8
    page.set_viewport_size({"width": 1440, "height": 800})
    page.get_by_role("button", name="Theme and rows").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Rows of two lines").focus()
    page.keyboard.press("Enter")
    assert heights() == [40] * 8


def test_ordering_is_kept_in_the_address_and_through_changes(
    drive: Drive, web: Web, page_of: Opens
) -> None:
    hot = a_drive(drive.system, "sdb", temperature_c=49)
    page = page_of("viewer")
    open_live(page, web, "/?q=sd")
    names = page.locator("#drives tr[data-state] .drive")
    expect(names).to_have_text(["sda", "sdb"])
    page.get_by_role("link", name="Temp").click()
    expect(page.get_by_role("columnheader", name="Temp")).to_have_attribute(
        "aria-sort", "ascending"
    )
    page.get_by_role("link", name="Temp").click()
    expect(names).to_have_text(["sdb", "sda"])
    assert page.url.endswith("?sort=-temp&q=sd") or page.url.endswith("?q=sd&sort=-temp")
    # Under the pointer nothing moves, even where it would now stand elsewhere.
    change(hot, temperature_c=20)
    expect(row(page, hot)).to_contain_text("20 °C")
    expect(names).to_have_text(["sdb", "sda"])
    assert page.evaluate(MARKED)
    page.reload()
    expect(names).to_have_text(["sda", "sdb"])


def test_the_page_of_a_burn_in_follows_it(drive: Drive, web: Web, page_of: Opens) -> None:
    job = a_job(drive, state=JobState.RUNNING)
    page = page_of("operator")
    open_live(page, web, f"/history/{job.pk}")
    expect(page.get_by_role("link", name="Cancel burn-in…")).to_be_visible()
    with transaction.atomic():
        claims = [{"claim": "It reads back", "holds": True, "found": "all", "source": "run"}]
        Job.objects.filter(pk=job.pk).update(
            state=JobState.PASSED, holds_drive=False, claims=claims
        )
        changed([drive.pk])
    expect(page.get_by_role("heading", level=1)).to_contain_text("Passed: 12,000,000,000,000 bytes")
    expect(page.get_by_text("It reads back")).to_be_visible()
    expect(page.get_by_role("link", name="Cancel burn-in…")).to_have_count(0)
    expect(page).to_have_title(f"Passed: sda SER-sda, burn-in {job.pk} – Burn-in")
    assert page.evaluate(MARKED)
    page.get_by_role("link", name="Run again…").click()
    expect(page.get_by_role("dialog", name="Burn in sda")).to_be_visible()


def test_the_first_system_and_the_first_drive_appear_by_themselves(
    web: Web, page_of: Opens
) -> None:
    page = page_of("viewer")
    open_live(page, web)
    expect(page.get_by_role("heading", level=1)).to_have_text("No system yet.")
    with transaction.atomic():
        drive = a_drive(a_system())
        changed([drive.pk])
    expect(row(page, drive)).to_be_visible()
    with transaction.atomic():
        Drive.objects.all().delete()
    page.reload()
    expect(page.get_by_text("No drive was found yet").last).to_be_visible()
    expect(page.locator("body[data-connected]")).to_be_attached()
    with transaction.atomic():
        drive = a_drive(System.objects.get())
        changed([drive.pk])
    expect(row(page, drive)).to_be_visible()
    expect(page.locator("#none")).not_to_be_visible()
    expect(page.locator("#foot")).to_contain_text("1 drive · 12.0 TB")
