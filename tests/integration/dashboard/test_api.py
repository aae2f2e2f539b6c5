"""The API: who may call what, what it answers, and that a request sent twice is done once."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import requests
from django.test import Client
from django.utils import timezone

from audit.events import record
from audit.models import Kind
from burnin.models import Job, JobState
from dashboard import tokens
from dashboard.api import idempotency
from dashboard.api.v1 import operations
from dashboard.models import KeptAnswer
from dashboard.roles import ROLES
from drives.models import Drive
from launcher.environment import ROOT
from tests.integration.dashboard.conftest import a_user
from tests.integration.dashboard.web import Web
from tests.integration.rows import a_drive, a_job, a_system
from tests.waiting import wait_for

pytestmark = pytest.mark.django_db

#: The lowest role of each operation, as decided here and not read from the code.
NEEDED = {
    ("GET", "/drives"): "viewer",
    ("GET", "/drives/{int:drive_id}"): "viewer",
    ("PATCH", "/drives/{int:drive_id}"): "operator",
    ("GET", "/drives/{int:drive_id}/readings"): "viewer",
    ("GET", "/drives/{int:drive_id}/temperatures"): "viewer",
    ("GET", "/drives/{int:drive_id}/surface"): "viewer",
    ("POST", "/drives/{int:drive_id}/smart/start"): "operator",
    ("POST", "/drives/{int:drive_id}/smart/cancel"): "operator",
    ("POST", "/burnin/start"): "operator",
    ("GET", "/burnin"): "viewer",
    ("GET", "/burnin/export.csv"): "viewer",
    ("GET", "/stats"): "viewer",
    ("GET", "/systems"): "viewer",
    ("POST", "/systems"): "admin",
    ("PATCH", "/systems/{int:system_id}"): "admin",
    ("DELETE", "/systems/{int:system_id}"): "admin",
    ("POST", "/systems/{int:system_id}/test"): "admin",
    ("GET", "/burnin/{int:job_id}"): "viewer",
    ("POST", "/burnin/{int:job_id}/cancel"): "operator",
    ("POST", "/burnin/{int:job_id}/pause"): "operator",
    ("POST", "/burnin/{int:job_id}/resume"): "operator",
    ("POST", "/burnin/cancel-all"): "operator",
    ("GET", "/settings"): "admin",
    ("POST", "/settings"): "admin",
    ("POST", "/settings/test-smtp"): "admin",
    ("POST", "/settings/test-webhook"): "admin",
    ("GET", "/audit"): "viewer",
    ("GET", "/events"): "viewer",
}
Call = Callable[..., Any]


@pytest.fixture
def call(db: None) -> Call:
    """call("operator", "get", "drives", …) with that role's token; gives status and body."""
    texts: dict[str, str] = {}

    def go(role: str, method: str, path: str, body: Any = None, **headers: str) -> Any:
        if role not in texts:
            _, texts[role] = tokens.issue(a_user(role), name="test", role=role, expires_at=None)
        answer = getattr(Client(raise_request_exception=False), method)(
            f"/api/v1/{path}",
            **({} if body is None else {"data": json.dumps(body)}),
            content_type="application/json",
            headers={"Authorization": f"Bearer {texts[role]}", **headers},
        )
        return answer.status_code, answer.json() if answer.content else None

    return go


@pytest.fixture
def drive(db: None) -> Drive:
    return a_drive(a_system())


# --- who may ------------------------------------------------------------------------------------
def test_every_operation_declares_the_role_that_is_decided_here() -> None:
    assert operations() == NEEDED


def test_the_walk_is_as_big_as_the_documentation_says() -> None:
    people = len((None, "", *ROLES))
    wanted = (
        f"{len(NEEDED)} operations of the API × {people} kinds of people × token and session"
        f" = {len(NEEDED) * people * 2} cells"
    )
    assert wanted in (ROOT / "docs" / "safety.md").read_text(), f"safety.md must say: {wanted}"


@pytest.mark.parametrize("method, path", NEEDED)
def test_who_may_call(method: str, path: str, drive: Drive) -> None:
    """As nobody, without a role, and as each role, by token and by session."""
    job = a_job(drive)
    where = "/api/v1" + path.replace("{int:drive_id}", str(drive.pk)).replace(
        "{int:job_id}", str(job.pk)
    ).replace("{int:system_id}", str(drive.system_id))
    needed = NEEDED[method, path]
    for role in (None, "", *ROLES):
        allowed = bool(role) and ROLES.index(str(role)) >= ROLES.index(needed)
        person = None if role is None else a_user(role)
        for way in ("token", "session"):
            client = Client(raise_request_exception=False, enforce_csrf_checks=True)
            headers = {}
            if person is not None and way == "token" and role:
                _, text = tokens.issue(person, name="x", role=role, expires_at=None)
                headers["Authorization"] = f"Bearer {text}"
            elif person is not None:
                client.force_login(person)
                client.get("/")
                if "csrftoken" in client.cookies:
                    headers["X-CSRFToken"] = client.cookies["csrftoken"].value
            send = getattr(client, method.lower())
            answer = send(where, content_type="application/json", headers=headers)
            cell = f"{method} {where} as {role!r} by {way}: {answer.status_code}"
            if role is None:
                assert answer.status_code == 401, cell
            elif not allowed:
                assert answer.status_code == 403, cell
            else:
                assert answer.status_code not in {401, 403} and answer.status_code < 500, cell
            if not allowed:
                assert answer["Content-Type"] == "application/problem+json", cell
                assert Job.objects.filter(cancel_requested_at=None, pause_requested_by="").count()


def test_a_session_alone_is_no_leave_to_act() -> None:
    """Another site's form would bring the cookie too."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(a_user("operator"))
    assert client.post("/api/v1/burnin/cancel-all").status_code == 403


# --- what it answers ----------------------------------------------------------------------------
def test_drives_with_the_filters_of_the_page(call: Call, drive: Drive) -> None:
    a_drive(drive.system, "sdb", serial="OTHER", identity="OTHER|", model="WD80EFAX")
    a_job(drive, state=JobState.FAILED, error_text="it broke", holds_drive=False)
    status, body = call("viewer", "get", "drives")
    assert (status, body["count"]) == (200, 2)
    for query, expected in (
        ("q=other", ["sdb"]),
        ("state=failed", ["sda"]),
        ("model=WD80EFAX", ["sdb"]),
        (f"system={drive.system_id}&limit=1&offset=1", ["sdb"]),
        ("system=77", []),
        ("present=false", []),
    ):
        _, body = call("viewer", "get", f"drives?{query}")
        assert [each["devname"] for each in body["items"]] == expected, query
    _, one = call("viewer", "get", f"drives/{drive.pk}")
    assert one["burnin"]["state"] == "failed" and one["burnin"]["error_text"] == "it broke"


@pytest.mark.parametrize(
    "path", ["drives/77", "drives/99999999999999999999", "burnin/77", "drives/77/surface"]
)
def test_nothing_of_that_number(call: Call, path: str) -> None:
    status, body = call("viewer", "get", path)
    assert status == 404 and body["status"] == 404 and body["title"] == "Not Found"


@pytest.mark.parametrize(
    "body, field",
    [
        ({}, "drive_ids"),
        ({"drive_ids": []}, "drive_ids"),
        ({"drive_ids": ["sda"]}, "drive_ids.0"),
        ({"drive_ids": [1], "run_it": True}, "run_it"),
        ({"drive_ids": [1], "stage_order": ["wipe"]}, "stage_order.0"),
        ({"drive_ids": [1], "passes": 0}, "passes"),
        ({"drive_ids": [1], "profile": "slow"}, "profile"),
    ],
)
def test_a_wrong_start_names_its_field(call: Call, body: Any, field: str) -> None:
    status, problem = call("operator", "post", "burnin/start", body)
    assert status == 422 and field in problem["errors"], problem


@pytest.mark.parametrize(
    "body, words",
    [
        ({"stage_order": ["short_smart", "short_smart"]}, "twice"),
        ({"stage_order": ["short_smart"], "run_long": True}, "stage_order and run_long disagree"),
        ({"stage_order": ["long_smart"], "run_long": False}, "stage_order and run_long disagree"),
        ({"profile": "quick", "run_long": False}, "profile comes without"),
        ({"profile": "quick"}, "serial"),
        ({"release": {"999": ["x"]}}, "release names drive 999"),
        ({"run_short": False, "run_long": False, "run_surface": False}, "at least one stage"),
        ({"run_short": False, "run_long": False}, "serial"),
    ],
)
def test_a_start_that_contradicts_itself(call: Call, drive: Drive, body: Any, words: str) -> None:
    status, problem = call("operator", "post", "burnin/start", {"drive_ids": [drive.pk], **body})
    assert status == 422 and words in problem["detail"], problem
    assert not Job.objects.exists()


def test_old_data_of_several_takes_the_serial_of_each(call: Call, drive: Drive) -> None:
    other = a_drive(drive.system, "sdb", serial="B", identity="B|")
    wish = {
        "drive_ids": [drive.pk, other.pk],
        "confirm_destructive": True,
        "release": {str(drive.pk): ["signature:0123456789ab"]},
    }
    for serials in ({}, {str(drive.pk): "B"}, {str(other.pk): drive.serial}):
        status, problem = call("operator", "post", "burnin/start", {**wish, "serials": serials})
        assert status == 422 and "serials" in problem["errors"], problem
    assert not Job.objects.exists()


def test_several_drives_are_started_or_refused_each(call: Call, drive: Drive) -> None:
    used = a_drive(drive.system, "sdb", serial="B", identity="B|", use_reason="In pool tank")
    wish = {"drive_ids": [drive.pk, used.pk], "run_surface": False}
    status, body = call("operator", "post", "burnin/start", wish)
    assert status == 201
    first, second = body["outcomes"]
    assert (
        first["outcome"] == "queued" and Job.objects.get(pk=first["job_id"]).profile == "short_long"
    )
    assert second["outcome"] == "refused" and second["reasons"] == ["In pool tank"]
    status, body = call("operator", "post", "burnin/start", wish)
    assert status == 409 and len(body["outcomes"]) == 2 and "In pool tank" in body["reasons"]


def test_acting_on_a_burnin(call: Call, drive: Drive) -> None:
    job = a_job(drive)
    assert call("operator", "post", f"burnin/{job.pk}/pause")[1]["pause_requested_by"] == "operator"
    assert call("operator", "post", f"burnin/{job.pk}/resume")[1]["pause_requested_by"] == ""
    assert call("operator", "post", f"burnin/{job.pk}/cancel")[0] == 200
    assert call("operator", "post", f"burnin/{job.pk}/pause")[0] in {200, 409}
    _, whole = call("viewer", "get", f"burnin/{job.pk}")
    assert set(whole) >= {"claims", "evidence", "stages", "released"}
    assert call("viewer", "get", "burnin?state=passed")[1]["count"] == 0


def test_notes(call: Call, drive: Drive) -> None:
    _, body = call("operator", "patch", f"drives/{drive.pk}", {"location": "bay 7"})
    assert body["location"] == "bay 7" and body["notes"] == drive.notes
    status, problem = call("operator", "patch", f"drives/{drive.pk}", {"location": "x" * 101})
    assert status == 422 and "location" in problem["errors"]


def test_settings(call: Call) -> None:
    status, body = call("admin", "post", "settings", {"settings": {"max_parallel_burnins": 7}})
    assert status == 200 and body["settings"]["max_parallel_burnins"] == 7
    status, problem = call("admin", "post", "settings", {"settings": {"surface_passes": 99}})
    assert status == 422 and "settings.surface_passes" in problem["errors"]
    call("admin", "post", "settings", {"settings": {"smtp_password": "s3cret-word"}})
    assert call("admin", "get", "settings")[1]["settings"]["smtp_password"] is True


def test_systems(call: Call, drive: Drive) -> None:
    (told,) = call("viewer", "get", "systems")[1]
    assert told["name"] == drive.system.name and "api_key" not in told
    facts = {"base_url": "https://nas.example", "api_key": "1-abc", "ssh_host": "nas.example"}
    status, problem = call("admin", "post", "systems", {"name": "new", **facts})
    assert status == 422 and "ssh_host_key" in problem["errors"]
    key = {"ssh_host_key": drive.system.ssh_host_key, "ssh_password": "secret-word"}
    status, made = call("admin", "post", "systems", {"name": "new", **facts, **key})
    assert status == 201 and "secret-word" not in str(made)
    where = f"systems/{made['id']}"
    assert call("admin", "patch", where, {"paused": True})[1]["paused_by"] == "admin"
    assert call("admin", "patch", where, {"paused": False})[1]["paused_by"] == ""
    status, problem = call("admin", "patch", where, {"name": drive.system.name})
    assert status == 422 and "name" in problem["errors"]
    a_job(drive)
    assert call("admin", "delete", f"systems/{drive.system_id}")[0] == 409
    assert call("admin", "delete", where) == (204, None)
    assert [one["name"] for one in call("viewer", "get", "systems")[1]] == [drive.system.name]


def test_no_text_with_a_nul_gets_in(call: Call, drive: Drive) -> None:
    status, problem = call("operator", "patch", f"drives/{drive.pk}", {"notes": "a\0b"})
    assert status == 422 and "notes" in problem["errors"]
    assert call("viewer", "get", "audit?actor=a%00b")[0] == 422


def test_a_body_that_is_no_json(call: Call) -> None:
    _, text = tokens.issue(a_user("operator"), name="x", role="operator", expires_at=None)
    for body in (b"{", b"\xff\xfe", b"[]", b"null", b'{"drive_ids": NaN}'):
        answer = Client().post(
            "/api/v1/burnin/start",
            body,
            content_type="application/json",
            headers={"Authorization": f"Bearer {text}"},
        )
        assert answer.status_code in {400, 422}, body
        assert answer["Content-Type"] == "application/problem+json", body


# --- twice --------------------------------------------------------------------------------------
def test_a_key_makes_it_once(call: Call, drive: Drive) -> None:
    wish = {"drive_ids": [drive.pk], "run_surface": False}
    key = {"Idempotency-Key": "abc"}
    first = call("operator", "post", "burnin/start", wish, **key)
    assert first[0] == 201
    assert call("operator", "post", "burnin/start", wish, **key) == first
    assert Job.objects.count() == 1
    status, problem = call("operator", "post", "burnin/start", wish | {"passes": 1}, **key)
    assert status == 422 and "Idempotency-Key" in problem["errors"]
    # Without a key, or with another, it is another request.
    assert call("operator", "post", "burnin/start", wish)[0] == 409
    refused = call("operator", "post", "burnin/start", wish, **{"Idempotency-Key": "def"})
    assert refused[0] == 409
    Job.objects.update(state=JobState.CANCELLED, holds_drive=False)
    assert call("operator", "post", "burnin/start", wish, **{"Idempotency-Key": "def"})[0] == 409


def test_a_key_of_a_request_at_work_or_dead(call: Call, drive: Drive) -> None:
    wish = {"drive_ids": [drive.pk], "run_surface": False}
    call("operator", "post", "burnin/start", wish, **{"Idempotency-Key": "k"})
    KeptAnswer.objects.update(status=None)
    assert call("operator", "post", "burnin/start", wish, **{"Idempotency-Key": "k"})[0] == 409
    assert KeptAnswer.objects.get().status is None
    KeptAnswer.objects.update(made_at=timezone.now() - idempotency.ABANDONED - timedelta(seconds=1))
    status, problem = call("operator", "post", "burnin/start", wish, **{"Idempotency-Key": "k"})
    assert status == 409 and "not over" in problem["detail"]  # the one that it made
    KeptAnswer.objects.update(made_at=timezone.now() - idempotency.KEPT)
    call("operator", "post", "burnin/start", wish, **{"Idempotency-Key": "other"})
    assert list(KeptAnswer.objects.values_list("key", flat=True)) == ["other"]


# --- following ----------------------------------------------------------------------------------
def _tell(note: str) -> int:
    from django.db import transaction

    with transaction.atomic():
        return record(Kind.FREEZE, note).pk


@pytest.mark.django_db(transaction=True)
def test_events_are_told_once_and_end_with_the_token(web: Web) -> None:
    before = _tell("before anybody listened")
    token, text = tokens.issue(a_user("viewer"), name="x", role="viewer", expires_at=None)
    heard: list[dict[str, Any]] = []
    heads: list[str] = []
    done = threading.Event()

    def listen(**headers: str) -> None:
        with requests.get(
            f"{web.url}/api/v1/events",
            headers={"Authorization": f"Bearer {text}", "Accept-Encoding": "gzip", **headers},
            stream=True,
            timeout=60,
        ) as answer:
            assert answer.headers["Content-Type"] == "text/event-stream"
            for line in answer.iter_lines():
                name, _, said = line.partition(b": ")
                if name in {b"id", b"event"}:
                    heads.append(said.decode())
                elif name == b"data":
                    heard.append(json.loads(said))
        done.set()

    def notes() -> list[str]:
        return [event["note"] for event in heard if event["kind"] == "freeze"]

    threading.Thread(target=listen, kwargs={"Last-Event-ID": str(before - 1)}, daemon=True).start()
    wait_for(lambda: notes() == ["before anybody listened"], 30, "the missed one is told")
    _tell("one")
    _tell("two")
    wait_for(lambda: len(notes()) == 3, 30, "both are told")
    assert notes()[1:] == ["one", "two"]
    ids = [event["id"] for event in heard]
    assert ids == sorted(set(ids))
    # By these a browser's EventSource knows where to go on, and which listener is meant.
    assert heads == [text for event in heard for text in (str(event["id"]), event["kind"])]
    tokens.revoke(token, by="viewer")
    wait_for(done.is_set, 30, "the stream has ended")


def test_metrics(call: Call, drive: Drive) -> None:
    a_job(drive, state=JobState.PASSED, holds_drive=False)
    assert Client().get("/metrics").status_code == 401
    client = Client()
    client.force_login(a_user("viewer"))
    text = client.get("/metrics").content.decode()
    assert f'burnin_drives{{state="passed",system="{drive.system.name}"}} 1.0' in text
    assert 'burnin_jobs{state="passed"} 1.0' in text
    assert "burnin_frozen 0.0" in text
