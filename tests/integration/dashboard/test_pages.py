"""What the pages say, and how they answer programs."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from audit.models import AuditEvent, Kind
from burnin.models import Job, JobState, StageKind, StageState
from drives.models import Drive, System
from tests.integration.dashboard.conftest import PASSWORD, a_user
from tests.integration.rows import a_drive, a_job, a_system, now

pytestmark = pytest.mark.django_db


@pytest.fixture
def viewer(as_: Callable[[str], Client]) -> Client:
    return as_("viewer")


def text(answer: object) -> str:
    """The words of a page, without its tags."""
    html = answer.content.decode()  # type: ignore[attr-defined]
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


# --- the drives --------------------------------------------------------------------------------
def test_without_a_system_home_says_how_to_add_one(viewer: Client) -> None:
    said = text(viewer.get("/"))
    assert "No system yet." in said and "An admin can add one." in said


def test_a_system_without_drives_says_that_they_come_by_themselves(
    viewer: Client, nas: System
) -> None:
    assert "No drive was found yet" in text(viewer.get("/"))


def test_a_drive_is_shown_with_what_is_known_of_it(viewer: Client, drive: Drive) -> None:
    said = text(viewer.get("/"))
    for words in ("sda", "SER-sda", "ST12000NM0008", "12.0 TB", "34 °C", "Never burned in"):
        assert words in said


def test_a_stale_system_keeps_its_rows_and_says_why(viewer: Client) -> None:
    old = now() - timedelta(minutes=3)
    a_drive(a_system(last_polled_at=old, last_error="connection refused"))
    answer = viewer.get("/")
    said = text(answer)
    assert "nas-1 doesn’t answer." in said and "connection refused" in said and "sda" in said
    assert 'class="group stale"' in answer.content.decode()


def test_a_stopped_system_has_a_banner_with_the_reason_and_the_way_out(viewer: Client) -> None:
    a_drive(a_system(stopped="its SSH host key changed. Compare: confirm_host_key nas-1"))
    said = text(viewer.get("/"))
    assert "nas-1 is stopped: its SSH host key changed." in said
    assert "confirm_host_key nas-1" in said and "doesn’t answer" not in said


def test_names_from_the_nas_are_shown_as_text(viewer: Client, nas: System) -> None:
    evil = "<script>alert(1)</script>'\""
    a_drive(nas, model=evil, serial=evil, location=evil, devname="sd<b>")
    html = viewer.get("/").content.decode()
    assert "<script>alert" not in html and "sd<b>" not in html
    assert "&lt;script&gt;alert(1)" in html


def test_the_filter_of_the_address_hides_rows(viewer: Client, drive: Drive) -> None:
    a_drive(drive.system, "sdb")
    html = viewer.get("/?q=sdb").content.decode()
    assert re.search(rf'id="drive-{drive.pk}"[^>]* hidden', html)
    assert len(re.findall(r'id="drive-\d+"[^>]* hidden', html)) == 1
    assert "1 of 2 drives" in html


def test_many_drives_take_no_more_queries_than_few(viewer: Client, nas: System) -> None:
    def queries(path: str) -> int:
        with CaptureQueriesContext(
            connection,
        ) as caught:
            assert viewer.get(path).status_code == 200
        return len(caught)

    a_job(a_drive(nas, "sda"))
    viewer.get("/")
    paths = ("/", "/table", "/history", "/stats", "/audit")
    few = {path: queries(path) for path in paths}
    for n in range(20):
        a_job(a_drive(nas, f"sdb{n}"))
    assert {path: queries(path) for path in few} == few


def test_table_brings_all_that_a_page_needs_to_catch_up(viewer: Client, drive: Drive) -> None:
    html = viewer.get("/table").content.decode()
    for target in (
        "drives",
        "foot",
        "answer",
        "stats",
        "banners",
        "systems",
        f"system-{drive.system_id}",
    ):
        assert f'<hx-partial hx-target="#{target}" hx-swap="outerMorph">' in html


# --- a burn-in -----------------------------------------------------------------------------------
def test_a_job_page_gives_verdict_evidence_errors_and_log(viewer: Client, drive: Drive) -> None:
    claims = [{"claim": "Every byte read back", "holds": False, "found": "12", "source": "run"}]
    job = a_job(drive, state=JobState.FAILED, holds_drive=False, claims=claims,
                error_text="12 sectors could not be read back")  # fmt: skip
    errors = [{"class": "read_error", "offset_bytes": 4096, "length_bytes": 512, "lba": 7812939,
               "pass": 1, "phase": "verify"}]  # fmt: skip
    job.stages.filter(kind=StageKind.SURFACE_VALIDATE).update(
        state=StageState.FAILED, evidence={"verdict": {"errors": errors}}
    )
    AuditEvent.objects.create(
        kind=Kind.BURNIN_FAILED, note=f"Burn-in {job.pk} of sda SER-sda: failed: 12", job_id=job.pk
    )
    said = text(viewer.get(f"/history/{job.pk}"))
    assert "Failed at surface: 12 sectors could not be read back." in said
    assert "Don’t put this drive in a pool." in said
    assert "Every byte read back" in said and "fails" in said
    assert "7,812,939 512 Could not be read back Verify 1" in said
    assert "Failed: 12" in said


@pytest.mark.parametrize("state", JobState.values)
def test_every_state_of_a_job_has_its_sentence(viewer: Client, drive: Drive, state: str) -> None:
    active = state in {"queued", "running"}
    job = a_job(drive, state=state, holds_drive=active)
    answer = viewer.get(f"/history/{job.pk}")
    sentence = {
        "queued": "Queued, 1st in line.",
        "running": "Running: Precheck, 0.0 % of the whole.",
        "passed": "Passed: 12,000,000,000,000 bytes verified twice, no errors, no counter rose.",
        "failed": "Failed: .",
        "cancelled": "Cancelled at 0 %.",
        "unknown": "Inconclusive: no reason was recorded.",
    }[state]
    assert sentence in text(answer)
    assert text(viewer.get("/")).count("sda") >= 1


def test_history_is_filtered_and_paged_by_the_address(viewer: Client, drive: Drive) -> None:
    a_job(drive, state=JobState.FAILED, holds_drive=False, error_text="it broke")
    a_job(drive, state=JobState.PASSED, holds_drive=False)
    assert "2 burn-ins: 1 passed, 1 failed." in text(viewer.get("/history"))
    said = text(viewer.get(f"/history?state=failed&drive={drive.pk}"))
    assert "1 burn-in matches: 1 failed." in said and "It broke" in said
    assert "No burn-in matches" in text(viewer.get("/history?drive=999"))
    for nonsense in ("page=x", "page=-1", "drive=x", "drive=" + "9" * 30, "state=x"):
        assert viewer.get(f"/history?{nonsense}").status_code == 200


# --- people ------------------------------------------------------------------------------------
def test_logging_in_leads_back_to_the_page_that_was_asked_for(client: Client, db: None) -> None:
    a_user("viewer")
    form = {"user": "viewer", "password": PASSWORD, "next": "/history?state=failed"}
    assert client.post("/login", form)["Location"] == "/history?state=failed"
    assert AuditEvent.objects.get(kind=Kind.LOGIN).actor == "viewer"
    assert client.get("/login")["Location"] == "/"
    assert client.post("/logout")["Location"] == "/login"
    assert client.get("/").status_code == 302


def test_logging_in_never_leads_away(client: Client, db: None) -> None:
    a_user("viewer")
    for away in ("https://evil.example/", "//evil.example", "javascript:alert(1)", "/\\evil"):
        form = {"user": "viewer", "password": PASSWORD, "next": away}
        assert client.post("/login", form)["Location"] == "/"


def test_a_wrong_password_says_so_and_is_audited(client: Client, db: None) -> None:
    a_user("viewer")
    form = {"user": "viewer", "password": "wrong"}
    assert "don’t go together" in text(client.post("/login", form))
    assert "sessionid" not in client.cookies
    assert AuditEvent.objects.get(kind=Kind.LOGIN_FAILED).actor == "viewer"
    assert client.post("/login", form).status_code == 422


def test_forms_from_elsewhere_are_refused(drive: Drive) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(a_user("operator"))
    answer = strict.post(f"/drives/{drive.pk}/start", {"stages": "short_smart"})
    assert answer.status_code == 403 and "too old, or came from another site" in text(answer)
    assert strict.post("/login", {"user": "operator", "password": PASSWORD}).status_code == 403
    assert not Job.objects.exists()


# --- all pages -----------------------------------------------------------------------------------
def test_no_page_has_inline_script_or_style(as_: Callable[[str], Client], drive: Drive) -> None:
    operator, job = as_("operator"), a_job(drive)
    other = a_drive(drive.system, "sdb")
    for path in ("/", "/history", f"/history/{job.pk}", f"/history/{job.pk}/print", "/stats",
                 "/audit", f"/drives/{drive.pk}", f"/drives/{other.pk}/start",
                 f"/jobs/{job.pk}/cancel", "/nowhere", "/login"):  # fmt: skip
        who = Client() if path == "/login" else operator
        answer = who.get(path)
        html = answer.content.decode()
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|hx-on|<script(?![^>]* src=)", html), path
        policy = answer["Content-Security-Policy"]
        assert "script-src 'self'" in policy and "unsafe" not in policy


def test_error_pages_have_the_style_and_programs_get_json(viewer: Client) -> None:
    lost = viewer.get("/nowhere")
    assert lost.status_code == 404 and "There is no such page." in text(lost)
    assert viewer.get("/history/99").status_code == 404
    told = viewer.get("/history/99", headers={"Accept": "application/json"})
    assert told.status_code == 404 and told.json()["reasons"]


def test_a_fault_of_ours_gives_a_page_without_asking_anything(
    viewer: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("on purpose")

    monkeypatch.setattr("dashboard.views.home.load_rows", broken)
    viewer.raise_request_exception = False
    answer = viewer.get("/")
    assert answer.status_code == 500
    assert "This page could not be made." in text(answer) and "on purpose" not in text(answer)
    assert f"Quote request {answer['X-Request-ID']} to" in text(answer)


def test_the_chosen_theme_is_in_the_first_byte(viewer: Client) -> None:
    viewer.cookies["theme"] = "dark"
    assert '<html lang="en" data-theme="dark">' in viewer.get("/").content.decode()
    viewer.cookies["theme"] = '"><script>'
    assert '<html lang="en">' in viewer.get("/").content.decode()


def test_health_says_what_does_not_answer(client: Client, db: None) -> None:
    assert client.get("/health/live").json() == {"status": "ok"}
    answer = client.get("/health/ready")
    assert answer.status_code == 503
    assert answer.json() == {"status": "not ready", "database": "ok", "broker": "no answer"}
