"""Drives, burn-ins and audit events in Django's admin (U14): what may be edited, and what not."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.forms.models import model_to_dict
from django.test import Client
from django.utils import timezone

from audit.models import AuditEvent, Kind
from burnin.models import Job, JobState
from drives.models import Drive
from tests.integration.rows import a_job

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(as_: Callable[[str], Client]) -> Client:
    return as_("admin")


@pytest.fixture
def job(drive: Drive) -> Job:
    return a_job(drive, state=JobState.FAILED, holds_drive=False, error_text="it broke",
                 claims=[{"claim": "x", "holds": False}])  # fmt: skip


def test_location_and_notes_are_edited_and_audited_with_before_and_after(
    admin: Client, drive: Drive
) -> None:
    path = f"/admin/drives/drive/{drive.pk}/change/"
    assert admin.get(path).status_code == 200
    form = {"location": "Bay 7", "notes": "RMA\r\nsecond line", "serial": "OTHER", "pool": "x"}
    assert admin.post(path, form).status_code == 302
    drive.refresh_from_db()
    assert (drive.location, drive.serial, drive.pool) == ("Bay 7", "SER-sda", "")
    event = AuditEvent.objects.get(kind=Kind.DRIVE_EDITED)
    assert (event.actor, event.source_ip) == ("admin", "127.0.0.1")
    assert event.data["before"]["location"] == "" and event.data["after"]["location"] == "Bay 7"
    assert "location none → “Bay 7”" in event.note
    admin.post(path, {"location": "Bay 7", "notes": drive.notes})
    assert AuditEvent.objects.filter(kind=Kind.DRIVE_EDITED).count() == 1


def test_a_label_is_edited_and_never_the_verdict(admin: Client, job: Job) -> None:
    path = f"/admin/burnin/job/{job.pk}/change/"
    html = admin.get(path).content.decode()
    for name in ("state", "error_text", "claims", "serial", "holds_drive"):
        assert f'name="{name}"' not in html
    before = model_to_dict(job)
    form = {"label": "order 42", "notes": "seal was broken", "state": "passed", "error_text": "",
            "claims": "[]", "serial": "OTHER", "finished_at_0": "2026-01-01"}  # fmt: skip
    assert admin.post(path, form).status_code == 302
    job.refresh_from_db()
    changed = {"label": "order 42", "notes": "seal was broken"}
    assert model_to_dict(job) == before | changed
    event = AuditEvent.objects.get(kind=Kind.HISTORY_EDITED)
    assert event.job_id == job.pk and event.data["after"] == changed
    assert "order 42" in admin.get(f"/history/{job.pk}").content.decode()
    assert "order 42" in admin.get(f"/history/{job.pk}/print").content.decode()


def test_the_admin_speaks_as_the_other_pages_do(admin: Client, job: Job) -> None:
    html = admin.get(f"/admin/burnin/job/{job.pk}/change/").content.decode()
    assert "Change burn-in" in html and "Reason:" in html and "Asked for by:" in html
    queued = timezone.localtime(job.created_at)
    assert f"{queued:%a} {queued.day} {queued:%b %Y %H:%M}" in html
    assert "Burn-ins" in admin.get("/admin/").content.decode()


def test_audit_events_are_shown_and_cannot_be_touched(admin: Client, job: Job) -> None:
    event = AuditEvent.objects.create(kind=Kind.FREEZE, note="first <b>words</b>")
    here = f"/admin/audit/auditevent/{event.pk}"
    html = admin.get(f"{here}/change/").content.decode()
    assert "first &lt;b&gt;words" in html and '<input type="submit"' not in html
    assert admin.get("/admin/audit/auditevent/?q=first").status_code == 200
    assert admin.post(f"{here}/change/", {"note": "other"}).status_code == 403
    assert admin.post(f"{here}/delete/", {"post": "yes"}).status_code == 403
    assert admin.get("/admin/audit/auditevent/add/").status_code == 403
    admin.post(
        "/admin/audit/auditevent/", {"action": "delete_selected", "_selected_action": event.pk}
    )
    event.refresh_from_db()
    assert event.note == "first <b>words</b>"


def test_nothing_is_added_or_deleted(admin: Client, job: Job) -> None:
    for model, pk in (("burnin/job", job.pk), ("drives/drive", job.drive_id)):
        assert admin.post(f"/admin/{model}/{pk}/delete/", {"post": "yes"}).status_code == 403
        assert admin.post(f"/admin/{model}/add/", {}).status_code == 403
        assert admin.get(f"/admin/{model}/?q=SER").status_code == 200
        admin.post(f"/admin/{model}/", {"action": "delete_selected", "_selected_action": pk})
    assert Job.objects.count() == Drive.objects.count() == 1
