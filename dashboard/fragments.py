"""Renders what live pages get: changed rows, and what stands above the table when it differs."""

from __future__ import annotations

import re
import time
from datetime import datetime
from typing import Any

from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from burnin.eta import Budget, budget
from burnin.models import Job
from config.models import freeze

from . import words
from .ended import Ended
from .rows import Row, places_in_queue, table_rows
from .summary import Summary, load_chips, summarise


def partial(target: str, html: str) -> SafeString:
    """An instruction for htmx: morph that element into this HTML.

    No space around it: a morph would add that as one more text node beside the row each time.
    """
    return format_html(
        '<hx-partial hx-target="#{}" hx-swap="outerMorph">{}</hx-partial>',
        target,
        mark_safe(html.strip()),  # noqa: S308  (rendered from our own template)
    )


#: An age: the moment it counts from, as what, and its words.
AGE = re.compile(r'(<time datetime="([^"]+)" data-as="(ago|for|age)">)[^<]*')


def without_ages(html: str) -> str:
    """For comparing: the page's script counts them by itself."""
    return AGE.sub(r"\1", html)


def _with_ages(html: str, now: datetime) -> SafeString:
    """As if it were rendered now."""

    def say(found: re.Match[str]) -> str:
        return found[1] + words.moment(datetime.fromisoformat(found[2]), found[3], now)

    return SafeString(AGE.sub(say, html))


#: Drive id to the facts of its row, when it was rendered, and its HTML.
_rendered: dict[int, tuple[tuple[object, ...], float, SafeString]] = {}
#: For so long when its burn-in is going on: when that ends is estimated anew with time.
ACTIVE_KEPT_SECONDS = 60


def row_html(row: Row, *, hidden: bool = False) -> SafeString:
    """The `<tr>` of a drive, the same for everybody; rendered again where something differs."""
    facts, now = row.facts, time.monotonic()
    known = _rendered.get(row.drive.pk)
    is_active = row.job is not None and row.job.is_active
    if known is None or known[0] != facts or (is_active and now - known[1] > ACTIVE_KEPT_SECONDS):
        html = SafeString(render_to_string("dashboard/_row.html", {"row": row}).strip())
        known = _rendered[row.drive.pk] = (facts, now, html)
    html = _with_ages(known[2], row.now)
    return SafeString(html.replace(" data-", " hidden data-", 1)) if hidden else html


def render_row(row: Row) -> SafeString:
    """The row of a drive, to morph into its place."""
    return partial(f"drive-{row.drive.pk}", row_html(row))


def render_above(summary: Summary) -> dict[str, SafeString]:
    """What stands above the rows, by the id of its element: each part can be sent alone."""
    context = {"summary": summary, "chips": summary.chips}
    parts = {
        name: render_to_string(f"dashboard/_{name}.html", context)
        for name in ("answer", "stats", "banners", "systems")
    }
    parts["all-acts"] = render_to_string("dashboard/_all_acts.html", context)
    for chip in summary.chips:
        group = {"chip": chip, "summary": summary}
        parts[f"system-{chip.system.pk}"] = render_to_string("dashboard/_group.html", group)
    return {name: partial(name, html) for name, html in parts.items()}


def above(summary: Summary) -> SafeString:
    """All that stands above the rows, as one text."""
    return SafeString("".join(render_above(summary).values()))


def summary_now(planned: Budget | None = None) -> Summary:
    """planned: the budget, where the caller has it already."""
    return _summary(table_rows(brief=True), planned or budget(timezone.now()))


def _summary(rows: list[Row], planned: Budget) -> Summary:
    return summarise(rows, load_chips(timezone.now()), freeze(), planned.all_done)


def after_act(drive_id: int) -> SafeString:
    """The answer to a click: the row as it is now, and what stands above it."""
    return after_acts([drive_id])


def after_acts(drive_ids: list[int]) -> SafeString:
    """The same for several rows."""
    planned = budget(timezone.now())
    rows = "".join(map(render_row, table_rows(drive_ids, planned=planned)))
    return SafeString(rows) + above(summary_now(planned))


class Fragments:
    """Remembers what was sent last, so that only differences travel."""

    def __init__(self) -> None:
        self.sent: dict[str, str] = {}
        self.shown: set[int] = set()
        self.places: dict[int, int] = {}
        self.ended = Ended()

    def forget(self) -> None:
        """The last message may not have arrived: send all of it with the next one."""
        self.sent.clear()
        self.ended.told.clear()

    def render(self, ids: list[int]) -> dict[str, Any] | None:
        """Changed drives in, a message out: `drives` (ids), `title`, `content` (HTML for htmx),
        `chips` (the part of it that every page's header has, where it differs), `ended` where a
        burn-in has just ended (ended.py), and `left` where the table lost a row.

        None when nothing but ages differs from what was sent before.
        """
        planned = budget(timezone.now())
        rows = table_rows([*ids, *self._moved_in_queue()], planned=planned)
        table = table_rows(brief=True)
        summary = _summary(table, planned)
        left = self.shown - (here := {row.drive.pk for row in table})
        self.shown = here
        above = {
            name: html
            for name, html in render_above(summary).items()
            if self.sent.get(name) != without_ages(html)
        }
        if not ids and not rows and not above and not left:
            return None
        self.sent.update((name, without_ages(html)) for name, html in above.items())
        content = "".join([*map(render_row, rows), *above.values()])
        message: dict[str, Any] = {
            "drives": sorted({*ids, *(row.drive.pk for row in rows)}),
            "title": summary.title,
            "content": content,
        }
        if left:
            message["left"] = True
        if "systems" in above:
            message["chips"] = above["systems"]
        if ended := self.ended.news(ids):
            message["ended"] = ended
        return message

    def _moved_in_queue(self) -> list[int]:
        """Drives whose place in the queue is another one, though nothing of their own changed."""
        places = places_in_queue()
        moved = [job_id for job_id, place in places.items() if self.places.get(job_id) != place]
        self.places = places
        return list(Job.objects.filter(pk__in=moved).values_list("drive_id", flat=True))
