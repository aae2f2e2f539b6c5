"""The pages of a drive and a burn-in, and the lists, in a real browser: by pointer and keyboard."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
import zxingcpp
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from audit.models import AuditEvent, Kind
from burnin.models import Job, JobState, StageKind, StageState
from drives.models import Drive, SmartReading
from live.changes import changed
from tests.integration.dashboard.open_page import MARKED, open_live
from tests.integration.dashboard.test_reports import ended
from tests.integration.dashboard.web import Web
from tests.integration.rows import a_drive, a_job
from tests.story import smart
from tests.story.evidence import proven

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(300),
    pytest.mark.needs("chromium"),
]
Opens = Callable[..., Page]


def test_the_map_tells_of_every_region_by_keyboard_and_pointer(
    drive: Drive, web: Web, page_of: Opens
) -> None:
    job = ended(drive)
    page = page_of("viewer")
    open_live(page, web, f"/history/{job.pk}")
    latency = page.get_by_role("slider", name="Latency map, verify 1. Arrow keys move by region")
    readout = page.locator(".readout")
    # It stands at the error; the script's words are the server's.
    expect(readout).to_contain_text("1 bad range")
    first = readout.text_content()
    at = int(latency.get_attribute("aria-valuenow") or 0)
    latency.focus()
    page.keyboard.press("ArrowRight")
    expect(readout).to_contain_text(f"Region {at + 1}")
    expect(readout).to_contain_text("no errors")
    # It stays there when the page changes.
    with transaction.atomic():
        AuditEvent.objects.create(kind=Kind.BURNIN_RESUMED, note="goes on", job_id=job.pk)
        changed([drive.pk])
    expect(page.get_by_label(f"Log of burn-in {job.pk}")).to_contain_text("Goes on")
    expect(readout).to_contain_text(f"Region {at + 1}", timeout=1000)
    expect(latency).to_have_attribute("aria-valuenow", str(at + 1))
    expect(latency).to_be_focused()
    page.keyboard.press("ArrowLeft")
    assert readout.text_content() == first
    page.keyboard.press("ArrowUp")
    expect(latency).to_have_attribute("aria-valuenow", str(at - 64))
    page.keyboard.press("End")
    expect(readout).to_contain_text("Region 1,024")
    page.keyboard.press("Home")
    expect(readout).to_contain_text("LBA 0 –")
    box = latency.bounding_box()
    assert box
    # The phase that somebody chose stays, too.
    page.get_by_role("navigation", name="Phase").get_by_role("link", name="Write 1").click()
    written = page.get_by_role("slider", name="Latency map, write 1. Arrow keys move by region")
    expect(written).to_be_visible()
    with transaction.atomic():
        AuditEvent.objects.create(kind=Kind.BURNIN_RESUMED, note="once more", job_id=job.pk)
        changed([drive.pk])
    expect(page.get_by_label(f"Log of burn-in {job.pk}")).to_contain_text("Once more")
    expect(written).to_be_visible(timeout=1000)
    page.reload()
    expect(written).to_be_visible()
    latency = written
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.5)
    expect(latency).to_have_attribute("aria-valuenow", str(7 * 64 + 32))


def test_the_log_follows_while_it_runs_and_keeps_its_filter(
    drive: Drive, web: Web, page_of: Opens
) -> None:
    job = a_job(drive, state=JobState.RUNNING)

    def tell(note: str) -> None:
        with transaction.atomic():
            AuditEvent.objects.create(kind=Kind.BURNIN_RESUMED, note=note, job_id=job.pk)
            changed([drive.pk])

    for number in range(40):
        AuditEvent.objects.create(kind=Kind.STAGE_STARTED, note=f"line {number}", job_id=job.pk)
    page = page_of("viewer")
    page.goto(f"{web.url}/history/{job.pk}")
    expect(page.locator("body[data-connected]")).to_be_attached()
    log = page.get_by_label(f"Log of burn-in {job.pk}")
    at_end = "list => list.scrollTop + list.clientHeight >= list.scrollHeight - 24"
    assert log.evaluate(at_end)
    tell("the newest of all")
    expect(log).to_contain_text("The newest of all")
    assert log.evaluate(at_end)
    search = page.get_by_label("Filter the log")
    search.fill("newest")
    expect(log.locator("li:visible")).to_have_count(1)
    tell("newest again")
    expect(log.locator("li:visible")).to_have_count(2)
    expect(search).to_have_value("newest")
    search.fill("nothing like this")
    expect(page.get_by_text("No line matches.")).to_be_visible()


def test_history_is_searched_by_keyboard(drive: Drive, web: Web, page_of: Opens) -> None:
    ended(drive)
    other = a_drive(drive.system, "sdb", model="WD80")
    job = a_job(other, state=JobState.FAILED, holds_drive=False, error_text="it broke")
    page = page_of("viewer")
    page.goto(f"{web.url}/history")
    page.keyboard.press("/")
    page.keyboard.type("wd80")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("1 burn-in matches: 1 failed.")
    assert page.url == f"{web.url}/history?q=wd80"
    page.get_by_label("Verdict").select_option("passed")
    expect(page.get_by_role("heading", name="No burn-in matches", level=2)).to_be_visible()
    page.get_by_role("link", name="Clear filters").first.click()
    page.get_by_role("link", name="Model").click()
    expect(page.get_by_role("columnheader", name="Model")).to_have_attribute(
        "aria-sort", "ascending"
    )
    with page.expect_download() as caught:
        page.get_by_role("link", name="CSV of these 2").click()
    assert caught.value.suggested_filename == "burn-ins.csv"
    lines = caught.value.path().read_text().splitlines()
    assert len(lines) == 3 and any(line.startswith(f"{job.pk},failed,it broke") for line in lines)


#: A picture's width and height, and each point's lightness, from 0 to 255.
POINTS = """async (png) => {
  const bytes = Uint8Array.from(atob(png), (one) => one.charCodeAt(0));
  const { width, height } = await createImageBitmap(new Blob([bytes]));
  const pen = new OffscreenCanvas(width, height).getContext('2d');
  pen.drawImage(await createImageBitmap(new Blob([bytes])), 0, 0);
  const { data } = pen.getImageData(0, 0, width, height);
  return [width, height, Array.from({ length: width * height }, (_, at) => data[4 * at + 1])];
}"""


def scanned(page: Page, part: Locator) -> str:
    """What a phone reads off that part of the page."""
    png = base64.b64encode(part.screenshot()).decode()
    width, height, points = page.evaluate(POINTS, png)
    found = zxingcpp.read_barcode(memoryview(bytes(points)).cast("B", (height, width)))
    assert found is not None, "nothing to read"
    return found.text


def test_a_sheet_fits_on_one_page_of_paper(drive: Drive, web: Web, page_of: Opens) -> None:
    job = ended(drive)
    kinds = [kind for kind in StageKind if kind != StageKind.IO_VALIDATE]
    claims = [claim for kind in kinds for claim in proven(kind, drive)]
    assert len(claims) == 14, "as many as a whole burn-in proves"
    Job.objects.filter(pk=job.pk).update(claims=claims)
    page = page_of("viewer")
    page.goto(f"{web.url}/history/{job.pk}/print")
    for paper in ("A4", "Letter"):
        told = page.pdf(format=paper, prefer_css_page_size=False)
        assert told.count(b"/Type /Page\n") == 1 or told.count(b"/Type /Page ") == 1, paper
    page.emulate_media(media="print", color_scheme="dark")
    look = "getComputedStyle(document.querySelector('.sheet'))"
    assert page.evaluate(f"{look}.color") == "rgb(0, 0, 0)"
    assert page.evaluate(f"{look}.backgroundColor") == "rgb(255, 255, 255)"
    expect(page.get_by_role("navigation")).not_to_be_visible()
    # Its code leads back to the burn-in, at the address that the server is known by.
    address = f"{settings.APP_URL}/history/{job.pk}"
    assert scanned(page, page.locator(".sheet .qr")) == address
    page.evaluate("window.print = () => { window.wasPrinted = true; }")
    page.emulate_media(media="screen")
    page.get_by_role("button", name="Print").focus()
    page.keyboard.press("Enter")
    assert page.evaluate("window.wasPrinted === true")
    page.goto(web.url + address.removeprefix(settings.APP_URL))
    expect(page.get_by_role("heading", level=1)).to_contain_text("Passed")


def test_a_drive_and_its_burn_in_show_all_that_is_known(
    drive: Drive, web: Web, page_of: Opens
) -> None:
    ended(drive, hours_ago=900)
    job = ended(drive, error_text="it broke", label="order 42")
    # One region has become three times as slow since then.
    surface = job.stages.get(kind=StageKind.SURFACE_VALIDATE)
    region = surface.evidence["detail"]["regions"]["verify-1"][65]
    region[2], region[4] = region[2] * 3, region[4] // 3
    surface.save()
    for stage in job.stages.all():
        began = job.started_at + timedelta(hours=4 * stage.position)
        job.stages.filter(pk=stage.pk).update(
            started_at=began, finished_at=began + timedelta(hours=4)
        )
    entry = smart.log_entry("long", 21_199)
    job.stages.filter(kind=StageKind.LONG_SMART).update(evidence={"log_entry": entry})
    for hours, pending in ((900, 0), (1, 12)):
        SmartReading.objects.create(
            drive=drive, taken_at=timezone.now() - timedelta(hours=hours), health="ok",
            raw=smart.ata("S", "M", 34, id197=pending),
            self_tests=[entry, smart.log_entry("short", 20_844, "aborted")],
        )  # fmt: skip
    page = page_of("viewer")
    page.goto(f"{web.url}/drives/{drive.pk}")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Passed 2 d 1 h ago")
    expect(page.locator("main")).to_contain_text("12.0 TB, 12,000,000,000,000 bytes")
    counters = page.get_by_role("table", name="SMART attributes that changed or matter")
    pending = counters.get_by_role("row", name="Pending sectors")
    expect(pending.locator("td")).to_have_text(["0", "12", "+12"])
    others = page.get_by_role("table", name="SMART attributes that didn’t change")
    expect(others).to_be_hidden()
    page.locator("#smart-others summary").focus()
    page.keyboard.press("Enter")
    expect(others.get_by_role("row").nth(3)).to_be_visible()
    tests = page.get_by_role("table", name="Self-tests of this drive").locator("tbody tr")
    expect(tests).to_have_count(2)
    expect(tests.first).to_contain_text("21,199 h")
    expect(tests.last).to_contain_text("not this program")
    # The plots, with the run before; its map is under the keyboard's arrows, see above.
    for plot in ("Throughput", "Temperature"):
        expect(page.get_by_role("img", name=re.compile(plot)).first).to_be_visible()
    expect(page.locator("main")).to_contain_text("beside the run that ended")
    expect(page.locator(".readout")).to_contain_text("earlier run")
    expect(page.locator(".map .slower")).to_have_attribute("d", "M15 15h16v16h-16z")
    classes = page.get_by_role("list", name=re.compile("Mean time of a chunk"))
    expect(classes).to_contain_text("half as fast as in the earlier run, or less 1")
    # Every second stage is shaded behind the temperature: from 20 to 40 and from 60 to 80 %.
    heat = page.get_by_role("img", name=re.compile("Temperature"))
    shaded = heat.locator(".band").evaluate_all("all => all.map(one => one.getAttribute('d'))")
    assert shaded == ["M200 0H400V100H200z", "M600 0H800V100H600z"]
    expect(heat.get_by_text("SMART long")).to_be_visible()
    # To its burn-in: the verdict, the evidence with what doesn't hold first, errors, files.
    tests.first.get_by_role("link", name=f"burn-in {job.pk}").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Passed: 12,000,000,000,000 bytes")
    expect(page.locator("main")).to_contain_text("order 42")
    evidence = page.locator(".evidence tbody tr")
    expect(evidence.first).to_contain_text("It reads back")
    expect(page.locator(".timeline > li")).to_have_count(5)
    expect(page.locator("main")).to_contain_text("7,812,939,776")
    files = []
    for name in ("JSON", "CSV"):
        with page.expect_download() as caught:
            page.get_by_role("link", name=name, exact=True).click()
        files.append(caught.value.path().read_text())
    assert json.loads(files[0])["sentence"].startswith("Passed")
    assert files[1].startswith("part,name,state")


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


def test_a_failed_burn_in_is_acknowledged_on_its_page(
    drive: Drive, web: Web, page_of: Opens
) -> None:
    earlier = a_job(drive, state=JobState.FAILED, holds_drive=False, error_text="it broke before")
    job = a_job(drive, state=JobState.FAILED, holds_drive=False, error_text="it broke")
    page = page_of("operator")
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
    open_live(page, web, f"/history/{job.pk}")
    button = page.get_by_role("button", name="Acknowledge")
    button.click()
    expect(button).to_have_count(0)
    job.refresh_from_db()
    assert job.acknowledged_at
    assert page.evaluate(MARKED)
    page.goto(f"{web.url}/history/{earlier.pk}")
    expect(page.get_by_role("heading", level=1)).to_contain_text("it broke before")
    expect(button).to_have_count(0)
    assert complaints == []


def test_a_burn_in_is_paused_and_resumed_on_its_page(
    drive: Drive, web: Web, page_of: Opens
) -> None:
    job = a_job(drive, state=JobState.RUNNING, started_at=timezone.now())
    job.stages.filter(kind=StageKind.SURFACE_VALIDATE).update(
        state=StageState.RUNNING, started_at=timezone.now(), percent=41
    )
    page = page_of("operator")
    # From the page of its drive, which has no way to start another one.
    open_live(page, web, f"/drives/{drive.pk}")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Running: Surface")
    expect(page.get_by_role("progressbar", name="Whole burn-in")).to_be_visible()
    expect(page.get_by_role("link", name="Cancel burn-in…")).to_be_visible()
    for name in ("Burn in again…", "Burn in…", "SMART short"):
        expect(page.locator(".page-actions").get_by_text(name)).to_have_count(0)
    page.get_by_role("link", name=f"Follow burn-in {job.pk}").click()
    expect(page.locator("body[data-connected]")).to_be_attached()
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Resume")).to_be_visible()
    expect(page.get_by_label(f"Log of burn-in {job.pk}")).to_contain_text("Pause requested by")
    assert Job.objects.get().pause_requested_by == "operator"
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    assert Job.objects.get().pause_requested_by == ""
    expect(page.locator("dialog[open]")).to_have_count(0)
    # Turns stand under the stage that they happened in.
    with transaction.atomic():
        AuditEvent.objects.create(
            kind=Kind.BURNIN_REATTACHED, note="the run goes on, found again", job_id=job.pk
        )
        changed([drive.pk])
    surface = page.locator(".timeline > li", has_text="Surface")
    for words in ("Pause requested by operator", "Resumed by operator", "found again"):
        expect(surface).to_contain_text(words)
    page.get_by_role("link", name="Cancel burn-in…").click()
    dialog = page.get_by_role("dialog", name="Cancel the burn-in of sda")
    expect(dialog).to_contain_text("Readings, logs and results so far are kept")
    assert Job.objects.get().cancel_requested_at is None
    dialog.get_by_role("button", name="Cancel burn-in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Cancelling, asked by operator.")
    expect(page.get_by_role("link", name="Cancel burn-in…")).to_have_count(0)
