"""Starting a burn-in: the dialog, the guard's answer in it, and the request itself."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from burnin import orchestrator
from burnin.precheck_now import guard_answer
from config import runtime
from drives.models import Drive

from ..estimates import choices, quick_seconds, turn, whole_seconds
from ..forms import Errors, StartForm
from ..fragments import after_act
from ..login_events import source_ip
from ..roles import role

LAST_CHOICE = "last_choice"
#: What the guard looked at, as it reads when nothing was found.
CLEAR = {
    "pool": "in no pool",
    "mount": "not mounted",
    "swap": "no swap",
    "partition": "no partitions",
    "signature": "no data found",
    "holder": "used by nothing",
}
PASSES = range(1, 5)


@require_http_methods(["GET", "POST"])
@role("operator")
def start(request: HttpRequest, drive_id: int) -> HttpResponse:
    """GET: the dialog. POST: the row; 409 with reasons; 422 with errors by field."""
    drive = get_object_or_404(Drive.objects.select_related("system"), pk=drive_id)
    passes = runtime.current().surface_passes
    if request.method == "GET":
        form = StartForm.fresh(request.session.get(LAST_CHOICE), drive.is_flash, passes)
        return _dialog(request, drive, form, reasons=orchestrator.refusals(drive))
    form = StartForm.from_post(request.POST)
    plan, errors = form.plan()
    if plan is None:
        return _refuse(request, drive, form, errors=errors)
    assert isinstance(request.user, User)
    try:
        orchestrator.request(
            drive,
            plan,
            operator=request.user,
            typed_serial=form.serial,
            release=form.release,
            source_ip=source_ip(request),
        )
    except orchestrator.NotConfirmed as error:
        return _refuse(request, drive, form, errors={"serial": [str(error)]})
    except orchestrator.RequestRefused as error:
        return _refuse(request, drive, form, reasons=error.reasons)
    request.session[LAST_CHOICE] = [kind.value for kind in plan.stages]
    if request.htmx:  # type: ignore[attr-defined]
        return HttpResponse(after_act(drive.pk), headers={"HX-Trigger": "dialog:done"})
    return redirect("/")


@require_GET
@role("operator")
def guard(request: HttpRequest, drive_id: int) -> HttpResponse:
    """Asks NAS and host right now whether the drive may be written. A fragment of the dialog."""
    drive = get_object_or_404(Drive.objects.select_related("system"), pk=drive_id)
    answer = guard_answer(drive)
    clear = [words for fact, words in CLEAR.items() if answer.facts.get(fact) == "clear"]
    context = {
        "drive": drive,
        "reasons": answer.reasons,
        "clear": clear,
        "releasable": answer.releasable,
    }
    return render(request, "dashboard/_guard.html", context)


def _refuse(
    request: HttpRequest,
    drive: Drive,
    form: StartForm,
    *,
    errors: Errors | None = None,
    reasons: list[str] | None = None,
) -> HttpResponse:
    status = 422 if errors else 409
    return _dialog(request, drive, form, status=status, errors=errors, reasons=reasons)


def _dialog(
    request: HttpRequest,
    drive: Drive,
    form: StartForm,
    *,
    status: int = 200,
    errors: Errors | None = None,
    reasons: list[str] | None = None,
) -> HttpResponse:
    """The dialog alone for htmx, else a page of its own that works without a script."""
    found = choices(form, [drive])
    context = {
        "drive": drive,
        "form": form,
        "choices": found,
        "whole_seconds": whole_seconds(found),
        "usual_passes": runtime.current().surface_passes,
        "quick_seconds": quick_seconds([drive]),
        "turn": turn(drive),
        "errors": errors or {},
        "reasons": reasons or [],
        # What speaks against any burn-in of it, with a surface run or without: no way to start.
        "barred": bool(reasons) and bool(orchestrator.refusals(drive)),
        "passes": sorted({*map(str, PASSES), form.passes}, key=lambda text: (len(text), text)),
    }
    partial = bool(request.htmx)  # type: ignore[attr-defined]
    template = "dashboard/_start.html" if partial else "dashboard/start.html"
    return render(request, template, context, status=status)
