"""/audit and /events: what happened, and what happens now."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, StreamingHttpResponse
from ninja import Field, Query, Router

from audit.models import AuditEvent, Kind

from ..event_stream import Watcher, stream
from .access import may_still, viewer
from .paging import Moment, Page, PageIn, page_of
from .problems import ProblemOut, invalid
from .shapes import EventOut

router = Router(tags=["audit"])


class AuditIn(PageIn):
    kind: Kind | None = None
    actor: str = Field("", max_length=150)
    drive: int | None = Field(None, ge=1, le=2**63 - 1)
    job: int | None = Field(None, ge=1, le=2**63 - 1)
    system: int | None = Field(None, ge=1, le=2**63 - 1)
    since: Moment | None = None


@router.get("/audit", auth=viewer, response={200: Page[EventOut], (401, 403, 422): ProblemOut})
def list_events(request: HttpRequest, wanted: Query[AuditIn]) -> dict[str, Any]:
    """Audit events: what happened, newest first."""
    exact = {
        "kind": wanted.kind,
        "actor": wanted.actor,
        "drive_id": wanted.drive,
        "job_id": wanted.job,
        "system_id": wanted.system,
        "at__gte": wanted.since,
    }
    events = AuditEvent.objects.filter(**{name: value for name, value in exact.items() if value})
    return page_of(events, wanted, EventOut.of)


@router.get(
    "/events",
    auth=viewer,
    response={(401, 403, 422): ProblemOut},
    openapi_extra={
        "parameters": [
            {
                "in": "header",
                "name": "Last-Event-ID",
                "schema": {"type": "string", "pattern": "^[0-9]{1,18}$"},
                "description": "the id of the last event that was read; those after it come first",
            }
        ],
        "responses": {
            200: {
                "description": "text/event-stream: `id`, `event` (the kind) and `data` (an event)",
                "content": {"text/event-stream": {"schema": {"type": "string"}}},
            }
        },
    },
)
def follow(request: HttpRequest) -> StreamingHttpResponse:
    """Server-sent events: each audit event once, as it happens."""
    last = request.headers.get("Last-Event-ID", "").strip()
    if last and not (last.isascii() and last.isdecimal() and len(last) <= 18):
        raise invalid("Last-Event-ID", "It is the number of an event")
    watcher = Watcher(int(last) if last else None)
    response = StreamingHttpResponse(
        stream(watcher, lambda: may_still(request, "viewer"), _shown),
        content_type="text/event-stream",
    )
    # Compression would hold events back until a block is full.
    response.headers["Content-Encoding"] = "identity"
    response.headers["X-Accel-Buffering"] = "no"
    return response


def _shown(event: AuditEvent) -> dict[str, Any]:
    return EventOut.of(event).model_dump(mode="json")
