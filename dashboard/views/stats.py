"""What all burn-ins together say."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from .. import statistics
from ..roles import role


@require_GET
@role("viewer")
def stats(request: HttpRequest) -> HttpResponse:
    """Pass rate and speed by model, activity, causes, outliers."""
    found = statistics.load(timezone.now())
    context = {
        "here": "stats",
        "stats": found,
        "timed": [line for line in found.models if line.speeds],
        "peers": statistics.PEERS,
        "slower": round(100 * statistics.SLOWER),
        "hotter": round(statistics.HOTTER),
    }
    return render(request, "dashboard/stats.html", context)
