"""What a person asks for and is told, in a real browser: stages in another order, old data given
free, self-tests, notifications, systems, and a server that is away."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
from django.db import transaction
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from audit.models import AuditEvent, Kind
from burnin.models import Job, JobState
from config import runtime
from dashboard.flusher import SEQUENCE
from drives import poll
from drives.models import Drive, SmartTest, System
from live.changes import changed
from tests.integration.dashboard.keys import arrow_to, press, tab_to
from tests.integration.dashboard.open_page import MARKED, change, open_live, row
from tests.integration.dashboard.web import Web
from tests.integration.rows import a_drive, a_job, system_of
from tests.nas import MockNas
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


@pytest.fixture(scope="module")
def nas_of_all(ssh_keys: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MockNas]:
    nas = MockNas(tmp_path_factory.mktemp("nas"), ssh_keys, speed=1).start()
    yield nas
    nas.stop()


@pytest.fixture
def fifteen(nas_of_all: MockNas, transactional_db: None) -> None:
    """The mock's own drives, known and polled once; sdl holds old data."""
    nas_of_all.debug("reset")
    use = {"fact": "signature", "state": "old_data", "detail": "an ext4 file system “films”"}
    nas_of_all.debug("drive/sdl", {"use": [use]})
    assert poll.run(system_of(nas_of_all).pk)
    runtime.update({"stale_threshold_seconds": 3600}, by="test")


def stages_of(dialog: Locator) -> list[str]:
    return [text.strip() for text in dialog.locator("[data-stage] label.check").all_inner_texts()]


def test_stages_are_put_in_another_order_by_dragging_and_by_keyboard(
    drive: Drive, web: Web, page_of: Opens
) -> None:
    page = page_of("operator")
    open_live(page, web)
    row(page, drive).get_by_text("Burn in…").click()
    dialog = page.get_by_role("dialog", name="Burn in sda")
    expect(dialog.locator("[data-refused]")).to_be_visible()
    assert stages_of(dialog) == ["SMART short", "SMART long", "Surface validate"]
    grip = dialog.get_by_role("button", name="Move SMART long: space, then arrows")
    top = dialog.get_by_role("button", name="Move SMART short: space, then arrows").bounding_box()
    assert top
    grip.hover()
    page.mouse.down()
    page.mouse.move(top["x"] + 4, top["y"] + 2, steps=6)
    page.mouse.up()
    assert stages_of(dialog) == ["SMART long", "SMART short", "Surface validate"]
    expect(page.locator("#said")).to_have_text("SMART long is number 1 of 3")
    # By keyboard: lifted, moved, put back; then lifted, moved, dropped.
    handle = dialog.get_by_role("button", name="Move Surface: space, then arrows")
    handle.focus()
    for key in ("Space", "ArrowUp", "Escape"):
        page.keyboard.press(key)
    assert stages_of(dialog)[2] == "Surface validate"
    expect(dialog).to_be_visible()
    for key in ("Space", "ArrowUp", "ArrowUp", "Space"):
        page.keyboard.press(key)
    assert stages_of(dialog) == ["Surface validate", "SMART long", "SMART short"]
    expect(handle).to_be_focused()
    expect(page.locator("#said")).to_have_text("Surface validate is number 1 of 3, dropped")
    # The next dialog begins with the last choice.
    dialog.get_by_label("Surface validate").uncheck()
    dialog.get_by_role("button", name="Start burn-in").click()
    expect(row(page, drive)).to_contain_text("Queued")
    kinds = [stage.kind for stage in Job.objects.get().stages.all()]
    assert kinds == ["precheck", "long_smart", "short_smart", "final_check"]


def test_surface_runs_are_asked_for_by_keyboard_and_old_data_is_given_free(
    fifteen: None, web: Web, page_of: Opens
) -> None:
    new, old = (Drive.objects.get(devname=name) for name in ("sdk", "sdl"))
    page = page_of("operator")
    open_live(page, web)

    def ask(drive: Drive) -> Locator:
        """Its dialog, and the serial typed but for the last sign."""
        page.get_by_role("link", name=f"Burn in… {drive.devname}").focus()
        press(page, "Enter")
        dialog = page.get_by_role("dialog", name=f"Burn in {drive.devname}")
        expect(
            dialog.locator("#guard :is([data-clear-of-data], [data-releasable])")
        ).to_be_visible()
        tab_to(page, f"Type the serial number to confirm: {drive.serial}")
        page.keyboard.type(drive.serial[:-1])
        words = f"{len(drive.serial) - 1} of {len(drive.serial)} characters"
        expect(dialog.locator("#serial-hint")).to_have_text(words)
        press(page, "Enter")
        expect(dialog.get_by_role("button", name="Start burn-in")).to_be_disabled()
        return dialog

    dialog = ask(new)
    page.keyboard.type(new.serial[-1])
    press(page, "Enter")  # in the field: what destroys is never the default
    expect(dialog.get_by_role("button", name="Start burn-in")).to_be_enabled()
    tab_to(page, "Start burn-in")
    assert not Job.objects.exists()
    press(page, "Enter")
    expect(row(page, new)).to_contain_text("Queued")
    dialog = ask(old)
    expect(dialog).to_contain_text("This drive’s data may be destroyed")
    page.keyboard.type(old.serial[-1])
    start = dialog.get_by_role("button", name="Start burn-in")
    expect(dialog.locator("#serial-hint")).to_have_text("This is the serial number.")
    expect(start).to_be_disabled()
    dialog.get_by_role("checkbox", name="an ext4 file system “films”").focus()
    press(page, "Space")
    expect(start).to_be_enabled()
    tab_to(page, "Start burn-in")
    press(page, "Enter")
    expect(row(page, old)).to_contain_text("Queued")
    released = dict(Job.objects.values_list("drive__devname", "released"))
    assert not released["sdk"] and released["sdl"]
    assert AuditEvent.objects.get(kind=Kind.RELEASE_GRANTED).drive_id == old.pk


def test_a_batch_of_quick_screenings_takes_old_data_only_with_its_serial(
    fifteen: None, web: Web, page_of: Opens
) -> None:
    old = Drive.objects.get(devname="sdl")
    page = page_of("operator")
    open_live(page, web)
    for name in ("sdh", "sdk", "sdl"):
        page.get_by_role("checkbox", name=f"Select {name}", exact=True).check()
    page.get_by_role("button", name="Burn in 3 drives…").click()
    dialog = page.get_by_role("dialog", name="Burn in 3 drives")
    expect(dialog.get_by_text("2 ready, 1 refused")).to_be_visible()
    dialog.get_by_label("Quick screening").check()
    expect(dialog.get_by_role("checkbox", name="SMART long")).to_be_hidden()
    held = dialog.locator(f"[data-drive='{old.pk}']")
    expect(held).to_contain_text("Holds old data: an ext4 file system “films”")
    dialog.get_by_label("Overwrite everything on these 2 drives").check()
    start = dialog.get_by_role("button", name="Start 2 burn-ins")
    expect(start).to_be_enabled()
    dialog.get_by_label("Serial number of sdl").fill(old.serial[:-1])
    held.get_by_label("This drive’s data may be destroyed").check()
    expect(start).to_be_enabled()
    dialog.get_by_label("Serial number of sdl").fill(old.serial)
    expect(dialog.get_by_text("3 ready, 0 refused")).to_be_visible()
    dialog.get_by_role("button", name="Start 3 burn-ins").click()
    expect(page.get_by_role("heading", name="3 of 3: burn-in queued")).to_be_visible()
    page.get_by_role("link", name="Done").click()
    assert set(Job.objects.values_list("profile", flat=True)) == {"quick"}
    assert [bool(job.released) for job in Job.objects.order_by("drive__devname")] == [
        False,
        False,
        True,
    ]
    assert AuditEvent.objects.get(kind=Kind.RELEASE_GRANTED).drive_id == old.pk


def test_a_self_test_is_started_and_cancelled_from_the_row(
    fifteen: None, web: Web, page_of: Opens
) -> None:
    drive = Drive.objects.get(devname="sdk")
    page = page_of("operator")
    open_live(page, web)
    short = row(page, drive).locator("td.test").first
    more = page.get_by_role("button", name="More for sdk")
    more.click()
    page.get_by_role("button", name="Start SMART short").click()
    expect(short).to_have_class(re.compile(r"\btest run\b"))
    more.click()
    page.get_by_role("button", name="Cancel SMART short…").click()
    dialog = page.get_by_role("dialog", name="Cancel SMART short of sdk")
    expect(dialog).to_contain_text("the test counts as aborted, not as failed")
    dialog.get_by_role("button", name="Cancel SMART short").click()
    expect(short).to_have_text("Aborted")
    expect(dialog).not_to_be_visible()
    expect(more).to_be_focused()
    assert SmartTest.objects.get(drive=drive, type="short").state == "aborted"
    kinds = [Kind.SMART_STARTED, Kind.SMART_CANCELLED]
    assert AuditEvent.objects.filter(kind__in=kinds, actor="operator").count() == 2
    assert page.evaluate(MARKED)


def test_self_tests_of_one_by_keyboard_and_of_many_from_the_bar(
    fifteen: None, web: Web, page_of: Opens
) -> None:
    page = page_of("operator")
    open_live(page, web)

    def choose(name: str) -> None:
        """From the menu of sdk, which has the focus again afterwards."""
        press(page, "Enter")
        expect(page.get_by_role("link", name="Open drive")).to_be_visible()
        arrow_to(page, name)
        press(page, "Enter")

    def cell(name: str, place: int) -> Locator:
        return row(page, Drive.objects.get(devname=name)).locator("td.test").nth(place)

    running = re.compile(r"\btest run\b")
    more = page.get_by_role("button", name="More for sdk")
    more.focus()
    choose("Start SMART long")
    expect(cell("sdk", 1)).to_have_class(running)
    expect(more).to_be_focused()
    # Many: each has its outcome, and one that tests itself already is left out with the reason.
    for name in ("sdg", "sdh", "sdk"):
        page.get_by_role("checkbox", name=f"Select {name}", exact=True).check()
    page.get_by_role("button", name="SMART short…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("heading", name="SMART short on 3 drives")).to_be_visible()
    dialog.get_by_role("button", name="Start SMART short").click()
    expect(dialog.get_by_role("heading", name="2 of 3: SMART short started")).to_be_visible()
    outcome = dialog.get_by_role("listitem")
    expect(outcome.filter(has_text="sdk")).to_contain_text("Refused: SMART long runs on it already")
    expect(outcome.filter(has_text="Started")).to_have_count(2)
    dialog.get_by_role("link", name="Done").click()
    expect(page.locator("#batch")).to_be_hidden()
    for name in ("sdg", "sdh"):
        expect(cell(name, 0)).to_have_class(running)
    tab_to(page, "Select sdl")
    press(page, "Space")
    tab_to(page, "Select sdm")
    press(page, "Space")
    tab_to(page, "SMART long…", back=True)
    press(page, "Enter")
    tab_to(page, "Start SMART long")
    press(page, "Enter")
    expect(dialog.get_by_role("heading", name="2 of 2: SMART long started")).to_be_visible()
    tab_to(page, "Done")
    press(page, "Enter")
    expect(cell("sdl", 1)).to_have_class(running)
    more.focus()
    choose("Cancel SMART long…")
    expect(page.get_by_role("dialog", name="Cancel SMART long of sdk")).to_be_visible()
    tab_to(page, "Cancel SMART long")
    press(page, "Enter")
    expect(cell("sdk", 1)).to_have_text("Aborted")
    expect(more).to_be_focused()
    assert SmartTest.objects.filter(state="running").count() == 4
    assert page.evaluate(MARKED)
    # From the drive's own page: started, and a second one refused with its reason.
    page.get_by_role("link", name="sdk", exact=True).click()
    expect(page.locator("body[data-connected]")).to_be_attached()
    page.get_by_role("button", name="SMART short").click()
    tests = page.get_by_role("table", name="Self-tests of this drive")
    expect(tests.get_by_role("row", name="short Running")).to_be_visible()
    expect(dialog).to_be_hidden()
    page.get_by_role("button", name="SMART long").click()
    expect(dialog).to_contain_text("SMART short runs on it already.")
    dialog.get_by_role("link", name="Close").click()
    expect(dialog).to_be_hidden()


def test_the_bell_tells_of_each_end_once_though_two_tabs_are_open(
    drive: Drive, web: Web, page_of: Opens
) -> None:
    first = page_of("viewer")
    second = first.context.new_page()
    for page in (first, second):
        page.add_init_script(NOTIFICATIONS)
    open_live(first, web)
    open_live(second, web, "/history")
    bell = first.get_by_role("button", name="Browser notifications")
    bell.click()
    expect(bell).to_have_attribute("aria-pressed", "true")
    second.evaluate("Notification.permission = 'granted'")
    a_failure(drive)
    expect(row(first, drive)).to_contain_text("Failed")
    expect(second.locator("body[data-connected]")).to_be_attached()
    shown: list[dict[str, Any]] = first.evaluate("shown") + second.evaluate("shown")
    assert len(shown) == 1 and "sda" in shown[0]["title"], shown
    # The tab that is left tells on, whatever it shows.
    first.close()
    a_failure(a_drive(drive.system, "sdb"))
    (told,) = wait_for(lambda: second.evaluate("shown"), 40, "the other tab tells")
    assert "sdb" in told["title"]
    bell = second.get_by_role("button", name="Browser notifications")
    bell.click()
    expect(bell).to_have_attribute("aria-pressed", "false")


def a_failure(drive: Drive) -> None:
    """A burn-in of it has just failed."""
    with transaction.atomic():
        job = a_job(
            drive, state=JobState.FAILED, holds_drive=False, error_text="12 sectors are bad"
        )
        AuditEvent.objects.create(
            kind=Kind.BURNIN_FAILED,
            note="failed: 12 sectors are bad",
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


def test_a_tile_filters_and_a_failure_is_acknowledged(
    drive: Drive, web: Web, page_of: Opens
) -> None:
    other = a_drive(drive.system, "sdb")
    job = a_job(drive, state=JobState.FAILED, holds_drive=False, error_text="it broke")
    page = page_of("operator")
    open_live(page, web)
    tile = page.locator("#stats").get_by_role("link", name="Failed 1")
    tile.click()
    expect(row(page, other)).to_be_hidden()
    expect(row(page, drive)).to_be_visible()
    assert page.url.endswith("/?state=failed")
    tile.click()
    expect(row(page, other)).to_be_visible()
    page.locator("#banners").get_by_role("button", name="Acknowledge").click()
    expect(page.locator("#banners")).not_to_contain_text("It broke")
    expect(page.get_by_role("heading", level=1)).not_to_contain_text("failed")
    # The drive still says so, and the count of failed drives with it.
    expect(row(page, drive)).to_contain_text("Failed")
    expect(tile).to_be_visible()
    job.refresh_from_db()
    assert job.acknowledged_at is not None
    assert page.evaluate(MARKED)
