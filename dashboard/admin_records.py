"""Drives, burn-ins and audit events in Django's admin (U14).

Location, notes and labels can be edited, through the functions that audit it with before and after.
A state, a verdict or evidence can't, and of an audit event nothing.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from audit.models import AuditEvent
from burnin import labels
from burnin.models import Job
from drives import edits
from drives.models import Drive

from .admin_site import EmptyIsNone
from .login_events import source_ip


class Record(EmptyIsNone, admin.ModelAdmin):
    """Nothing is added or deleted; what may be edited is in `editable`."""

    editable: tuple[str, ...] = ()
    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [str(name) for name in self.fields or () if name not in self.editable]


class DriveForm(forms.ModelForm):
    class Meta:
        model = Drive
        fields = ("location", "notes")
        labels = {
            "devname": "Name", "lunid": "WWN", "size_bytes": "Bytes", "use_reason": "In use",
            "smart_health": "SMART health", "temperature_c": "Temperature, °C",
            "last_polled_at": "Last asked", "created_at": "Seen since",
        }  # fmt: skip

    location = forms.CharField(required=False, max_length=edits.LONGEST["location"])
    notes = forms.CharField(
        required=False, max_length=edits.LONGEST["notes"], widget=forms.Textarea({"rows": 4})
    )


@admin.register(Drive)
class DriveAdmin(Record):
    form = DriveForm
    editable = ("location", "notes")
    fields = (
        "location", "notes", "devname", "serial", "lunid", "model", "size_bytes", "system",
        "present", "pool", "use_reason", "smart_health", "temperature_c", "last_polled_at",
        "created_at",
    )  # fmt: skip
    list_display = ("devname", "serial", "model", "system", "location", "present")
    list_filter = ("system", "present")
    search_fields = ("devname", "serial", "model", "location", "notes")
    list_select_related = ("system",)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        edits.edit(
            obj,
            location=form.cleaned_data["location"],
            notes=form.cleaned_data["notes"],
            by=request.user.get_username(),
            source_ip=source_ip(request),
        )


class JobForm(forms.ModelForm):
    class Meta:
        model = Job
        fields = ("label", "notes")
        labels = {
            "error_text": "Reason", "operator_name": "Asked for by", "created_at": "Queued",
            "started_at": "Started", "finished_at": "Ended",
        }  # fmt: skip
        help_texts = {"serial": "As it was when the burn-in was asked for"}

    label = forms.CharField(
        required=False,
        max_length=labels.LONGEST["label"],
        help_text="A word or two, as a delivery or an order; shown on its page and sheet.",
    )
    notes = forms.CharField(
        required=False, max_length=labels.LONGEST["notes"], widget=forms.Textarea({"rows": 4})
    )


@admin.register(Job)
class JobAdmin(Record):
    form = JobForm
    editable = ("label", "notes")
    fields = (
        "label", "notes", "page", "drive", "serial", "system", "state", "error_text", "profile",
        "passes", "operator_name", "created_at", "started_at", "finished_at",
    )  # fmt: skip
    list_display = ("pk", "state", "serial", "label", "operator_name", "finished_at")
    list_filter = ("state", "system")
    search_fields = ("serial", "label", "notes", "operator_name", "error_text")
    list_select_related = ("drive",)

    @admin.display(description="page")
    def page(self, job: Job) -> SafeString:
        return format_html('<a href="/history/{}">Burn-in {}</a>', job.pk, job.pk)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        labels.edit(
            obj,
            label=form.cleaned_data["label"],
            notes=form.cleaned_data["notes"],
            by=request.user.get_username(),
            source_ip=source_ip(request),
        )


@admin.register(AuditEvent)
class AuditEventAdmin(Record):
    list_display = ("at", "kind", "actor", "source_ip", "note")
    empty_value_display = ""
    list_filter = ("kind",)
    search_fields = ("note", "actor", "drive_serial")
    fields = (
        "at", "kind", "note", "actor", "source_ip", "system_name", "drive_serial", "job_id", "data",
    )  # fmt: skip

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False
