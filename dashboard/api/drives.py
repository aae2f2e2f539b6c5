"""/drives: what is there, what it said, notes about it, and its self-tests."""

from __future__ import annotations

from typing import Any, Literal

from django.http import Http404, HttpRequest
from ninja import Field, Query, Router, Schema, Status

from burnin import orchestrator, self_tests
from burnin.models import Job
from drives import edits
from drives.models import Drive, SmartTest

from ..filters import Filter
from ..rows import Row, load_rows
from .access import caller_of, operator, viewer
from .paging import Moment, Page, PageIn, page_of
from .problems import Problem, ProblemOut
from .shapes import DriveOut, ReadingOut, TemperatureOut, example

router = Router(tags=["drives"])
Outcomes = Literal["started", "cancelled"]
States = Literal["idle", "running", "queued", "passed", "failed", "attention"]


class DrivesIn(PageIn):
    """The page's own filters."""

    q: str = Field("", max_length=200, description="name, serial, model, location")
    state: States | None = None
    system: int | None = Field(None, description="a system’s id", ge=1, le=2**63 - 1)
    model: str = Field("", max_length=200)
    present: bool | None = None


class DriveEdit(Schema, extra="forbid"):
    model_config = example({"location": "shelf 2, bay 7", "notes": "from order 4711"})

    location: str | None = Field(None, max_length=100, examples=["shelf 2, bay 7"])
    notes: str | None = Field(None, max_length=10_000)


class SpanIn(PageIn):
    since: Moment | None = Field(None, description="with a time zone; none means UTC")


class SelfTestIn(Schema, extra="forbid"):
    model_config = example({"type": "short"})

    type: Literal["short", "long"] = Field(..., examples=["short"])


class SelfTestOut(Schema):
    drive_id: int
    type: Literal["short", "long"]
    outcome: Outcomes


@router.get("", auth=viewer, response={200: Page[DriveOut], (401, 403, 422): ProblemOut})
def list_drives(request: HttpRequest, wanted: Query[DrivesIn]) -> dict[str, Any]:
    """Every drive that was ever seen, in the order of the page."""
    chosen = Filter(text=wanted.q, system=str(wanted.system or ""), state=wanted.state or "")
    rows = [
        row
        for row in load_rows()
        if not chosen.hides(row)
        and wanted.model in ("", row.drive.model)
        and wanted.present in (None, row.drive.present)
    ]
    return page_of(rows, wanted, DriveOut.of)


@router.get("/{int:drive_id}", auth=viewer, response={200: DriveOut, (401, 403, 404): ProblemOut})
def show_drive(request: HttpRequest, drive_id: int) -> DriveOut:
    """One drive with its place, health, self-tests and latest burn-in."""
    return DriveOut.of(_row(drive_id))


@router.patch(
    "/{int:drive_id}",
    auth=operator,
    response={200: DriveOut, (400, 401, 403, 404, 422): ProblemOut},
)
def edit_drive(request: HttpRequest, drive_id: int, wish: DriveEdit) -> DriveOut:
    """Change a drive's location and notes. What isn't named stays."""
    caller = caller_of(request)
    edits.edit(
        _drive(drive_id),
        location=wish.location,
        notes=wish.notes,
        by=caller.name,
        source_ip=caller.source_ip,
    )
    return DriveOut.of(_row(drive_id))


@router.get(
    "/{int:drive_id}/readings",
    auth=viewer,
    response={200: Page[ReadingOut], (401, 403, 404, 422): ProblemOut},
)
def list_readings(request: HttpRequest, drive_id: int, wanted: Query[SpanIn]) -> dict[str, Any]:
    """SMART readings of a drive, newest first."""
    readings = _drive(drive_id).readings.defer("raw", "self_tests")
    if wanted.since:
        readings = readings.filter(taken_at__gte=wanted.since)
    return page_of(readings, wanted, ReadingOut.of)


@router.get(
    "/{int:drive_id}/temperatures",
    auth=viewer,
    response={200: Page[TemperatureOut], (401, 403, 404, 422): ProblemOut},
)
def list_temperatures(request: HttpRequest, drive_id: int, wanted: Query[SpanIn]) -> dict[str, Any]:
    """Temperatures of a drive, newest first."""
    samples = _drive(drive_id).temperatures.order_by("-taken_at", "-pk")
    if wanted.since:
        samples = samples.filter(taken_at__gte=wanted.since)
    return page_of(
        samples, wanted, lambda one: TemperatureOut(taken_at=one.taken_at, celsius=one.celsius)
    )


class SurfaceOut(Schema):
    """The latest surface run that left a result, as the agent told it."""

    job_id: int
    run_id: str
    verdict: dict[str, Any]
    head: dict[str, Any]
    detail: dict[str, Any] = Field(..., description="regions, errors, slowest chunks, events")


@router.get(
    "/{int:drive_id}/surface",
    auth=viewer,
    response={200: SurfaceOut, (401, 403, 404): ProblemOut},
)
def show_surface(request: HttpRequest, drive_id: int) -> SurfaceOut:
    """The latest surface run of a drive that has ended. 404 when there is none."""
    jobs = Job.objects.filter(drive=_drive(drive_id)).order_by("-pk").prefetch_related("stages")
    for job in jobs:
        for stage in job.stages.all():
            if stage.kind == "surface_validate" and "verdict" in stage.evidence:
                found = {name: stage.evidence.get(name) or {} for name in ("verdict", "head")}
                return SurfaceOut(
                    job_id=job.pk,
                    run_id=stage.run_id,
                    detail=stage.evidence.get("detail") or {},
                    **found,
                )
    raise Http404


SELF_TEST_ANSWERS = {202: SelfTestOut, (400, 401, 403, 404, 409, 422, 503): ProblemOut}


@router.post("/{int:drive_id}/smart/start", auth=operator, response=SELF_TEST_ANSWERS)
def start_self_test(request: HttpRequest, drive_id: int, wish: SelfTestIn) -> Any:
    """Start one SMART self-test outside of a burn-in. Nothing is written to the drive."""
    return _self_test(request, drive_id, wish, "started")


@router.post("/{int:drive_id}/smart/cancel", auth=operator, response=SELF_TEST_ANSWERS)
def cancel_self_test(request: HttpRequest, drive_id: int, wish: SelfTestIn) -> Any:
    """Stop a SMART self-test on the drive itself."""
    return _self_test(request, drive_id, wish, "cancelled")


def _self_test(request: HttpRequest, drive_id: int, wish: SelfTestIn, outcome: Outcomes) -> Any:
    caller, drive = caller_of(request), _drive(drive_id)
    act: Any = self_tests.start if outcome == "started" else self_tests.cancel
    try:
        act(drive, SmartTest.Type(wish.type), by=caller.name, source_ip=caller.source_ip)
    except orchestrator.RequestRefused as error:
        raise Problem(409, f"{error}.", reasons=error.reasons) from None
    except orchestrator.NotActive as error:
        raise Problem(409, f"{error}.", reasons=[str(error)]) from None
    return Status(202, SelfTestOut(drive_id=drive.pk, type=wish.type, outcome=outcome))


def _drive(drive_id: int) -> Drive:
    drive = Drive.objects.select_related("system").filter(pk=_storable(drive_id)).first()
    if drive is None:
        raise Http404
    return drive


def _row(drive_id: int) -> Row:
    rows = load_rows([_storable(drive_id)])
    if not rows:
        raise Http404
    return rows[0]


def _storable(number: int) -> int:
    """No database stores a bigger id, so there is nothing of that number."""
    if number >= 2**63:
        raise Http404
    return number
