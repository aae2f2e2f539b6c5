"""The drives: the page, and the table alone for a page that catches up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString
from django.views.decorators.http import require_GET

from burnin.eta import budget
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


#: Rows of one `<tbody>`: a browser passes over those out of sight together, not one by one.
ROWS_TOGETHER = 25


def _groups(
    rows: Sequence[Row], chips: Sequence[Chip], chosen: Filter, order: Order
) -> list[tuple[Chip, list[tuple[int, list[SafeString]]]]]:
    """Each system with its bodies: how many rows of one are shown, and their HTML."""
    of: dict[int, list[Row]] = {}
    for row in rows:
        of.setdefault(row.drive.system_id, []).append(row)
    return [(chip, _bodies(order.of(of.get(chip.system.pk, [])), chosen)) for chip in chips]


def _bodies(rows: Sequence[Row], chosen: Filter) -> list[tuple[int, list[SafeString]]]:
    bodies = []
    for start in range(0, max(len(rows), 1), ROWS_TOGETHER):
        body = [(row, chosen.hides(row)) for row in rows[start : start + ROWS_TOGETHER]]
        # The first begins with the system's own line.
        shown = sum(not hidden for _, hidden in body) + (start == 0)
        bodies.append((shown, [row_html(row, hidden=hidden) for row, hidden in body]))
    return bodies
