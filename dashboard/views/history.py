"""All burn-ins: filtered, sorted and paged by the address; the same as CSV."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from burnin.models import Job, JobState
from drives.models import Drive, System

from ..csv_rows import csv_stream
from ..history import CSV_HEAD, HistoryFilter, csv_rows, sentence
from ..roles import role

PAGE = 50
#: Name in ?sort=, label, class.
HEADS = (
    ("job", "Burn-in", ""),
    ("", "Verdict", ""),
    ("drive", "Drive", ""),
    ("serial", "Serial", ""),
    ("model", "Model", ""),
    ("size", "Size", "num"),
    ("took", "Took", "num"),
    ("by", "By", ""),
    ("ended", "Ended", ""),
)


class CountedPaginator(Paginator):
    """The count is known already."""

    def __init__(self, jobs: object, size: int, total: int) -> None:
        super().__init__(jobs, size)  # type: ignore[arg-type]
        self.__dict__["count"] = total


@require_GET
@role("viewer")
def history(request: HttpRequest) -> HttpResponse:
    """?q= &state= &system= &model= &operator= &since= &until= &drive= &sort= &page="""
    chosen = HistoryFilter.from_query(request.GET)
    jobs = chosen.jobs()
    total, words = sentence(jobs, bool(chosen))
    context = {
        "here": "history",
        "filter": chosen,
        "sentence": words,
        "total": total,
        "page": CountedPaginator(jobs, PAGE, total).get_page(request.GET.get("page")),
        "address": chosen.address(),
        "heads": [
            (label, style, chosen.sorted_by(name) if name else "", _direction(chosen.sort, name))
            for name, label, style in HEADS
        ],
        "states": JobState.choices,
        "systems": System.everything.order_by("name"),
        "models": Drive.objects.filter(jobs__isnull=False).exclude(model="")
        .order_by("model").values_list("model", flat=True).distinct(),
        "operators": Job.objects.order_by("operator_name")
        .values_list("operator_name", flat=True).distinct(),
    }  # fmt: skip
    return render(request, "dashboard/history.html", context)


@require_GET
@role("viewer")
def history_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Exactly what the page shows with the same filters, of all pages."""
    jobs = HistoryFilter.from_query(request.GET).jobs()
    return csv_stream("burn-ins.csv", CSV_HEAD, csv_rows(jobs))


def _direction(sort: str, name: str) -> str:
    if not name or sort.removeprefix("-") != name:
        return ""
    return "descending" if sort.startswith("-") else "ascending"
