"""What a row says in each state, and what stays as it was while rows change, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from playwright.sync_api import Page, expect

from burnin.models import Job, JobState, StageKind, StageState
from drives.models import Drive, SmartTest, System, TemperatureSample
from tests.integration.dashboard.open_page import MARKED, change, open_live, row
from tests.integration.dashboard.web import Web
from tests.integration.rows import a_drive, a_job, a_system

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(180),
    pytest.mark.needs("chromium"),
]
Opens = Callable[..., Page]


def at_surface(drive: Drive, *, job: dict[str, Any] | None = None, **stage: Any) -> Job:
    """A burn-in in the middle of its surface run."""
    begun = timezone.now() - timedelta(hours=5)
    running = a_job(drive, state=JobState.RUNNING, started_at=begun, **(job or {}))
    running.stages.filter(position__lt=3).update(state=StageState.PASSED)
    running.stages.filter(kind=StageKind.SURFACE_VALIDATE).update(
        **{"state": StageState.RUNNING, "started_at": begun, "percent": 40.0, **stage}
    )
    return running


def heat(reason: str) -> dict[str, Any]:
    return {"paused": {"by": "temperature", "reason": reason}}


def over(drive: Drive, state: JobState, **facts: Any) -> Job:
    facts = {"finished_at": timezone.now() - timedelta(hours=3), "holds_drive": False, **facts}
    return a_job(drive, state=state, **facts)


def test_each_state_has_its_words(nas: System, web: Web, page_of: Opens) -> None:
    now = timezone.now()
    said: dict[str, tuple[str, str]] = {}  # drive: burn-in, the action

    def a(name: str, words: str, act: str, **facts: Any) -> Drive:
        said[name] = words, act
        return a_drive(nas, name, **facts)

    a("sda", "Never burned in In no pool, as far as nas-1 says", "Burn in… sda")
    a_job(a("sdb", r"Queued · 1st (starts about|by olga, )", "Cancel… burn-in of sdb"))
    at_surface(
        a("sdc", r"Surface 4/5 \d\d\.\d % 180 MB/s · 5 h so far", "Cancel…"),
        progress={"rate_bytes_per_second": 180e6},
    )
    at_surface(
        a("sdd", r"Paused: 56 °C \d\d\.\d % Goes on below 50 °C", "Cancel…"),
        progress=heat("56 °C, goes on below 50 °C"),
    )
    at_surface(
        a("sde", r"Paused 4/5 \d\d\.\d % by alice Resume", "Cancel…"),
        job={"pause_requested_by": "alice"}, waiting_for="Paused by alice",
    )  # fmt: skip
    at_surface(
        a("sdf", r"Surface 4/5 \d\d\.\d % Can’t reach nas-1 for 4 min", "Cancel…"),
        waiting_for="Can’t reach nas-1 for 4 min; the run goes on there",
    )
    at_surface(
        a("sdg", r"Cancelling \d\d\.\d % Waiting for nas-1", "More for sdg"),
        job={"cancel_requested_at": now, "cancel_requested_by": "bob"},
        waiting_for="Waiting for nas-1",
    )
    over(a("sdh", "Passed 3 h ago · .*Certificate", "Burn in… sdh"), JobState.PASSED)
    failed = over(
        a("sdi", "Failed at surface 12 sectors could not be read back Why?", "Burn in… sdi"),
        JobState.FAILED, error_text="12 sectors could not be read back",
    )  # fmt: skip
    failed.stages.filter(kind=StageKind.SURFACE_VALIDATE).update(state=StageState.FAILED)
    over(
        a("sdj", r"Cancelled at \d+ % by alice, 3 h ago Details", "Burn in… sdj"),
        JobState.CANCELLED, cancel_requested_by="alice",
    )  # fmt: skip
    over(
        a("sdk", "Refused Mounted at /mnt Details", "Burn in… sdk"),
        JobState.CANCELLED, error_text="refused: mounted at /mnt",
    )  # fmt: skip
    over(
        a("sdl", "Inconclusive The host rebooted during SMART long Run again… .*", "Burn in… sdl"),
        JobState.UNKNOWN, error_text="the host rebooted during SMART long",
    )  # fmt: skip
    a("sdm", "In use In pool tank", "Locked", pool="tank", smart_health="ok")
    a("sdn", "Absent nas-1 doesn’t list it", "More for sdn", present=False)
    first = a("sdo", r"Precheck 1/5 0\.0 % ", "Cancel…", smart_health="failed")
    a_job(first, state=JobState.RUNNING, started_at=now).stages.filter(position=0).update(
        state=StageState.RUNNING, started_at=now
    )
    last = at_surface(a("sdp", r"Surface 4/5 99\.9 % ", "Cancel…"), percent=99.9)
    last.stages.filter(position=4).update(state=StageState.PASSED)

    def tested(name: str, type: str, state: str, **facts: Any) -> None:
        drive = Drive.objects.get(devname=name)
        SmartTest.objects.create(
            drive=drive, type=type, state=state, **{"finished_at": now - timedelta(days=2), **facts}
        )

    tested("sda", "short", "running", percent=30)
    tested("sda", "long", "passed")
    tested("sdh", "short", "failed", error_text="read failure at LBA 4,096")
    tested("sdh", "long", "aborted", error_text="interrupted by a reset")
    tested("sdi", "short", "unknown", error_text="no entry in the log")
    tested("sdi", "long", "idle")
    page = page_of("operator")
    open_live(page, web)
    for name, (words, act) in said.items():
        line = row(page, Drive.objects.get(devname=name))
        told = " ".join(line.locator(".burn").inner_text().split())
        assert re.match(words, told), (name, told)
        assert act in (line.locator(".acts").text_content() or "") + " ".join(
            label.get_attribute("aria-label") or "" for label in line.get_by_role("button").all()
        ), name
    # Each action has a place of its own, so that none is where another one was before.
    boxes = [
        row(page, Drive.objects.get(devname=name)).get_by_role("link", name=act).bounding_box()
        for name, act in (("sda", "Burn in… sda"), ("sdb", "Cancel… burn-in of sdb"))
    ]
    assert boxes[0] and boxes[1] and boxes[0]["x"] + boxes[0]["width"] < boxes[1]["x"]
    # What nothing can be done with is dimmed, not hidden; health has its word.
    ink = "row => getComputedStyle(row.querySelector('.serial')).color"
    colours = {
        name: row(page, Drive.objects.get(devname=name)).evaluate(ink)
        for name in ("sda", "sdb", "sdm", "sdn")
    }
    assert colours["sdm"] == colours["sdn"] != colours["sda"] == colours["sdb"], colours
    for name, health in (("sda", "–"), ("sdm", "OK"), ("sdo", "Failed")):
        cell = row(page, Drive.objects.get(devname=name)).locator(".health")
        expect(cell).to_have_text(health)
    # A bar says its percentage to who can't see it.
    bar = page.get_by_role("progressbar", name="Burn-in of sdc")
    assert 40 < float(bar.get_attribute("value") or 0) < 100
    tests = {
        name: row(page, Drive.objects.get(devname=name)).locator("td.test")
        for name in ("sda", "sdh", "sdi")
    }
    expect(tests["sda"]).to_have_text(["30 %", "passed 2 d"])
    expect(tests["sdh"]).to_have_text(["Failed", "Aborted"])
    expect(tests["sdh"].first).to_have_attribute("title", "read failure at LBA 4,096")
    expect(tests["sdi"]).to_have_text(["No end", "–"])


def test_a_drive_that_is_absent_for_a_month_is_in_the_history_alone(
    drive: Drive, web: Web, page_of: Opens
) -> None:
    month, week = (timezone.now() - timedelta(days=days) for days in (31, 7))
    gone = a_drive(drive.system, "sdb", present=False, absent_since=month)
    away = a_drive(drive.system, "sdc", present=False, absent_since=week)
    bad = a_drive(drive.system, "sdd", present=False, absent_since=month)
    job = over(gone, JobState.PASSED)
    over(bad, JobState.FAILED, error_text="it broke")
    page = page_of("operator")
    open_live(page, web)
    expect(row(page, away)).to_be_visible()
    expect(row(page, gone)).to_have_count(0)
    expect(page.locator("#stats").get_by_role("link", name="Total 3")).to_be_visible()
    expect(page.locator("#foot")).to_contain_text("1 absent for more than 30 days is left out")
    # A change of it doesn't bring it back, nor does it disturb the page.
    change(gone, notes="returned to the shop")
    change(drive, temperature_c=41)
    expect(row(page, drive)).to_contain_text("41 °C")
    expect(row(page, gone)).to_have_count(0)
    # One that failed stays until somebody has said that he has seen it.
    expect(row(page, bad)).to_be_visible()
    page.locator("#banners").get_by_role("button", name="Acknowledge").click()
    expect(page.locator("#banners .banner")).to_have_count(0)
    expect(row(page, bad)).to_have_count(0)
    expect(row(page, away)).to_be_visible()
    expect(page.locator("#count")).to_have_text("2 drives")
    expect(page.locator("#foot")).to_contain_text("2 absent for more than 30 days are left out")
    assert page.evaluate(MARKED)
    page.locator("#foot").get_by_role("link", name="history").click()
    page.get_by_role("row").filter(has_text="SER-sdb").get_by_role("link").first.click()
    expect(page).to_have_url(f"{web.url}/history/{job.pk}")
    page.get_by_role("link", name="sdb SER-sdb").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(
        re.compile("^Absent: nas-1 hasn’t listed it for 31 d")
    )
    # Its own page goes on hearing of it.
    expect(page.locator("body[data-connected]")).to_be_attached()
    change(gone, pool="tank", present=True)
    expect(page.get_by_role("heading", level=1)).to_have_text("In use: in pool tank.")
    change(gone, present=False)
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("^Absent"))
    assert Drive.objects.get(pk=gone.pk).notes == "returned to the shop"


def test_heat_pauses_a_run_and_below_the_threshold_it_goes_on_by_itself(
    drive: Drive, web: Web, page_of: Opens
) -> None:
    job = at_surface(drive)
    home = page_of("operator")
    open_live(home, web)
    report = home.context.new_page()
    open_live(report, web, f"/history/{job.pk}")

    def now(celsius: int, paused: dict[str, Any]) -> None:
        """As a poll finds it."""
        with transaction.atomic():
            job.stages.filter(kind=StageKind.SURFACE_VALIDATE).update(progress=paused)
            change(drive, temperature_c=celsius)

    cell = row(home, drive).locator(".burn")
    expect(cell).to_contain_text("Surface 4/5")
    now(56, heat("56 °C, goes on below 48 °C"))
    expect(cell).to_contain_text("Paused: 56 °C")
    expect(cell).to_contain_text("Goes on below 48 °C")
    # Nobody has to do anything, so nothing is offered but the cancel.
    expect(cell.get_by_role("button")).to_have_count(0)
    expect(row(home, drive).get_by_text("Cancel…")).to_be_visible()
    expect(home.locator("#stats")).to_contain_text("56 °C")
    expect(report.get_by_role("heading", level=1)).to_contain_text("Paused: 56 °C")
    expect(report.locator("main")).to_contain_text("Goes on below 48 °C.")
    now(50, heat("56 °C, goes on below 48 °C"))
    expect(row(home, drive).locator(".temp")).to_contain_text("50 °C")
    expect(cell).to_contain_text("Paused: 56 °C")
    now(47, {})
    expect(cell).to_contain_text("Surface 4/5")
    expect(report.get_by_role("heading", level=1)).not_to_contain_text("Paused")
    assert home.evaluate(MARKED) and report.evaluate(MARKED)


def test_the_last_day_of_temperature_stands_as_a_line_in_its_cell(
    drive: Drive, web: Web, page_of: Opens
) -> None:
    unmeasured = a_drive(drive.system, "sdb", temperature_c=34)
    now = timezone.now()
    TemperatureSample.objects.bulk_create(
        TemperatureSample(drive=drive, taken_at=now - timedelta(hours=hour), celsius=58 - hour)
        for hour in range(26)
    )
    page = page_of("viewer")
    open_live(page, web)
    expect(row(page, drive).locator(".spark")).to_be_visible()
    expect(row(page, unmeasured).locator(".spark")).to_have_count(0)
    # It rises from left to right, inside its cell, beside the number.
    path = row(page, drive).locator(".spark path")
    numbers = [int(n) for n in re.findall(r"-?\d+", path.get_attribute("d") or "")]
    across, down = numbers[::2], numbers[1::2]
    assert len(across) >= 11 and across == sorted(across) and down == sorted(down, reverse=True)
    line, cell = path.bounding_box(), row(page, drive).locator(".temp").bounding_box()
    assert line and cell and line["width"] > 30
    assert cell["x"] <= line["x"] and line["x"] + line["width"] <= cell["x"] + cell["width"]
    # And it stays when the row changes.
    change(drive, temperature_c=59)
    expect(row(page, drive).locator(".temp")).to_contain_text("59 °C")
    expect(row(page, drive).locator(".spark")).to_be_visible()
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_an_open_menu_and_the_place_on_the_page_survive_an_update(
    nas: System, web: Web, page_of: Opens
) -> None:
    drives = [a_drive(nas, f"da{number}") for number in range(60)]
    page = page_of("operator", height=600)
    open_live(page, web)
    target = row(page, drives[40])
    more = target.get_by_role("button", name="More for da40")
    more.click()
    edit = page.get_by_role("button", name="Edit location and notes…")
    edit.focus()
    where = "row => Math.round(row.getBoundingClientRect().top)"
    before = target.evaluate(where)
    assert page.evaluate("scrollY") > 300
    # The rows above and its own change, and a banner comes in above them all.
    with transaction.atomic():
        System.objects.update(last_error="connection refused")
        for drive in drives[:45]:
            change(drive, temperature_c=41)
    expect(target).to_contain_text("41 °C")
    expect(page.locator("#banners .banner")).to_have_count(1)
    assert target.evaluate(where) == before
    expect(edit).to_be_focused()
    edit.press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text("da40")
    page.keyboard.press("Escape")
    expect(more).to_be_focused()
    assert target.evaluate(where) == before
    assert page.evaluate(MARKED)


def test_what_is_chosen_stands_in_the_address_and_all_of_it_is_selected_at_once(
    drive: Drive, web: Web, page_of: Opens
) -> None:
    silent = a_system(
        "nas-2",
        last_polled_at=timezone.now() - timedelta(minutes=9),
        last_error="connection refused",
    )
    far = [a_drive(silent, f"ada{n}", model="WD80" if n else "ST4000") for n in range(4)]
    a_job(far[3])
    page = page_of("operator")
    open_live(page, web)
    # The warning is that system's alone.
    group = page.locator(f"#system-{silent.pk}")
    expect(group).to_contain_text("Values of 9 min ago: connection refused")
    expect(page.locator(f"#system-{drive.system_id}")).not_to_contain_text("Values of")
    # Its values stay, dimmed.
    ink = "row => getComputedStyle(row.querySelector('.serial')).color"
    assert row(page, far[0]).evaluate(ink) != row(page, drive).evaluate(ink)
    page.locator("#banners").get_by_role("link", name="Show its drives").click()
    expect(row(page, drive)).to_be_hidden()
    expect(page.locator("#count")).to_have_text("4 of 5 drives")
    page.get_by_label("Model", exact=True).select_option("WD80")
    expect(page.locator("#count")).to_have_text("3 of 5 drives")
    assert page.url.endswith(f"/?system={silent.pk}&model=WD80")
    page.reload()
    expect(page.locator("#count")).to_have_text("3 of 5 drives")
    expect(page.get_by_label("System", exact=True)).to_have_value(str(silent.pk))
    # All of the filter, and no more: neither what it hides nor what has a burn-in.
    everything = page.get_by_label("Select all drives that are shown and free")
    everything.focus()
    page.keyboard.press("Space")
    expect(page.locator("#batch-count")).to_have_text("2 selected")
    page.locator("#batch-chips").get_by_role("button", name="WD80, remove this filter").click()
    expect(row(page, far[0])).to_be_visible()
    expect(page.locator("#batch-count")).to_have_text("2 selected")
    assert not everything.is_checked() and everything.evaluate("box => box.indeterminate")
    assert page.evaluate("document.querySelector('#batch-drives').value") == (
        f"{far[1].pk},{far[2].pk}"
    )
