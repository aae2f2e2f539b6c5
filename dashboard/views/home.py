"""The drives: the page, the table alone for a page that catches up, and the list for programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString
from django.views.decorators.http import require_GET

from burnin.eta import budget
from burnin.models import Job, Stage
from config.models import freeze

from ..filters import SORTS, Filter, Order
from ..flusher import sequence_now
from ..fragments import above, partial, row_html
from ..roles import role
from ..rows import Row, load_rows
from ..summary import Chip, load_chips, summarise
from ..words import plural

#: Name in ?sort=, label, class. Short and Long can't be ordered by.
COLUMNS_SHOWN = (
    ("drive", "Drive", "drive"),
    ("serial", "Serial", ""),
    ("model", "Model", ""),
    ("size", "Size", "num"),
    ("temp", "Temp", "num"),
    ("health", "Health", ""),
    ("", "Short", ""),
    ("", "Long", ""),
    ("burnin", "Burn-in", ""),
    ("", "Actions", "num"),
)


@require_GET
@role("viewer")
def home(request: HttpRequest) -> HttpResponse:
    """The drives table with what stands above it."""
    return render(request, "dashboard/home.html", {"here": "drives", **_context(request)})


@require_GET
@role("viewer")
def table(request: HttpRequest) -> HttpResponse:
    """All that a page which missed something needs: the table and what stands above it."""
    context = _context(request)
    parts = {"drives": "dashboard/_table.html", "foot": "dashboard/_foot.html"}
    html = [partial(id_, render_to_string(name, context)) for id_, name in parts.items()]
    return HttpResponse("".join([*html, above(context["summary"])]))


@require_GET
@role("viewer")
def drives_json(request: HttpRequest) -> JsonResponse:
    """Every drive with its last burn-in, for programs."""
    return JsonResponse({"drives": [_drive(row) for row in load_rows(evidence=True)]})


def _context(request: HttpRequest) -> dict[str, Any]:
    # The number first: whatever changes from here on is sent to the page with a higher one.
    sequence = sequence_now()
    chosen, order = Filter.from_query(request.GET), Order.from_query(request.GET)
    now = timezone.now()
    planned = budget(now)
    everything, chips = load_rows(planned=planned), load_chips(now)
    rows = [row for row in everything if not row.is_long_gone]
    summary = summarise(rows, chips, freeze(), planned.all_done)
    matches = sum(not chosen.hides(row) for row in rows)
    shown = plural(len(rows), "drive")
    return {
        "summary": summary,
        "groups": _groups(rows, summary.chips, chosen, order),
        "order": order,
        "columns": COLUMNS_SHOWN,
        "sorts": SORTS,
        "models": sorted({row.drive.model for row in rows if row.drive.model}),
        "filter": chosen,
        "matches": matches,
        "shown": f"{matches} of {shown}" if chosen else shown,
        "capacity": sum(row.drive.size_bytes for row in rows),
        "long_gone": len(everything) - len(rows),
        "poll_seconds": settings.POLL_INTERVAL_SECONDS,
        "sequence": sequence,
    }


def _groups(
    rows: Sequence[Row], chips: Sequence[Chip], chosen: Filter, order: Order
) -> list[tuple[Chip, list[SafeString]]]:
    """Each system with the HTML of its rows."""
    of: dict[int, list[Row]] = {}
    for row in rows:
        of.setdefault(row.drive.system_id, []).append(row)
    return [
        (
            chip,
            [
                row_html(row, hidden=chosen.hides(row))
                for row in order.of(of.get(chip.system.pk, []))
            ],
        )
        for chip in chips
    ]


def _drive(row: Row) -> dict[str, Any]:
    drive = row.drive
    return {
        "id": drive.pk,
        "name": drive.devname,
        "serial": drive.serial,
        "model": drive.model,
        "system": drive.system.name,
        "size_bytes": drive.size_bytes,
        "present": drive.present,
        "job": _job(row.job, row) if row.job is not None else None,
    }


def _job(job: Job, row: Row) -> dict[str, Any]:
    return {
        "id": job.pk,
        "state": job.state,
        "percent": round(row.percent, 2),
        "error_text": job.error_text,
        "claims": job.claims,
        "stages": [_stage(stage) for stage in job.stages.all()],
    }


def _stage(stage: Stage) -> dict[str, Any]:
    return {
        "kind": stage.kind,
        "state": stage.state,
        "percent": stage.percent,
        "error_text": stage.error_text,
        "run_id": stage.run_id,
        "evidence": stage.evidence,
    }
