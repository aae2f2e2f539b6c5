"""What happened and who did it: the last 200 events, filtered; all of them as CSV and JSON."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from audit.models import AuditEvent

from .. import audit_log
from ..audit_log import CSV_HEAD, SHOWN, AuditFilter
from ..csv_rows import UNPACKED, csv_stream
from ..roles import role


@require_GET
@role("viewer")
def audit(request: HttpRequest) -> HttpResponse:
    """?q= &actor= &kind= &system= &drive= &job= &since= &until= &before="""
    chosen = AuditFilter.from_query(request.GET)
    events = list(chosen.events()[: SHOWN + 1])
    more, events = len(events) > SHOWN, events[:SHOWN]
    everything = AuditEvent.objects.order_by()
    context = {
        "here": "audit",
        "filter": chosen,
        "lines": [audit_log.told(event) for event in events],
        "older": chosen.address(before=events[-1].pk) if more else "",
        "newest": chosen.address(before="") if chosen.before else "",
        "address": chosen.address(before=""),
        "kinds": audit_log.kinds(),
        "actors": everything.exclude(actor="").order_by("actor")
        .values_list("actor", flat=True).distinct(),
        "systems": everything.exclude(system_name="").order_by("system_name")
        .values_list("system_name", flat=True).distinct(),
    }  # fmt: skip
    return render(request, "dashboard/audit.html", context)


@require_GET
@role("viewer")
def audit_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Every event that matches, not only the last 200."""
    events = AuditFilter.from_query(request.GET).events()
    return csv_stream("audit.csv", CSV_HEAD, audit_log.csv_rows(events))


@require_GET
@role("viewer")
def audit_json(request: HttpRequest) -> StreamingHttpResponse:
    """The same as a JSON array, with the data of each event."""
    events = AuditFilter.from_query(request.GET).events()
    encoder = DjangoJSONEncoder(ensure_ascii=False)

    async def pieces() -> AsyncIterator[str]:
        yield "["
        between = ""
        async for event in events.aiterator(chunk_size=500):
            row: dict[str, Any] = dict(zip(CSV_HEAD, audit_log.as_row(event), strict=True))
            yield f"{between}\n{encoder.encode(row | {'data': event.data})}"
            between = ","
        yield "\n]\n"

    headers = {"Content-Disposition": 'attachment; filename="audit.json"'} | UNPACKED
    return StreamingHttpResponse(pieces(), content_type="application/json", headers=headers)
