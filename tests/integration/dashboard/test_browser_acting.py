"""What a person asks for, in a real browser: stages in another order, old data given free,
self-tests, a failure acknowledged."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from audit.models import AuditEvent, Kind
from burnin.models import Job, JobState
from config import runtime
from drives import poll
from drives.models import Drive, SmartTest
from tests.integration.dashboard.keys import arrow_to, press, tab_to
from tests.integration.dashboard.open_page import MARKED, open_live, row
from tests.integration.dashboard.web import Web
from tests.integration.rows import a_drive, a_job, system_of
from tests.nas import MockNas

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(300),
    pytest.mark.needs("chromium"),
]
Opens = Callable[..., Page]


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


def hours(text: str) -> float:
    """2 d 4 h as 52."""
    worth = {"d": 24, "h": 1, "min": 1 / 60, "s": 1 / 3600}
    return sum(int(count) * worth[unit] for count, unit in re.findall(r"(\d+) (\w+)", text))


def stages_of(dialog: Locator) -> list[str]:
    return [text.strip() for text in dialog.locator("[data-stage] label.check").all_inner_texts()]


def test_stages_are_put_in_another_order_by_dragging_and_by_keyboard(
    drive: Drive, web: Web, page_of: Opens
) -> None:
    other = a_drive(drive.system, "sdb")
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
    # How long it takes follows what is chosen.
    stage = dialog.locator("[data-stage=surface_validate]")
    whole = dialog.locator("[data-says-whole]")
    took = {}
    for passes in ("1", "4"):
        dialog.get_by_label("passes").select_option(passes)
        took[passes] = hours(stage.locator(".est").inner_text())
        rest = hours(whole.inner_text()) - took[passes]
        assert 0 < rest < 24, (passes, took)
    assert abs(took["4"] - 4 * took["1"]) < 4, took
    dialog.get_by_label("Surface validate").uncheck()
    assert abs(hours(whole.inner_text()) - rest) < 1
    dialog.get_by_role("button", name="Start burn-in").click()
    expect(row(page, drive)).to_contain_text("Queued")
    kinds = [stage.kind for stage in Job.objects.get().stages.all()]
    assert kinds == ["precheck", "long_smart", "short_smart", "final_check"]
    # The next dialog begins with the last choice.
    row(page, other).get_by_text("Burn in…").click()
    dialog = page.get_by_role("dialog", name="Burn in sdb")
    expect(dialog.get_by_label("Surface validate")).not_to_be_checked()
    assert stages_of(dialog) == ["SMART long", "SMART short", "Surface validate"]


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
    # A quick screening writes too, so it is confirmed the same way; it has no stages to choose.
    quick = Drive.objects.get(devname="sdh")
    row(page, quick).get_by_text("Burn in…").click()
    dialog = page.get_by_role("dialog", name="Burn in sdh")
    dialog.get_by_label("Quick screening").check()
    expect(dialog.locator("[data-clear-of-data]")).to_contain_text("in no pool")
    expect(dialog.get_by_role("checkbox", name="SMART long")).to_be_hidden()
    start = dialog.get_by_role("button", name="Start burn-in")
    expect(start).to_be_disabled()
    dialog.get_by_label("Type the serial number").fill(quick.serial)
    start.click()
    expect(row(page, quick)).to_contain_text("Queued")
    assert Job.objects.get(drive=quick).profile == "quick"
    assert AuditEvent.objects.get(kind=Kind.RELEASE_GRANTED).drive_id == old.pk


def test_in_a_tab_of_its_own_the_serial_may_be_typed_before_the_host_has_answered(
    fifteen: None, web: Web, page_of: Opens
) -> None:
    drive = Drive.objects.get(devname="sdk")
    page = page_of("operator")
    asked: list[Route] = []
    page.route("**/guard", lambda route: asked.append(route))
    with page.expect_request("**/guard"):
        page.goto(f"{web.url}/drives/{drive.pk}/start")
    start = page.get_by_role("button", name="Start burn-in")
    page.get_by_label("Type the serial number to confirm").fill(drive.serial)
    expect(start).to_be_disabled()
    asked[0].continue_()
    expect(page.locator("[data-clear-of-data]")).to_be_visible()
    expect(start).to_be_enabled()


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
    expect(dialog.get_by_text("2 ready, 1 with old data, 0 refused")).to_be_visible()
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


def test_a_tile_filters_and_a_failure_is_acknowledged(
    drive: Drive, web: Web, page_of: Opens
) -> None:
    other = a_drive(drive.system, "sdb", temperature_c=49)
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
    tile.click()
    page.locator("#stats").get_by_role("link", name="Total 2").click()
    expect(row(page, other)).to_be_visible()
    page.locator("#stats").get_by_role("link", name="Hottest 49 °C sdb").click()
    expect(page.locator("#drives tr[data-state] .drive a")).to_have_text(["sdb", "sda"])
    assert page.url.endswith("/?sort=-temp")
    page.locator("#banners").get_by_role("button", name="Acknowledge").click()
    expect(page.locator("#banners")).not_to_contain_text("It broke")
    expect(page.get_by_role("heading", level=1)).not_to_contain_text("failed")
    # The drive still says so, and the count of failed drives with it.
    expect(row(page, drive)).to_contain_text("Failed")
    expect(tile).to_be_visible()
    job.refresh_from_db()
    assert job.acknowledged_at is not None
    assert page.evaluate(MARKED)
