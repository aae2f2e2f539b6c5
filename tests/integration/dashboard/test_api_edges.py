"""The API at its edges: what no operation gets to see, its description, lists by pages, the CSV."""

from __future__ import annotations

import csv
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone

from audit.models import AuditEvent, Kind
from burnin.models import Job, JobState
from dashboard import event_stream, tokens
from dashboard.api.v1 import api, operations
from dashboard.event_stream import Watcher
from drives.models import Drive, SmartReading, TemperatureSample
from tests.integration.dashboard.conftest import a_user
from tests.integration.dashboard.test_api import Call, _tell, call, drive
from tests.integration.dashboard.test_lists import body
from tests.integration.rows import a_drive, a_job

__all__ = ["call", "drive"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def admin() -> dict[str, str]:
    _, text = tokens.issue(a_user("admin"), name="x", role="admin", expires_at=None)
    return {"Authorization": f"Bearer {text}"}


# --- every refusal is a problem ------------------------------------------------------------------
def test_a_method_that_an_address_does_not_take(admin: dict[str, str]) -> None:
    for path in {path for _, path in operations()}:
        where = "/api/v1" + path.replace("{int:", "{").replace("{", "1").split("1")[0]
        where += "1" + path.rpartition("}")[2] if "{" in path else ""
        answer = Client().put(where, headers=admin)
        assert answer.status_code == 405, where
        assert answer["Content-Type"] == "application/problem+json", where
        takes = {method for method, each in operations() if each == path}
        assert set(answer["Allow"].split(", ")) == takes, where
        assert answer.json()["detail"].startswith("This address takes "), where


def test_a_body_that_is_too_big_is_refused_and_not_an_error_of_ours(admin: dict[str, str]) -> None:
    body = b'{"drive_ids": [' + b" " * 3_000_000 + b"1]}"
    for path in ("burnin/start", "settings", "systems"):
        where = f"/api/v1/{path}"
        answer = Client().post(where, body, content_type="application/json", headers=admin)
        assert answer.status_code == 413, answer.content
        assert answer.json()["detail"] == "The body is larger than 2,621,440 bytes."


@pytest.mark.parametrize(
    ("trouble", "status", "words"),
    [
        (
            RuntimeError("of a secret kind"),
            500,
            "This program has an error; the log has the reason.",
        ),
        (OperationalError("database is locked"), 503, "The database doesn’t answer; try again."),
    ],
)
def test_a_fault_of_ours_tells_its_number_and_not_its_reason(
    admin: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    trouble: Exception,
    status: int,
    words: str,
) -> None:
    def fail() -> None:
        raise trouble

    monkeypatch.setattr("dashboard.api.drives.load_rows", fail)
    answer = Client().get("/api/v1/drives", headers=admin)
    problem = answer.json()
    assert (answer.status_code, problem["detail"]) == (status, words)
    assert answer["Content-Type"] == "application/problem+json"
    assert problem["request"] == answer["X-Request-ID"] != ""
    assert str(trouble) not in answer.content.decode() and str(trouble) in caplog.text


def test_a_host_that_is_not_ours(admin: dict[str, str]) -> None:
    answer = Client().get("/api/v1/drives", headers=admin | {"Host": "evil.example"})
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")


@pytest.mark.parametrize("last", ["x", "-1", "1.5", "²", "9" * 19, "1 2", "\xff", "1,2", "0x1"])
def test_a_stream_goes_on_after_a_number_alone(admin: dict[str, str], last: str) -> None:
    answer = Client().get("/api/v1/events", headers=admin | {"Last-Event-ID": last})
    assert answer.status_code == 422 and "Last-Event-ID" in answer.json()["errors"]


def test_an_event_that_comes_up_late_with_a_lower_number_is_told_too() -> None:
    """It has its number before its transaction commits; who heard of a later one hears of it."""
    first, late, last = (_tell(note) for note in ("first", "late", "last"))
    events = AuditEvent.objects.filter(pk=late)
    facts = events.values().get()
    with connection.cursor() as cursor:
        on = " ON audit_auditevent" if connection.vendor == "postgresql" else ""
        cursor.execute(f"DROP TRIGGER IF EXISTS audit_no_delete{on}")
    events.delete()
    watcher = Watcher(first - 1)
    assert [event.pk for event in watcher.news()] == [first, last]
    AuditEvent.objects.bulk_create([AuditEvent(**facts)])
    assert [event.pk for event in watcher.news()] == [late]
    assert watcher.news() == []


def test_more_than_are_told_at_once_are_told_in_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader who comes back after a week misses none, however long ago they happened."""
    monkeypatch.setattr(event_stream, "MOST_AT_ONCE", 2)
    monkeypatch.setattr(event_stream, "LATE", timedelta(seconds=-60))
    told = [_tell(f"number {number}") for number in range(5)]
    watcher = Watcher(told[0] - 1)
    turns = [[event.pk for event in watcher.news()] for _ in range(4)]
    assert turns == [told[:2], told[2:4], told[4:], []]


# --- Idempotency-Key -----------------------------------------------------------------------------
def test_a_key_is_its_owners_alone(call: Call, drive: Drive) -> None:
    """Nobody is told what somebody else was answered."""
    wish, key = {"drive_ids": [drive.pk], "run_surface": False}, {"Idempotency-Key": "order-7"}
    status, first = call("operator", "post", "burnin/start", wish, **key)
    assert status == 201
    status, other = call("admin", "post", "burnin/start", wish, **key)
    assert (status, other["outcomes"][0]["job_id"]) == (409, None)
    assert call("operator", "post", "burnin/start", wish, **key) == (201, first)
    assert call("admin", "post", "burnin/start", wish, **key) == (409, other)


@pytest.mark.parametrize("key", ["x" * 201, "a\tb", "\x7f"])
def test_a_key_that_is_none(call: Call, drive: Drive, key: str) -> None:
    wish = {"drive_ids": [drive.pk], "run_surface": False}
    status, problem = call("operator", "post", "burnin/start", wish, **{"Idempotency-Key": key})
    assert status == 422 and "Idempotency-Key" in problem["errors"]
    assert not Job.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_same_at_the_same_time_is_done_once(drive: Drive) -> None:
    _, text = tokens.issue(a_user("operator"), name="x", role="operator", expires_at=None)
    headers = {"Authorization": f"Bearer {text}", "Idempotency-Key": "at once"}
    wish = json.dumps({"drive_ids": [drive.pk], "run_surface": False})

    def start(_: int) -> int:
        try:
            return (
                Client()
                .post(
                    "/api/v1/burnin/start", wish, content_type="application/json", headers=headers
                )
                .status_code
            )
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        told = list(pool.map(start, range(6)))
    # The others got its answer, or were asked to come back for it.
    assert set(told) <= {201, 409} and 201 in told
    assert Job.objects.count() == AuditEvent.objects.filter(kind=Kind.BURNIN_QUEUED).count() == 1
    assert start(0) == 201


# --- its description -----------------------------------------------------------------------------
def described() -> list[tuple[str, dict[str, Any]]]:
    paths = api.get_openapi_schema()["paths"]
    return [(path, one) for path, methods in paths.items() for one in methods.values()]


def test_every_operation_has_a_title_for_people() -> None:
    titles = [one["summary"] for _, one in described()]
    assert len(titles) == len(set(titles)) == len(operations())
    for title in titles:
        assert " " in title and title[0].isupper() and len(title) < 80, title
        # Not the name of a function: those are Words In Capitals.
        assert not title.istitle() and not title.endswith("."), title


def test_every_operation_declares_its_errors_as_problems() -> None:
    for path, one in described():
        errors = {int(status) for status in one["responses"] if int(status) >= 400}
        wanted = {401, 403, 503}
        wanted |= {404} if "{" in path else set()
        wanted |= {400, 413, 422} if "requestBody" in one else set()
        wanted |= (
            {422} if any(each["in"] == "query" for each in one.get("parameters", [])) else set()
        )
        assert wanted <= errors, (path, wanted - errors)
        for status in errors:
            (kind,) = one["responses"][status]["content"]
            assert kind == "application/problem+json", (path, status)


# --- lists ---------------------------------------------------------------------------------------
def test_every_list_comes_by_pages(call: Call, drive: Drive) -> None:
    for _ in range(3):
        SmartReading.objects.create(drive=drive, taken_at=timezone.now(), health="ok")
        TemperatureSample.objects.create(drive=drive, taken_at=timezone.now(), celsius=35)
        a_job(drive, state=JobState.PASSED, holds_drive=False)
        _tell("frozen")
    a_drive(drive.system, "sdb")
    a_drive(drive.system, "sdc")
    lists = {
        path
        for path, one in described()
        if "offset" in {each["name"] for each in one.get("parameters", [])}
    }
    assert len(lists) == 5
    for path in lists:
        where = path.removeprefix("/api/v1/").replace("{drive_id}", str(drive.pk))
        where += "?kind=freeze&" if where == "audit" else "?"
        whole = call("viewer", "get", where)[1]
        assert whole["count"] == len(whole["items"]) == 3, path
        parts = [call("viewer", "get", f"{where}limit=2&offset={at}")[1] for at in (0, 2, 9)]
        assert [part["items"] for part in parts] == [whole["items"][:2], whole["items"][2:], []]
        assert {part["count"] for part in parts} == {3}
        for wrong in ("limit=0", "limit=501", "offset=-1", "limit=x"):
            status, problem = call("viewer", "get", where + wrong)
            assert status == 422 and wrong.split("=")[0] in problem["errors"], (path, wrong)


def test_what_happened_by_its_filters(call: Call, drive: Drive) -> None:
    _tell("frozen")
    everything = call("viewer", "get", "audit")[1]["items"]
    assert {each["kind"] for each in everything} >= {"freeze", "token_created"}
    found = call("viewer", "get", f"audit?kind={Kind.FREEZE}")[1]["items"]
    assert [each["note"] for each in found] == ["frozen"]
    assert call("viewer", "get", f"audit?drive={drive.pk}")[1]["count"] == 0
    assert call("viewer", "get", "audit?since=2100-01-01T00:00:00Z")[1]["count"] == 0
    assert call("viewer", "get", "audit?kind=nonsense")[0] == 422


def exported(admin: dict[str, str], query: str = "") -> list[dict[str, str]]:
    answer = Client().get(f"/api/v1/burnin/export.csv?{query}", headers=admin)
    assert answer["Content-Type"].startswith("text/csv"), query
    return list(csv.DictReader(StringIO(body(answer))))


def test_burn_ins_as_csv_by_their_filters(admin: dict[str, str], drive: Drive) -> None:
    other = a_drive(drive.system, "sdb", model="WD80EFAX")
    broke = a_job(drive, state=JobState.FAILED, holds_drive=False, error_text="it broke")
    good = a_job(other, state=JobState.PASSED, holds_drive=False)
    jobs = [str(good.pk), str(broke.pk)]
    for query, wanted in (
        ("", jobs),
        ("state=failed", jobs[1:]),
        ("q=it%20broke", jobs[1:]),
        ("model=WD80EFAX", jobs[:1]),
        (f"drive={drive.pk}", jobs[1:]),
        (f"system={drive.system_id}", jobs),
        ("operator=olga", jobs),
        ("operator=nobody", []),
        ("since=2100-01-01", []),
        ("until=2000-01-01", []),
        ("since=0001-01-01&until=9999-12-31", jobs),
    ):
        assert [line["job"] for line in exported(admin, query)] == wanted, query
    for wrong in ("state=broken", "since=yesterday", "system=x"):
        answer = Client().get(f"/api/v1/burnin/export.csv?{wrong}", headers=admin)
        assert answer.status_code == 422 and wrong.split("=")[0] in answer.json()["errors"]
