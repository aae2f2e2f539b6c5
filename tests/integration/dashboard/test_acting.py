"""Starting, cancelling, acknowledging by dialog; test_api.py does it by program."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from audit.models import AuditEvent, Kind
from burnin.models import Job, JobState
from burnin.precheck_now import GuardAnswer
from drives.models import Drive
from tests.integration.rows import a_job

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
FULL = {"stages": ["short_smart", "surface_validate"], "passes": "1"}


def text(answer: Any) -> str:
    return str(answer.content.decode())


@pytest.fixture
def operator(as_: Callable[[str], Client]) -> Client:
    return as_("operator")


@pytest.fixture
def clear(monkeypatch: pytest.MonkeyPatch) -> None:
    """NAS and host were asked, and nothing speaks against writing."""
    answer = GuardAnswer([], {"pool": "clear", "mount": "clear"})
    monkeypatch.setattr("burnin.orchestrator.requesting.guard_answer", lambda *_, **__: answer)
    monkeypatch.setattr("dashboard.views.start.guard_answer", lambda drive: answer)


@pytest.mark.parametrize("serial", [None, "", "SER", "ser-sda", "SER-sdb"])
def test_writing_takes_the_typed_serial_whatever_the_page_does(
    operator: Client, drive: Drive, clear: None, serial: str | None
) -> None:
    form = FULL | ({} if serial is None else {"serial": serial})
    answer = operator.post(f"/drives/{drive.pk}/start", form)
    assert answer.status_code == 422
    assert re.findall(r'name="(\w+)"[^>]*aria-invalid="true"', text(answer)) == ["serial"]
    assert not Job.objects.exists()


def test_with_it_the_burn_in_is_queued_in_the_given_order(
    operator: Client, drive: Drive, clear: None
) -> None:
    form = {"stages": ["surface_validate", "long_smart"], "passes": "3", "serial": "SER-sda"}
    assert operator.post(f"/drives/{drive.pk}/start", form)["Location"] == "/"
    job = Job.objects.get()
    assert [stage.kind for stage in job.stages.all()] == [
        "precheck", "surface_validate", "long_smart", "final_check",
    ]  # fmt: skip
    assert (job.passes, job.operator_name) == (3, "operator")
    event = AuditEvent.objects.get(kind=Kind.BURNIN_QUEUED)
    assert (event.actor, event.source_ip) == ("operator", "127.0.0.1")


def test_without_a_destructive_stage_nothing_is_typed(operator: Client, drive: Drive) -> None:
    form = {"stages": "short_smart", "passes": "1"}
    assert operator.post(f"/drives/{drive.pk}/start", form).status_code == 302


def test_a_refusal_is_a_409_with_every_reason(operator: Client, drive: Drive) -> None:
    Drive.objects.update(present=False, use_reason="in pool tank")
    form = FULL | {"serial": "SER-sda"}
    answer = operator.post(f"/drives/{drive.pk}/start", form)
    assert answer.status_code == 409
    for reason in ("nas-1 doesn’t list this drive any more.", "in pool tank."):
        assert f"<li>{reason}</li>" in text(answer)
    assert not Job.objects.exists()


def test_a_host_that_does_not_answer_is_a_refusal(operator: Client, drive: Drive) -> None:
    form = FULL | {"serial": "SER-sda"}
    answer = operator.post(f"/drives/{drive.pk}/start", form)
    assert answer.status_code == 409 and "can’t be asked" in text(answer)


def test_a_second_burn_in_of_a_drive_is_refused(operator: Client, drive: Drive) -> None:
    form = {"stages": "short_smart", "passes": "1"}
    assert operator.post(f"/drives/{drive.pk}/start", form).status_code == 302
    assert operator.post(f"/drives/{drive.pk}/start", form).status_code == 409


def test_the_dialog_names_errors_at_the_field_and_keeps_what_was_typed(
    operator: Client, drive: Drive, clear: None
) -> None:
    form = {"stages": ["surface_validate", "short_smart"], "passes": "3", "serial": "SER-x"}
    answer = operator.post(f"/drives/{drive.pk}/start", form, headers=HTMX)
    html = answer.content.decode()
    assert answer.status_code == 422 and not html.startswith("<!doctype")
    assert re.search(r'name="serial" value="SER-x"[^>]*aria-invalid="true"', html)
    assert "exactly as shown" in html
    assert html.index('data-stage="surface_validate"') < html.index('data-stage="short_smart"')
    assert re.search(r"<option selected>3</option>", html)
    assert not re.search(r'value="long_smart" checked', html)


def test_the_answer_to_the_click_is_the_row_already_queued(
    operator: Client, drive: Drive, clear: None
) -> None:
    form = FULL | {"serial": "SER-sda"}
    answer = operator.post(f"/drives/{drive.pk}/start", form, headers=HTMX)
    assert answer.status_code == 200 and answer["HX-Trigger"] == "dialog:done"
    html = answer.content.decode()
    assert f'<hx-partial hx-target="#drive-{drive.pk}" hx-swap="outerMorph"><tr' in html
    assert 'data-state="queued"' in html
    # The next dialog begins with this choice.
    Job.objects.update(state=JobState.PASSED, holds_drive=False)
    again = operator.get(f"/drives/{drive.pk}/start", headers=HTMX).content.decode()
    assert re.search(r'value="short_smart" checked', again)
    assert not re.search(r'value="long_smart" checked', again)


def test_without_a_script_the_dialog_is_a_page(operator: Client, drive: Drive, clear: None) -> None:
    page = operator.get(f"/drives/{drive.pk}/start")
    assert page.content.decode().startswith("<!doctype html>")
    assert operator.post(f"/drives/{drive.pk}/start", FULL).status_code == 422
    form = FULL | {"serial": "SER-sda"}
    assert operator.post(f"/drives/{drive.pk}/start", form)["Location"] == "/"


def test_the_guard_shows_what_it_looked_at(operator: Client, drive: Drive, clear: None) -> None:
    html = operator.get(f"/drives/{drive.pk}/guard", headers=HTMX).content.decode()
    assert "data-clear" in html and "in no pool" in html and "no swap" not in html


def test_a_refusing_guard_gives_its_reasons_and_no_way_to_start(
    operator: Client, drive: Drive
) -> None:
    html = operator.get(f"/drives/{drive.pk}/guard", headers=HTMX).content.decode()
    assert "data-refused" in html and "can’t be asked" in html and "data-clear" not in html


@pytest.mark.parametrize("drive_id", [0, 99999999])
def test_a_drive_that_is_not_there(operator: Client, drive_id: int) -> None:
    for path in (f"/drives/{drive_id}/start", f"/drives/{drive_id}/guard"):
        assert operator.get(path).status_code == 404
    assert operator.post(f"/drives/{drive_id}/start", FULL).status_code == 404


# --- cancelling ----------------------------------------------------------------------------------
def test_cancel_asks_once_and_says_what_is_kept(operator: Client, drive: Drive) -> None:
    job = a_job(drive, state=JobState.RUNNING)
    html = operator.get(f"/jobs/{job.pk}/cancel", headers=HTMX).content.decode()
    assert "Cancel the burn-in of sda" in html and "so far are kept" in html
    job.refresh_from_db()
    assert job.cancel_requested_at is None


def test_a_queued_burn_in_is_cancelled_at_once(operator: Client, drive: Drive) -> None:
    job = a_job(drive)
    assert operator.post(f"/jobs/{job.pk}/cancel")["Location"] == f"/history/{job.pk}"
    job.refresh_from_db()
    assert job.state == JobState.CANCELLED
    event = AuditEvent.objects.get(kind=Kind.BURNIN_CANCEL_REQUESTED)
    assert (event.actor, event.source_ip) == ("operator", "127.0.0.1")


def test_a_running_one_shows_that_it_is_being_cancelled(operator: Client, drive: Drive) -> None:
    job = a_job(drive, state=JobState.RUNNING)
    answer = operator.post(f"/jobs/{job.pk}/cancel", headers=HTMX)
    assert answer["HX-Trigger"] == "dialog:done" and "Cancelling" in answer.content.decode()


def test_what_has_ended_can_not_be_cancelled(operator: Client, drive: Drive) -> None:
    job = a_job(drive, state=JobState.PASSED, holds_drive=False)
    answer = operator.post(f"/jobs/{job.pk}/cancel")
    assert answer.status_code == 409 and "has ended" in text(answer)
    shown = operator.post(f"/jobs/{job.pk}/cancel", headers=HTMX)
    assert shown.status_code == 409 and "Nothing to cancel" in shown.content.decode()


def test_an_acknowledged_failure_leaves_the_banner_and_stays_failed(
    operator: Client, drive: Drive
) -> None:
    job = a_job(drive, state=JobState.FAILED, holds_drive=False, error_text="it broke")
    pages = ("/", f"/history/{job.pk}")
    assert all("Acknowledge" in operator.get(page).content.decode() for page in pages)
    assert operator.post("/jobs/acknowledge", {"job": [job.pk, "x"]})["Location"] == "/"
    assert not any("Acknowledge" in operator.get(page).content.decode() for page in pages)
    job.refresh_from_db()
    assert job.state == JobState.FAILED
