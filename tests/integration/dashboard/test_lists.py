"""History, Stats and Audit: what they find, how they count, what they hand out."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.test import Client
from django.utils import timezone

from audit.models import AuditEvent, Kind
from burnin.models import Job, JobState, Stage, StageKind, StageState
from dashboard import days
from drives.models import Drive, System, TemperatureSample
from tests.integration.dashboard.test_pages import text
from tests.integration.rows import a_drive, a_job, a_system

pytestmark = pytest.mark.django_db


@pytest.fixture
def viewer(as_: Callable[[str], Client]) -> Client:
    return as_("viewer")


def body(answer: Any) -> str:
    """All of a streamed answer."""

    async def collect() -> bytes:
        return b"".join([piece async for piece in answer.streaming_content])

    return async_to_sync(collect)().decode()


def over(
    drive: Drive, state: JobState, days_ago: float = 0, hours: float = 10, **facts: Any
) -> Job:
    end = timezone.now() - timedelta(days=days_ago)
    times = {"started_at": end - timedelta(hours=hours), "finished_at": end}
    return a_job(drive, state=state, holds_drive=False, **times | facts)


# --- history -----------------------------------------------------------------------------------
def ids(answer: Any) -> list[int]:
    return [job.pk for job in answer.context["page"]]


def test_each_filter_finds_what_it_says(viewer: Client, nas: System) -> None:
    other = a_system("nas-2")
    first = over(a_drive(nas, "sda", model="WD80", location="Bay 7"), JobState.PASSED, 40)
    second = over(a_drive(other, "sdb", model="ST12"), JobState.FAILED, 2, error_text="it broke",
                  operator_name="bob")  # fmt: skip
    today = days.today()
    for query, found in {
        "": [second, first],
        "?state=failed": [second],
        f"?system={other.pk}": [second],
        "?model=WD80": [first],
        "?operator=bob": [second],
        "?q=broke": [second],
        "?q=bay+7": [first],
        "?q=SER-sda+wd": [first],
        f"?since={today - timedelta(days=7)}": [second],
        f"?until={today - timedelta(days=7)}": [first],
        f"?drive={first.drive_id}": [first],
        "?sort=drive": [first, second],
        "?sort=-drive": [second, first],
        "?sort=took&state=nonsense&since=x&model=": [second, first],
    }.items():
        assert sorted(ids(viewer.get(f"/history{query}"))) == sorted(job.pk for job in found), query
    assert ids(viewer.get("/history?sort=drive")) == [first.pk, second.pk]
    assert ids(viewer.get("/history?sort=-model")) == [first.pk, second.pk]
    # A click on the head of the sorted column turns it round, and keeps the filter.
    html = viewer.get("/history?state=failed&sort=size").content.decode()
    assert 'aria-sort="ascending"' in html and "?state=failed&amp;sort=-size" in html


def test_what_is_printed_with_an_apostrophe_is_found_by_the_keyboards(
    viewer: Client, drive: Drive
) -> None:
    job = a_job(drive, state=JobState.FAILED, holds_drive=False, error_text="It can’t be read")
    AuditEvent.objects.create(kind=Kind.BURNIN_FAILED, note="sda can’t be read")
    assert ids(viewer.get("/history?q=can%27t")) == [job.pk]
    assert "can’t be read" in viewer.get("/audit?q=can%27t").content.decode()
    assert "can’t be read" not in viewer.get("/audit?q=won%27t").content.decode()


@pytest.mark.parametrize(
    "query",
    ["q=%00", "q=" + "x+" * 60, "since=0001-01-01&until=9999-12-31", "since=2026-13-45",
     "page=99999999999999999999", "page=-1", "sort=-", "sort=--pk", "drive=1e9", "system=²",
     "q=" + "9" * 40, "operator=%F0%9F%92%BE", "until=0001-01-01", "before=99"],
)  # fmt: skip
def test_nonsense_in_the_address_does_no_harm(viewer: Client, drive: Drive, query: str) -> None:
    over(drive, JobState.PASSED)
    for page in ("history", "audit"):
        assert viewer.get(f"/{page}?{query}").status_code == 200
        assert viewer.get(f"/{page}.csv?{query}").status_code == 200


def test_the_csv_is_exactly_what_is_filtered_and_runs_nothing(viewer: Client, nas: System) -> None:
    evil = a_drive(nas, "sdx", model='=HYPERLINK("http://evil")', serial="@SUM(1)", location="-2+3")
    for number in range(60):
        over(a_drive(nas, f"sd{number}"), JobState.PASSED)
    over(evil, JobState.FAILED, error_text="+cmd|' /C calc'!A0, \"quoted\"\nsecond line")
    # What a browser asks for; packed piece by piece it would get the first one only.
    answer = viewer.get("/history.csv?state=failed", headers={"Accept-Encoding": "gzip"})
    assert answer["Content-Encoding"] == "identity"
    assert answer["Content-Type"].startswith("text/csv") and answer.streaming
    (row,) = list(csv.DictReader(io.StringIO(body(answer))))
    assert row["model"] == '\'=HYPERLINK("http://evil")'
    assert row["serial"] == "'@SUM(1)" and row["location"] == "'-2+3"
    assert row["error_text"].startswith("'+cmd")
    everything = list(csv.DictReader(io.StringIO(body(viewer.get("/history.csv")))))
    assert len(everything) == 61 == viewer.get("/history").context["total"]


def test_ten_thousand_burn_ins_stay_quick(viewer: Client, nas: System) -> None:
    drives = [a_drive(nas, f"sd{number}") for number in range(50)]
    end = timezone.now()
    Job.objects.bulk_create(
        Job(drive=drives[n % 50], system=nas, serial=drives[n % 50].serial, size_bytes=10**12,
            state=JobState.PASSED, profile="full", operator_name="olga", holds_drive=False,
            started_at=end - timedelta(hours=n + 9), finished_at=end - timedelta(hours=n))
        for n in range(10_000)
    )  # fmt: skip
    viewer.get("/history")
    began = time.monotonic()
    assert len(ids(viewer.get("/history?q=SER-sd7&since=2020-01-01&sort=-took&page=3"))) == 50
    viewer.get("/history?page=150")
    # Half a second on a quiet machine; the limit is for a busy one.
    assert time.monotonic() - began < 10


# --- stats -------------------------------------------------------------------------------------
def test_rates_leave_out_what_says_nothing(viewer: Client, nas: System) -> None:
    for number, state in enumerate(
        [JobState.PASSED] * 3 + [JobState.FAILED, JobState.CANCELLED, JobState.UNKNOWN]
    ):
        over(a_drive(nas, f"sd{number}", model="WD80"), state)
    found = viewer.get("/stats").context["stats"]
    (line,) = found.models
    assert (line.passed, line.failed, line.unknown, line.judged) == (3, 1, 1, 4)
    assert line.rate == 75.0
    assert found.sentence == "3 of 4 burn-ins passed: 75.0 %."
    assert "2 cancelled or inconclusive ones count in no rate" in found.meaning
    assert "No drive has been judged yet." in text(stats_without_jobs(viewer))


def stats_without_jobs(viewer: Client) -> Any:
    Stage.objects.all().delete()
    Job.objects.all().delete()
    return viewer.get("/stats")


def test_days_causes_speeds_and_what_was_verified(viewer: Client, nas: System) -> None:
    surface = StageKind.SURFACE_VALIDATE
    for number, hours in enumerate([40, 41, 40, 42, 60]):
        job = over(a_drive(nas, f"sd{number}"), JobState.PASSED, days_ago=number, hours=hours)
        job.stages.filter(kind=surface).update(
            state=StageState.PASSED, started_at=job.started_at, finished_at=job.finished_at
        )
    errors = [{"class": "read_error"}]
    for number, (kind, reason, evidence) in enumerate(
        [(surface, "7 sectors", {"verdict": {"errors": errors}})] * 2
        + [(StageKind.FINAL_CHECK, "SMART counters rose: Reallocated sectors 0 → 1", {})]
    ):
        job = over(a_drive(nas, f"sdf{number}"), JobState.FAILED, days_ago=20)
        job.stages.filter(kind=kind).update(
            state=StageState.FAILED, error_text=reason, evidence=evidence
        )
    found = viewer.get("/stats").context["stats"]
    assert [day.passed for day in found.days][-5:] == [1, 1, 1, 1, 1] and len(found.days) == 14
    assert [(cause.words, cause.count) for cause in found.causes] == [
        ("Surface: sectors could not be read back", 2),
        ("Final check: Reallocated sectors rose", 1),
    ]
    assert found.bytes_verified == 5 * 2 * 12 * 10**12
    (slow,) = found.outliers
    assert slow.drive.devname == "sd4" and slow.what == "32 % slower" and slow.peers == 5
    assert round(found.hours_tested) == 223


def test_a_hot_drive_is_told_from_its_neighbours(viewer: Client, nas: System) -> None:
    now = timezone.now()
    for number, celsius in enumerate([38, 39, 38, 40, 49]):
        drive = a_drive(nas, f"sd{number}")
        over(drive, JobState.PASSED, days_ago=30)
        TemperatureSample.objects.bulk_create(
            TemperatureSample(drive=drive, taken_at=now - timedelta(hours=n), celsius=celsius)
            for n in range(5)
        )
    said = text(viewer.get("/stats"))
    assert "10 °C hotter 49 °C 39 °C 5" in said


# --- audit -------------------------------------------------------------------------------------
def an_event(note: str, kind: Kind = Kind.LOGIN, **facts: Any) -> AuditEvent:
    return AuditEvent.objects.create(kind=kind, note=note, **facts)


def test_each_line_is_a_sentence_with_who_and_from_where(viewer: Client, drive: Drive) -> None:
    an_event("alice logged in", actor="alice", source_ip="192.168.1.20")
    an_event("Burn-in 7 of sda SER-sda: queued: Surface", Kind.BURNIN_QUEUED, actor="alice",
             source_ip="2001:db8::7", job_id=7, drive_id=drive.pk,
             drive_serial="SER-sda")  # fmt: skip
    said = text(viewer.get("/audit"))
    assert "alice logged in from 192.168.1.20" in said
    assert "Burn-in 7 of sda SER-sda: queued: Surface by alice from 2001:db8::7" in said
    assert "burn-in 7 drive SER-sda" in said


def test_events_are_found_by_who_what_drive_system_and_day(viewer: Client, drive: Drive) -> None:
    one = an_event("first", actor="alice", drive_id=drive.pk, drive_serial="SER-sda", job_id=5)
    two = an_event("second", Kind.FREEZE, actor="bob", system_id=1, system_name="nas-9")
    for query, found in {
        "actor=alice": [one], "kind=freeze": [two], f"drive={drive.pk}": [one],
        "drive=SER-sda": [one], "job=5": [one], "system=nas-9": [two], "q=sec": [two],
        f"since={days.today()}": [two, one], f"until={days.today() - timedelta(days=2)}": [],
        f"before={two.pk}": [one],
    }.items():  # fmt: skip
        lines = viewer.get(f"/audit?{query}").context["lines"]
        known = [line.event.pk for line in lines if line.event.note in {"first", "second"}]
        assert known == [event.pk for event in found], query


def test_two_hundred_are_shown_and_the_export_has_all(viewer: Client) -> None:
    for number in range(230):
        an_event(f"number {number}", Kind.USER_CHANGED)
    page = viewer.get("/audit?kind=user_changed")
    assert len(page.context["lines"]) == 200 and "The last 200 events that match." in text(page)
    older = viewer.get(f"/audit?{page.context['older']}")
    assert len(older.context["lines"]) == 30 and older.context["lines"][0].words == "number 29"
    rows = list(csv.DictReader(io.StringIO(body(viewer.get("/audit.csv?kind=user_changed")))))
    assert len(rows) == 230 and rows[0]["note"] == "number 229"
    told = json.loads(body(viewer.get("/audit.json?kind=user_changed")))
    assert len(told) == 230 and told[0]["note"] == "number 229" and told[0]["data"] == {}
