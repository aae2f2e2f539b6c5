"""Many drives at once: the batch dialog, what the guard says of each, and what became of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.views.decorators.http import require_GET, require_http_methods

from burnin import batch, orchestrator
from config import runtime
from drives.models import Drive, SmartTest

from ..estimates import choices, quick_seconds, whole_seconds
from ..forms import Errors, StartForm, numbers
from ..fragments import after_acts
from ..login_events import source_ip
from ..roles import role
from ..rows import natural, places_in_queue
from .drive_menu import dialog
from .start import LAST_CHOICE, PASSES
from .start import start as start_one

MOST_DRIVES = 1000


@require_http_methods(["GET", "POST"])
@role("operator")
def burn_in(request: HttpRequest) -> HttpResponseBase:
    """GET: the dialog for ?drives=1,2,3. POST: an outcome for each drive; 422 by field."""
    drives = _drives(request.GET if request.method == "GET" else request.POST)
    if request.method == "GET":
        if len(drives) == 1:
            return start_one(request, drives[0].pk)
        form = StartForm.fresh(
            request.session.get(LAST_CHOICE), False, runtime.current().surface_passes
        )
        if any(drive.is_flash for drive in drives):
            form = replace(form, passes="")  # one for those, the usual number for the others
        return _ask(request, drives, form)
    form = StartForm.from_post(request.POST)
    plan, errors = form.plan()
    if plan is None:
        return _ask(request, drives, form, errors)
    assert isinstance(request.user, User)
    release, unproved = _releases(request.POST, drives) if plan.destructive else ({}, {})
    wanted = [drive for drive in drives if drive.pk not in unproved]
    try:
        outcomes = batch.request_many(
            wanted,
            plan,
            operator=request.user,
            serial=request.POST.get("serial"),
            confirmed=bool(request.POST.get("confirmed")),
            release=release,
            serials={drive.pk: request.POST.get(f"serial-{drive.pk}", "") for drive in wanted},
            source_ip=source_ip(request),
        )
    except orchestrator.NotConfirmed as error:
        return _ask(request, drives, form, {"confirmed": [str(error)]})
    outcomes += [batch.Outcome(drive, None, (unproved[drive.pk],))
                 for drive in drives if drive.pk in unproved]  # fmt: skip
    request.session[LAST_CHOICE] = [kind.value for kind in plan.stages]
    return _outcomes(request, outcomes, "burn-in")


@require_GET
@role("operator")
def verdicts(request: HttpRequest) -> HttpResponse:
    """Asks each NAS and host right now which of ?drives= may be written. A part of the dialog."""
    drives = _drives(request.GET)
    answers = batch.guard_answers(drives)
    judged = [(drive, orchestrator.refusals(drive), answers.get(drive.pk)) for drive in drives]
    return render(request, "dashboard/_verdicts.html", {"judged": judged})


@require_http_methods(["GET", "POST"])
@role("operator")
def self_test(request: HttpRequest, type: str) -> HttpResponse:
    """GET: asks once. POST: starts SMART short or long on each, with an outcome for each."""
    drives = _drives(request.GET if request.method == "GET" else request.POST)
    label = SmartTest.Type(type).label
    if request.method == "GET":
        context = {"drives": drives, "type": type, "label": label, **_summary(drives)}
        return dialog(request, "batch_self_test", context)
    by = request.user.get_username()
    outcomes = batch.start_self_tests(drives, type, by=by, source_ip=source_ip(request))
    return _outcomes(request, outcomes, label)


def _drives(query: QueryDict) -> list[Drive]:
    """Those of drives=1,2,3 that exist, in the order of the table; at most MOST_DRIVES."""
    ids = numbers(query.get("drives", "").split(","))
    found = Drive.objects.select_related("system").filter(pk__in=ids[:MOST_DRIVES])
    return sorted(found, key=lambda drive: (drive.system.name, *natural(drive.devname)))


def _releases(
    post: QueryDict, drives: Sequence[Drive]
) -> tuple[dict[int, list[str]], dict[int, str]]:
    """What of the old data may be overwritten, by drive; and for whom its serial wasn't typed."""
    release: dict[int, list[str]] = {}
    unproved: dict[int, str] = {}
    for drive in drives:
        facts = post.getlist(f"release-{drive.pk}")
        if not facts:
            continue
        if post.get(f"serial-{drive.pk}", "").strip() == drive.serial:
            release[drive.pk] = facts
        else:
            unproved[drive.pk] = "Its old data is released by typing its serial number exactly"
    return release, unproved


def _ask(
    request: HttpRequest, drives: list[Drive], form: StartForm, errors: Errors | None = None
) -> HttpResponse:
    found = choices(form, drives)
    context = {
        "drives": drives,
        "form": form,
        "errors": errors or {},
        "choices": found,
        "whole_seconds": whole_seconds(found),
        "usual_passes": runtime.current().surface_passes,
        "quick_seconds": quick_seconds(drives),
        "passes": sorted({*map(str, PASSES), form.passes}, key=lambda text: (len(text), text)),
        "worn": any(drive.is_flash for drive in drives),
        **_summary(drives),
    }
    return dialog(request, "batch", context, 422 if errors else 200)


def _summary(drives: Sequence[Drive]) -> dict[str, Any]:
    """What the head of a dialog says of them."""
    models = sorted({drive.model for drive in drives if drive.model})
    return {
        "ids": ",".join(str(drive.pk) for drive in drives),
        "size_bytes": sum(drive.size_bytes for drive in drives),
        "models": f"{len(models)} models" if len(models) > 2 else " and ".join(models),
        "systems": " and ".join(sorted({drive.system.name for drive in drives})),
    }


def _outcomes(request: HttpRequest, outcomes: Sequence[batch.Outcome], what: str) -> HttpResponse:
    """An outcome that has reasons was refused."""
    if not request.htmx:  # type: ignore[attr-defined]
        return redirect("/")
    places = places_in_queue()
    context = {
        "outcomes": sorted(
            ((one, places.get(one.job.pk) if one.job else None) for one in outcomes),
            key=lambda pair: not pair[0].reasons,
        ),
        "what": what,
        "begun": sum(not one.reasons for one in outcomes),
        "refused": sum(bool(one.reasons) for one in outcomes),
    }
    html = render_to_string("dashboard/_outcomes.html", context, request)
    rows = after_acts([one.drive.pk for one in outcomes])
    return HttpResponse(html + rows, headers={"HX-Trigger": "batch:done"})
