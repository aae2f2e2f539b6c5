"""Acts on burn-ins: cancelling one, acknowledging failures."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from burnin import orchestrator
from burnin.models import ACTIVE_JOB_STATES, Job, JobState
from burnin.progress import job_percent

from ..forms import numbers
from ..fragments import above, after_act, summary_now
from ..login_events import source_ip
from ..roles import role
from .drive_menu import dialog

#: Cancel All wants the number typed when there are more than this.
MOST_UNASKED = 10


@require_http_methods(["GET", "POST"])
@role("operator")
def cancel(request: HttpRequest, job_id: int) -> HttpResponse:
    """GET: asks once and says what is kept. POST: cancels; 409 when it has ended."""
    found = get_object_or_404(Job.objects.select_related("drive", "system"), pk=job_id)
    reasons: list[str] = []
    if request.method == "POST":
        try:
            by = request.user.get_username()
            orchestrator.cancel(found, by=by, source_ip=source_ip(request))
        except orchestrator.NotActive as error:
            reasons = [str(error)]
        else:
            return _cancelled(request, found)
    context = {"job": found, "percent": job_percent(found), "reasons": reasons}
    partial = bool(request.htmx)  # type: ignore[attr-defined]
    template = "dashboard/_cancel.html" if partial else "dashboard/cancel.html"
    return render(request, template, context, status=409 if reasons else 200)


def _cancelled(request: HttpRequest, job: Job) -> HttpResponse:
    if request.htmx:  # type: ignore[attr-defined]
        return HttpResponse(after_act(job.drive_id), headers={"HX-Trigger": "dialog:done"})
    return redirect(f"/history/{job.pk}")


@require_http_methods(["GET", "POST"])
@role("operator")
def cancel_all(request: HttpRequest) -> HttpResponse:
    """GET: asks, from MOST_UNASKED burn-ins on for their number typed. POST: cancels; 422."""
    active = Job.objects.filter(state__in=ACTIVE_JOB_STATES)
    count = active.count()
    asks = count > MOST_UNASKED
    errors: dict[str, list[str]] = {}
    if request.method == "POST":
        if asks and request.POST.get("count", "").strip() != str(count):
            errors["count"] = [f"Type {count}: that many would be cancelled now"]
        else:
            by = request.user.get_username()
            orchestrator.cancel_all(by=by, source_ip=source_ip(request))
            return _cancelled_all(request)
    context = {
        "count": count,
        "queued": active.filter(state=JobState.QUEUED).count(),
        "running": active.filter(state=JobState.RUNNING).count(),
        "systems": " and ".join(sorted(set(active.values_list("system__name", flat=True)))),
        "asks_count": asks,
        "most_unasked": MOST_UNASKED,
        "errors": errors,
    }
    return dialog(request, "cancel_all_dialog", context, 422 if errors else 200)


def _cancelled_all(request: HttpRequest) -> HttpResponse:
    if request.htmx:  # type: ignore[attr-defined]
        # The rows follow by themselves, as on every other open page.
        return HttpResponse(above(summary_now()), headers={"HX-Trigger": "dialog:done"})
    return redirect("/")


@require_POST
@role("operator")
def acknowledge(request: HttpRequest) -> HttpResponse:
    """Takes failed burn-ins (`job`, repeated) off the banner; they stay failed."""
    ids = numbers(request.POST.getlist("job"))
    orchestrator.acknowledge(ids, by=request.user.get_username())
    if request.htmx:  # type: ignore[attr-defined]
        drive_id = Job.objects.filter(pk__in=ids).values_list("drive_id", flat=True).first()
        return HttpResponse(after_act(drive_id or 0))
    return redirect("/")
