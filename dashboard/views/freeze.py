"""The switch that stops all writing everywhere, and takes that back (S10)."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from burnin import orchestrator

from ..fragments import above, summary_now
from ..login_events import source_ip
from ..roles import role


@require_POST
@role("operator")
def freeze(request: HttpRequest) -> HttpResponse:
    """Nothing is started and every surface run pauses, until somebody thaws it."""
    orchestrator.freeze_all(by=request.user.get_username(), source_ip=source_ip(request))
    return _answer(request)


@require_POST
@role("operator")
def thaw(request: HttpRequest) -> HttpResponse:
    orchestrator.thaw_all(by=request.user.get_username(), source_ip=source_ip(request))
    return _answer(request)


def _answer(request: HttpRequest) -> HttpResponse:
    if request.htmx:  # type: ignore[attr-defined]
        return HttpResponse(above(summary_now()))
    return redirect("/")
