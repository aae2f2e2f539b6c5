"""What else can be done with one drive: its menu, self-tests, pause, location and notes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from burnin import orchestrator, self_tests
from burnin.models import Job
from drives import edits
from drives.models import Drive, SmartTest

from ..fragments import after_act
from ..login_events import source_ip
from ..roles import role, wants_json
from ..rows import load_rows


@require_GET
@role("viewer")
def menu(request: HttpRequest, drive_id: int) -> HttpResponse:
    """The inside of the menu that all rows share."""
    drive = get_object_or_404(Drive, pk=drive_id, system__removed_at=None)
    (row,) = load_rows([drive.pk])
    tests = {SmartTest.Type.SHORT: row.short, SmartTest.Type.LONG: row.long}
    running = [type_ for type_, test in tests.items() if test and test.state == "running"]
    held = row.job is not None and row.job.holds_drive
    context = {
        "row": row,
        "drive": drive,
        "startable": [] if held or running or not drive.present else list(SmartTest.Type),
        "cancellable": [] if held else running,
    }
    return render(request, "dashboard/_menu.html", context)


@require_POST
@role("operator")
def pause(request: HttpRequest, job_id: int) -> HttpResponse:
    """Holds a burn-in still until somebody resumes it; 409 when it has ended."""
    return _with_job(request, job_id, orchestrator.pause)


@require_POST
@role("operator")
def resume(request: HttpRequest, job_id: int) -> HttpResponse:
    return _with_job(request, job_id, orchestrator.resume)


def _with_job(request: HttpRequest, job_id: int, act: Callable[..., None]) -> HttpResponse:
    job = get_object_or_404(Job.objects.select_related("drive", "system"), pk=job_id)
    try:
        act(job, by=request.user.get_username(), source_ip=source_ip(request))
    except orchestrator.NotActive as error:
        return _refused(request, [str(error)])
    return _done(request, job.drive_id)


@require_POST
@role("operator")
def start_self_test(request: HttpRequest, drive_id: int, type: str) -> HttpResponse:
    """Starts SMART short or long on one drive; 409 with every reason against it."""
    drive = get_object_or_404(Drive.objects.select_related("system"), pk=drive_id)
    by = request.user.get_username()
    try:
        self_tests.start(drive, type, by=by, source_ip=source_ip(request))
    except orchestrator.RequestRefused as error:
        return _refused(request, error.reasons)
    return _done(request, drive.pk)


@require_http_methods(["GET", "POST"])
@role("operator")
def cancel_self_test(request: HttpRequest, drive_id: int, type: str) -> HttpResponse:
    """GET: asks once. POST: stops it on the drive; 409 with the reason when it can't be."""
    drive = get_object_or_404(Drive.objects.select_related("system"), pk=drive_id)
    label = SmartTest.Type(type).label
    reasons: list[str] = []
    if request.method == "POST":
        by = request.user.get_username()
        try:
            self_tests.cancel(drive, type, by=by, source_ip=source_ip(request))
        except orchestrator.NotActive as error:
            reasons = [str(error)]
        except orchestrator.RequestRefused as error:
            reasons = error.reasons
        else:
            return _done(request, drive.pk, closes_dialog=True)
    test = SmartTest.objects.filter(drive=drive, type=type).first()
    context = {"drive": drive, "type": type, "label": label, "test": test, "reasons": reasons}
    return dialog(request, "cancel_self_test", context, 409 if reasons else 200)


@require_http_methods(["GET", "POST"])
@role("operator")
def edit(request: HttpRequest, drive_id: int) -> HttpResponse:
    """GET: location and notes as a dialog. POST: saves those that were sent; 422 by field. The
    drive's own page, which has no row to be given, accepts JSON."""
    drive = get_object_or_404(Drive.objects.select_related("system"), pk=drive_id)
    given = {name: request.POST.get(name) for name in ("location", "notes")}
    errors: dict[str, list[str]] = {}
    if request.method == "POST":
        by = request.user.get_username()
        try:
            edits.edit(drive, **given, by=by, source_ip=source_ip(request))
        except ValidationError as error:
            errors = error.message_dict
        else:
            if wants_json(request):
                return JsonResponse({})
            return _done(request, drive.pk, closes_dialog=True)
        if wants_json(request):
            return JsonResponse({"errors": errors}, status=422)
    shown = {
        name: getattr(drive, name) if value is None else value for name, value in given.items()
    }
    context = {"drive": drive, "errors": errors, **shown}
    return dialog(request, "edit", context, 422 if errors else 200)


def _done(request: HttpRequest, drive_id: int, *, closes_dialog: bool = False) -> HttpResponse:
    """For htmx the row as it is now."""
    if request.htmx:  # type: ignore[attr-defined]
        headers = {"HX-Trigger": "dialog:done"} if closes_dialog else {}
        return HttpResponse(after_act(drive_id), headers=headers)
    return redirect("/")


def _refused(request: HttpRequest, reasons: list[str]) -> HttpResponse:
    context = {"reasons": reasons}
    return dialog(request, "refused", context, 409)


def dialog(
    request: HttpRequest, name: str, context: dict[str, Any], status: int = 200
) -> HttpResponse:
    """The dialog alone for htmx, else a page of its own that works without a script."""
    if request.htmx:  # type: ignore[attr-defined]
        return render(request, f"dashboard/_{name}.html", context, status=status)
    template = "dashboard/dialog_page.html"
    part = {"part": f"dashboard/_{name}.html"}
    return render(request, template, context | part, status=status)
