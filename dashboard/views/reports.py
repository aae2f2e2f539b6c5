"""One burn-in: its page, its sheet of paper, and what it found as JSON and CSV."""

from __future__ import annotations

from typing import Any

import segno
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.safestring import SafeString
from django.views.decorators.http import require_GET

from audit.models import AuditEvent
from burnin.models import Job

from .. import latency_map, surface, temperature
from ..csv_rows import csv_file
from ..event_lines import log_line
from ..flusher import sequence_now
from ..reports import Report
from ..roles import role

LOG_LINES = 500
ERRORS_SHOWN = 50
ERRORS_PRINTED = 6


@require_GET
@role("viewer")
def job(request: HttpRequest, job_id: int) -> HttpResponse:
    """The verdict, the evidence for it, the stages, what was measured and what happened.

    ?phase=verify-2 chooses the phase of the surface's map.
    """
    # The number first: whatever changes from here on is told to the page with a higher one.
    sequence = sequence_now()
    found = _job(job_id)
    context = _told(found, request.GET.get("phase", ""), ERRORS_SHOWN)
    return render(request, "dashboard/job.html", context | {"sequence": sequence})


@require_GET
@role("viewer")
def sheet(request: HttpRequest, job_id: int) -> HttpResponse:
    """The same on one page of paper, with a QR code that leads back."""
    found = _job(job_id)
    address = f"{settings.APP_URL}/history/{found.pk}"
    context = _told(found, "", ERRORS_PRINTED) | {"address": address, "qr": qr(address)}
    return render(request, "dashboard/print.html", context)


@require_GET
@role("viewer")
def as_json(request: HttpRequest, job_id: int) -> JsonResponse:
    """Everything that is known of it, with what the surface run measured."""
    found = _job(job_id)
    stages = [
        {
            "kind": stage.kind,
            "state": stage.state,
            "started_at": stage.started_at,
            "finished_at": stage.finished_at,
            "error_text": stage.error_text,
            "run_id": stage.run_id,
            "evidence": stage.evidence,
        }
        for stage in found.stages.all()
    ]
    body = {
        "id": found.pk,
        "state": found.state,
        "error_text": found.error_text,
        "sentence": Report(found).sentence,
        "serial": found.serial,
        "model": found.drive.model,
        "size_bytes": found.size_bytes,
        "system": found.system.name,
        "profile": found.profile,
        "passes": found.passes,
        "operator": found.operator_name,
        "created_at": found.created_at,
        "started_at": found.started_at,
        "finished_at": found.finished_at,
        "claims": found.claims,
        "stages": stages,
    }
    return _as_file(JsonResponse(body), f"burn-in-{found.pk}.json")


@require_GET
@role("viewer")
def as_csv(request: HttpRequest, job_id: int) -> HttpResponse:
    """Verdict, stages, claims and errors: a line each."""
    found = _job(job_id)
    report = Report(found)
    head = ("part", "name", "state", "started_at", "finished_at", "found", "source")
    rows: list[tuple[Any, ...]] = [
        ("verdict", f"{found.serial} {found.drive.model}", found.state, found.started_at,
         found.finished_at, report.sentence, f"burn-in {found.pk}"),
    ]  # fmt: skip
    for stage in report.stages:
        rows.append(
            ("stage", stage.kind, stage.state, stage.started_at, stage.finished_at,
             stage.error_text, stage.run_id)
        )  # fmt: skip
    for proof in report.proofs:
        rows.append(("claim", proof.claim, proof.word, "", "", proof.found, proof.source))
    written = report.surface_stage
    for one in surface.bad_ranges(written.evidence) if written else ():
        where = f"LBA {one.lba}, {one.length_bytes} bytes"
        rows.append(("error", one.kind, one.phase, "", "", where, one.evidence))
    return csv_file(f"burn-in-{found.pk}.csv", head, rows)


@require_GET
@role("viewer")
def surface_csv(request: HttpRequest, job_id: int) -> HttpResponse:
    """The numbers behind map and curve: a line for each region of each phase."""
    found = _job(job_id)
    measured = surface.surface_of(Report(found).surface_stage)
    head = ("phase", "region", "first_byte", "mean_ms", "max_ms", "bytes_per_second")
    rows = [
        (phase, place + 1, place * found.size_bytes // surface.REGIONS,
         region.mean, region.most, int(region.rate))
        for phase, regions in (measured.phases.items() if measured else ())
        for place, region in enumerate(regions)
        if region
    ]  # fmt: skip
    return csv_file(f"burn-in-{found.pk}-surface.csv", head, rows)


def qr(text: str) -> SafeString:
    """A QR code as SVG without colours or sizes of its own."""
    code = segno.make(text, error="m", micro=False)
    return SafeString(
        code.svg_inline(
            omitsize=True, border=0, svgclass=None, lineclass=None, draw_transparent=False
        )
    )


def _job(job_id: int) -> Job:
    jobs = Job.objects.select_related("drive", "system").prefetch_related("stages")
    return get_object_or_404(jobs, pk=job_id)


def _told(found: Job, phase: str, errors: int) -> dict[str, Any]:
    """All that page and sheet show."""
    events = AuditEvent.objects.filter(job_id=found.pk).order_by("-at", "-pk")[:LOG_LINES]
    log = [log_line(event) for event in reversed(events)]
    report = Report(found, log)
    measured = surface.surface_of(report.surface_stage)
    context: dict[str, Any] = {
        "here": "history",
        "job": found,
        "report": report,
        "log": log,
        "temperature": temperature.plot(found.drive, found, report.stages, timezone.now()),
    }
    if measured is not None:
        chosen = phase if phase in measured.phases else measured.last
        earlier = surface.measured(found.drive_id, before=found.started_at)
        context |= shown(measured, chosen, earlier) | {"errors": measured.errors[:errors]}
    elif report.surface_stage is not None:
        context["errors"] = surface.bad_ranges(report.surface_stage.evidence)[:errors]
    return context


def shown(measured: surface.Surface, phase: str, earlier: surface.Surface | None) -> dict[str, Any]:
    """What the panels of the surface need."""
    return {
        "surface": measured,
        "phases": [(name, surface.label(name)) for name in measured.phases],
        "map": latency_map.Map(measured, phase, earlier),
        "throughput": surface.throughput(measured, phase, earlier),
        "earlier": earlier,
    }


def _as_file(response: JsonResponse, name: str) -> JsonResponse:
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
