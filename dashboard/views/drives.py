"""The page of one drive."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from drives.models import Drive

from .. import surface, temperature
from ..drive_page import DrivePage
from ..flusher import sequence_now
from ..roles import role
from .reports import shown


@require_GET
@role("viewer")
def drive(request: HttpRequest, drive_id: int) -> HttpResponse:
    """What is known of it: now, its SMART data, its surface, its burn-ins and self-tests.

    ?phase=verify-2 chooses the phase of the surface's map.
    """
    sequence = sequence_now()
    found = get_object_or_404(Drive.objects.select_related("system"), pk=drive_id)
    now = timezone.now()
    page = DrivePage(found, now)
    context: dict[str, Any] = {
        "here": "drives",
        "drive": found,
        "page": page,
        "answer": page.answer,
        "sequence": sequence,
        "temperature": temperature.plot(found, page.job, page.stages, now),
        "temperature_title": "Temperature in the last burn-in" if page.job else "Temperature",
    }
    measured = surface.measured(found.pk)
    if measured is not None:
        phase = request.GET.get("phase", "")
        earlier = surface.measured(found.pk, before=measured.at) if measured.at else None
        context |= shown(measured, phase if phase in measured.phases else measured.last, earlier)
    return render(request, "dashboard/drive.html", context)
