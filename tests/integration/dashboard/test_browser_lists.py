"""History, Audit and Stats in a real browser: found, paged, counted and handed out."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from audit.models import AuditEvent, Kind
from burnin.models import Job, JobState, StageKind, StageState
from dashboard import days
from drives.models import Drive, System
from tests.integration.dashboard.test_lists import over
from tests.integration.dashboard.test_reports import ended
from tests.integration.dashboard.web import Web
from tests.integration.rows import a_drive, a_system

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(300),
    pytest.mark.needs("chromium"),
]
Opens = Callable[..., Page]


def downloaded(page: Page, name: str) -> Any:
    """The file behind that link."""
    with page.expect_download() as caught:
        page.get_by_role("link", name=name, exact=True).click()
    return caught.value.path().read_text()


def test_history_is_filtered_paged_sorted_and_taken_home(
    drive: Drive, web: Web, page_of: Opens
) -> None:
    now = timezone.now()
    Job.objects.bulk_create(
        Job(drive=drive, system=drive.system, serial=drive.serial, size_bytes=drive.size_bytes,
            state=JobState.PASSED, profile="full", operator_name="olga", holds_drive=False,
            started_at=now - timedelta(hours=n + 9), finished_at=now - timedelta(hours=n))
        for n in range(55)
    )  # fmt: skip
    other = a_drive(a_system("nas-2"), "sdb", model="WD80")
    bad = [
        over(other, JobState.FAILED, days_ago=20 + n, hours=5 + n, operator_name="bob",
             error_text="12 sectors could not be read")
        for n in range(3)
    ]  # fmt: skip
    page = page_of("viewer")
    page.goto(f"{web.url}/history")
    heading = page.get_by_role("heading", level=1)
    lines = page.locator("tbody tr")
    expect(heading).to_have_text("58 burn-ins: 55 passed, 3 failed.")
    expect(lines).to_have_count(50)
    page.get_by_label("Verdict").select_option("passed")
    expect(page.get_by_text("Page 1 of 2")).to_be_visible()
    # The next page keeps the filter, and the browser's own way back leads back.
    page.get_by_role("link", name="Next").click()
    expect(lines).to_have_count(5)
    assert page.url == f"{web.url}/history?state=passed&page=2"
    page.go_back()
    page.go_back()
    expect(heading).to_have_text("58 burn-ins: 55 passed, 3 failed.")
    # By system, person and day, all of it by keyboard; each stays while the next is chosen.
    page.get_by_label("System", exact=True).focus()
    page.keyboard.type("nas-2")
    expect(heading).to_have_text("3 burn-ins match: 3 failed.")
    page.get_by_label("Asked for by").focus()
    page.keyboard.type("bob")
    expect(page.get_by_label("Asked for by")).to_have_value("bob")
    page.get_by_label("to", exact=True).fill(str(days.today() - timedelta(days=21)))
    page.keyboard.press("Enter")
    expect(heading).to_have_text("2 burn-ins match: 2 failed.")
    page.get_by_role("link", name="Took").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("columnheader", name="Took")).to_have_attribute(
        "aria-sort", "ascending"
    )
    expect(lines.first).to_contain_text("6 h")
    address = page.url
    rows = list(csv.DictReader(downloaded(page, "CSV of these 2").splitlines()))
    assert [int(row["job"]) for row in rows] == [bad[1].pk, bad[2].pk]
    page.reload()
    assert page.url == address
    expect(page.get_by_label("System", exact=True)).to_have_value(str(other.system_id))
    page.get_by_label("Search serial").fill("no such thing")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="No burn-in matches", level=2)).to_be_visible()
    page.get_by_role("link", name="Clear filters").last.click()
    expect(heading).to_have_text("58 burn-ins: 55 passed, 3 failed.")


def test_the_audit_log_reads_as_sentences_is_filtered_and_exported(
    drive: Drive, web: Web, page_of: Opens
) -> None:
    def event(note: str, kind: Kind, **facts: Any) -> AuditEvent:
        return AuditEvent(kind=kind, note=note, **facts)

    page = page_of("viewer")  # whose login is an event too
    AuditEvent.objects.bulk_create(
        [
            *(event(f"number {n}", Kind.SETTINGS_CHANGED, actor="olga") for n in range(230)),
            event("alice logged in", Kind.LOGIN, actor="alice", source_ip="192.168.1.20"),
            event("Burn-in 7 of sda SER-sda: queued: Surface", Kind.BURNIN_QUEUED, actor="alice",
                  source_ip="2001:db8::7", job_id=7, drive_id=drive.pk, drive_serial="SER-sda",
                  system_name="nas-1"),
        ]
    )  # fmt: skip
    page.goto(f"{web.url}/audit")
    heading, lines = page.get_by_role("heading", level=1), page.locator(".events li")
    expect(heading).to_have_text("The last 200 events.")
    expect(lines).to_have_count(200)
    expect(lines.first).to_contain_text(
        "Burn-in 7 of sda SER-sda: queued: Surface by alice from 2001:db8::7"
    )
    page.get_by_label("What").select_option("settings_changed")
    expect(heading).to_have_text("The last 200 events that match.")
    page.get_by_role("link", name="Older").click()
    expect(lines).to_have_count(30)
    page.get_by_role("link", name="Newest").click()
    expect(lines).to_have_count(200)
    page.get_by_role("link", name="Clear filters").click()
    # By keyboard: who, then the serial, then words.
    page.get_by_label("Who").focus()
    page.keyboard.type("alice")
    expect(heading).to_have_text("2 events match.")
    page.get_by_label("Serial of a drive").fill("SER-sda")
    page.keyboard.press("Enter")
    expect(heading).to_have_text("1 event matches.")
    (row,) = csv.DictReader(downloaded(page, "CSV").splitlines())
    assert (row["actor"], row["source_ip"], row["serial"]) == ("alice", "2001:db8::7", "SER-sda")
    (told,) = json.loads(downloaded(page, "JSON"))
    assert (told["kind"], told["job_id"]) == ("burnin_queued", 7)
    page.keyboard.press("/")
    page.keyboard.type("nothing like this")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="No event matches", level=2)).to_be_visible()
    page.get_by_role("link", name="Clear filters").last.click()
    lines.first.get_by_role("link", name="drive SER-sda").click()
    assert page.url == f"{web.url}/drives/{drive.pk}"
    expect(page.get_by_label("Audit of this drive")).to_contain_text("queued: Surface")


def cells(page: Page, table: str) -> list[list[str]]:
    """The words of a table's rows."""
    found = page.get_by_role("table", name=table)
    rows: list[list[str]] = found.locator("tbody tr").evaluate_all(
        "rows => rows.map(row => [...row.cells].map(cell => cell.innerText.trim()))"
    )
    return rows


def test_stats_count_and_each_plot_has_its_numbers(nas: System, web: Web, page_of: Opens) -> None:
    states = [JobState.PASSED] * 3 + [JobState.FAILED, JobState.CANCELLED, JobState.UNKNOWN]
    for number, state in enumerate(states):
        job = over(a_drive(nas, f"sd{number}", model="WD80"), state, days_ago=1)
        if state == JobState.FAILED:
            job.stages.filter(kind=StageKind.LONG_SMART).update(
                state=StageState.FAILED, error_text="read failure"
            )
    measured = [a_drive(nas, f"sdx{letter}", model="ST12") for letter in "abcde"]
    job, *others = [ended(each) for each in measured]
    slow = others[-1].stages.get(kind=StageKind.SURFACE_VALIDATE)
    assert slow.started_at
    slow.started_at -= timedelta(hours=10)
    slow.save()
    page = page_of("viewer")
    page.goto(f"{web.url}/stats")
    expect(page.get_by_role("heading", level=1)).to_have_text("8 of 9 burn-ins passed: 88.9 %.")
    # The three tests of five drives, 20 h each and one 30.
    expect(page.locator("main")).to_contain_text("120.0 TB verified, 310 h tested.")
    assert cells(page, "Pass rate by model") == [
        ["ST12", "", "100 %", "0", "0", "5"],
        ["WD80", "", "75 %", "1", "1", "4"],
    ]
    assert cells(page, "Speed of whole surface runs by model") == [
        ["ST12", "", "667 MB/s", "444 MB/s", "667 MB/s", "5"]
    ]
    (outlier,) = cells(page, "Drives that differ from the others of their model")
    assert outlier[1:] == [
        "SER-sdxe", "ST12", "33 % slower", "444 MB/s", "667 MB/s", "5", str(others[-1].pk)
    ]  # fmt: skip
    ((cause, _, count),) = cells(page, "Causes of failure")
    assert cause.startswith("SMART long") and count == "1"
    # The plot of days says the same to who can't see it, and its table by keyboard.
    plot = page.get_by_role("img", name="11 burn-ins ended in the last 14 days")
    expect(plot).to_be_visible()
    page.locator("summary", has_text="Numbers").focus()
    page.keyboard.press("Enter")
    by_day = cells(page, "Burn-ins by day")
    assert len(by_day) == 14 and by_day[-2][1:] == ["3", "1", "2"], by_day
    page.get_by_role("table", name="Burn-ins by day").get_by_role("link").nth(12).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("6 burn-ins match: 3 passed")
    page.go_back()
    page.get_by_role("link", name="ST12").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("5 burn-ins match: 5 passed.")
    # The plots of a burn-in.
    page.goto(f"{web.url}/history/{job.pk}")
    for summary in page.locator("details.numbers summary").all():
        summary.focus()
        page.keyboard.press("Enter")
    # On a phone a wide table scrolls inside its panel.
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.set_viewport_size({"width": 1440, "height": 900})
    throughput = cells(page, "Numbers: Throughput over the drive")
    assert len(throughput) == 16 and throughput[0][0] == "0 – 750 GB"
    assert all(re.fullmatch(r"\d+ MB/s", row[1]) for row in throughput), throughput
    assert cells(page, "Numbers: Temperature")
    latency = cells(page, "Numbers: Latency map, verify 1")
    assert len(latency) == 16 and latency[0][0] == "1 – 64"
    assert [row[-1] for row in latency].count("1") == 1  # its one bad range
    page.get_by_role("link", name="All 1,024 regions as CSV").focus()
    rows = list(csv.DictReader(downloaded(page, "All 1,024 regions as CSV").splitlines()))
    assert {row["phase"] for row in rows} >= {"write-1", "verify-1"}
    assert len([row for row in rows if row["phase"] == "verify-1"]) == 1024
