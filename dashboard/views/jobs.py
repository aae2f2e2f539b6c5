"""Acts on burn-ins: cancelling one, acknowledging failures."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from burnin import orchestrator
from burnin.models import Job
from burnin.progress import job_percent

from ..fragments import after_act
from ..login_events import source_ip
from ..roles import role, wants_json


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
        if wants_json(request):
            return JsonResponse({"reasons": reasons}, status=409)
    context = {"job": found, "percent": job_percent(found), "reasons": reasons}
    partial = bool(request.htmx)  # type: ignore[attr-defined]
    template = "dashboard/_cancel.html" if partial else "dashboard/cancel.html"
    return render(request, template, context, status=409 if reasons else 200)


def _cancelled(request: HttpRequest, job: Job) -> HttpResponse:
    if wants_json(request):
        job.refresh_from_db()
        return JsonResponse({"job": {"id": job.pk, "state": job.state}})
    if request.htmx:  # type: ignore[attr-defined]
        return HttpResponse(after_act(job.drive_id), headers={"HX-Trigger": "dialog:done"})
    return redirect(f"/history/{job.pk}")


@require_POST
@role("operator")
def acknowledge(request: HttpRequest) -> HttpResponse:
    """Takes failed burn-ins (`job`, repeated) off the banner; they stay failed."""
    ids = [int(text) for text in request.POST.getlist("job") if text.isdecimal()]
    count = orchestrator.acknowledge(ids, by=request.user.get_username())
    if wants_json(request):
        return JsonResponse({"acknowledged": count})
    if request.htmx:  # type: ignore[attr-defined]
        drive_id = Job.objects.filter(pk__in=ids).values_list("drive_id", flat=True).first()
        return HttpResponse(after_act(drive_id or 0))
    return redirect("/")
