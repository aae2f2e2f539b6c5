"""/burnin: start, look at, hold, cancel and export burn-ins."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    JsonResponse,
    StreamingHttpResponse,
)
from ninja import Field, Query, Router, Schema
from pydantic import model_validator

from burnin import batch, orchestrator
from burnin.models import CHOSEN_KINDS, Job, StageKind
from burnin.orchestrator.requesting import ReleaseNotConfirmed
from burnin.plan import Plan
from config import runtime
from drives.models import Drive

from ..csv_rows import csv_stream
from ..history import CSV_HEAD, HistoryFilter, csv_rows
from .access import Caller, caller_of, operator, viewer
from .idempotency import Answer, once
from .paging import Moment, Page, PageIn, page_of
from .problems import CONTENT_TYPE, Problem, ProblemOut, invalid
from .shapes import JobOut, JobStates, JobWhole, example

router = Router(tags=["burn-ins"])
#: Flag of a wish to the stage that it stands for.
FLAGS = {
    "run_short": StageKind.SHORT_SMART,
    "run_long": StageKind.LONG_SMART,
    "run_surface": StageKind.SURFACE_VALIDATE,
}
DriveId = Annotated[int, Field(ge=1, le=2**63 - 1)]
Stages = Literal["short_smart", "long_smart", "surface_validate"]


class StartIn(Schema, extra="forbid"):
    """With a destructive stage one drive takes `serial`, several take `confirm_destructive`."""

    model_config = example(
        {"drive_ids": [3], "serial": "ZL2ABCDE"},
        {"drive_ids": [3, 4, 5], "stage_order": ["surface_validate"], "confirm_destructive": True},
        {"drive_ids": [3], "run_surface": False, "run_long": False},
    )

    drive_ids: list[DriveId] = Field(..., min_length=1, max_length=500, examples=[[3]])
    run_surface: bool = True
    run_short: bool = True
    run_long: bool = True
    stage_order: list[Stages] | None = Field(None, examples=[["short_smart", "surface_validate"]])
    profile: Literal["quick"] | None = Field(
        None, description="instead of the flags: SMART short and a sample of the surface"
    )
    passes: int | None = Field(None, ge=1, le=16, description="of the surface run")
    serial: str | None = Field(None, max_length=200, examples=["ZL2ABCDE"])
    confirm_destructive: bool = False
    release: dict[int, list[str]] = Field(
        {}, description="drive id to the names of findings that may be overwritten; see a refusal"
    )
    serials: dict[int, str] = Field(
        {}, description="with several drives: drive id to its serial, for each one in `release`"
    )

    @model_validator(mode="after")
    def _agree(self) -> StartIn:
        if len(set(self.drive_ids)) != len(self.drive_ids):
            raise ValueError("drive_ids names a drive twice")
        if strange := sorted(set(self.release) - set(self.drive_ids)):
            raise ValueError(f"release names drive {strange[0]}, which is not in drive_ids")
        given = self.model_fields_set & set(FLAGS)
        if self.profile is not None:
            if given or self.stage_order is not None:
                raise ValueError("profile comes without flags and stage_order")
            return self
        if self.stage_order is not None:
            if len(set(self.stage_order)) != len(self.stage_order):
                raise ValueError("stage_order names a stage twice")
            for flag in sorted(given):
                if getattr(self, flag) != (FLAGS[flag] in self.stage_order):
                    raise ValueError(f"stage_order and {flag} disagree")
        return self

    def plan(self) -> Plan:
        """Raises Problem."""
        if self.profile == "quick":
            return Plan.quick()
        stages = self.stage_order
        if stages is None:
            chosen = [kind for flag, kind in FLAGS.items() if getattr(self, flag)]
            stages = [kind for kind in CHOSEN_KINDS if kind in chosen]  # type: ignore[misc]
        passes = self.passes or runtime.current().surface_passes
        try:
            return Plan.from_choice(stages or [], passes)
        except ValueError as error:
            raise invalid(
                "stage_order" if self.stage_order is not None else "run_short", str(error)
            ) from None


class ReleasableOut(Schema):
    """Old data that refuses, and the name by which it may be released."""

    reason: str
    release: str


class StartedOut(Schema):
    """What became of one drive's request; reasons say why it was refused."""

    drive_id: int
    outcome: Literal["queued", "refused"]
    job_id: int | None
    reasons: list[str]
    releasable: list[ReleasableOut] = Field(
        [], description="the reasons, where each is old data that may be released"
    )


class StartOut(Schema):
    model_config = example(
        {
            "outcomes": [
                {
                    "drive_id": 3,
                    "outcome": "queued",
                    "job_id": 7,
                    "reasons": [],
                    "releasable": [],
                },
                {
                    "drive_id": 4,
                    "outcome": "refused",
                    "job_id": None,
                    "reasons": ["In pool tank"],
                    "releasable": [],
                },
            ]
        }
    )

    outcomes: list[StartedOut]


class StartRefusedOut(ProblemOut):
    outcomes: list[StartedOut] = []


@router.post(
    "/start",
    auth=operator,
    response={201: StartOut, 409: StartRefusedOut, (400, 401, 403, 404, 422): ProblemOut},
    openapi_extra={
        "parameters": [
            {
                "in": "header",
                "name": "Idempotency-Key",
                "schema": {"type": "string", "maxLength": 200, "pattern": "^[!-~]+$"},
                "description": "The same request within a day is answered alike, and done once",
            }
        ]
    },
)
def start(request: HttpRequest, wish: StartIn) -> HttpResponse:
    """Start burn-ins of one or many drives. 201 when at least one was queued, 409 when every one
    was refused."""
    caller = caller_of(request)
    status, body = once(request, caller.user, lambda: _start(wish, caller))
    kind = "application/json" if status < 400 else CONTENT_TYPE
    return JsonResponse(body, status=status, content_type=kind)


def _start(wish: StartIn, caller: Caller) -> Answer:
    plan = wish.plan()
    found = Drive.objects.select_related("system").in_bulk(wish.drive_ids)
    if missing := [number for number in wish.drive_ids if number not in found]:
        raise Problem(
            404,
            f"There is no drive {missing[0]}.",
            errors={"drive_ids": [f"no drive {missing[0]}"]},
        )
    drives = [found[number] for number in wish.drive_ids]
    try:
        outcomes = batch.request_many(
            drives,
            plan,
            operator=caller.user,
            serial=wish.serial,
            confirmed=wish.confirm_destructive,
            release=wish.release,
            serials=wish.serials,
            source_ip=caller.source_ip,
        )
    except ReleaseNotConfirmed as error:
        raise invalid("serials", str(error)) from None
    except orchestrator.NotConfirmed as error:
        raise invalid("serial" if len(drives) == 1 else "confirm_destructive", str(error)) from None
    told = [
        StartedOut(
            drive_id=each.drive.pk,
            outcome="queued" if each.job else "refused",
            job_id=each.job.pk if each.job else None,
            reasons=list(each.reasons),
            releasable=[
                ReleasableOut(reason=fact.reason, release=fact.release) for fact in each.releasable
            ],
        ).model_dump()
        for each in outcomes
    ]
    if not any(each.job for each in outcomes):
        reasons = list(dict.fromkeys(reason for each in outcomes for reason in each.reasons))
        raise Problem(409, "; ".join(reasons), reasons=reasons, extra={"outcomes": told})
    return 201, {"outcomes": told}


# --- looking ------------------------------------------------------------------------------------
class JobsIn(PageIn):
    state: JobStates | None = None
    drive: int | None = Field(None, ge=1, le=2**63 - 1)
    system: int | None = Field(None, ge=1, le=2**63 - 1)
    since: Moment | None = Field(None, description="asked for at that time or later")


@router.get("", auth=viewer, response={200: Page[JobOut], (401, 403, 422): ProblemOut})
def list_burnins(request: HttpRequest, wanted: Query[JobsIn]) -> dict[str, Any]:
    """Burn-ins, newest first."""
    return page_of(_jobs(wanted).defer("claims"), wanted, JobOut.of)


def _jobs(wanted: JobsIn) -> Any:
    jobs = Job.objects.select_related("drive", "system").prefetch_related("stages")
    if wanted.state:
        jobs = jobs.filter(state=wanted.state)
    if wanted.drive:
        jobs = jobs.filter(drive_id=wanted.drive)
    if wanted.system:
        jobs = jobs.filter(system_id=wanted.system)
    if wanted.since:
        jobs = jobs.filter(created_at__gte=wanted.since)
    return jobs


class ExportIn(Schema):
    """The filters of the History page."""

    q: str = Field("", max_length=200, description="serial, model, name, location, reason, …")
    state: JobStates | None = None
    system: int | None = Field(None, ge=1, le=2**63 - 1)
    drive: int | None = Field(None, ge=1, le=2**63 - 1)
    model: str = Field("", max_length=200)
    operator: str = Field("", max_length=150)
    since: date | None = Field(None, description="ended on that day or later, local time")
    until: date | None = Field(None, description="ended on that day or before")


@router.get(
    "/export.csv",
    auth=viewer,
    response={(401, 403, 422): ProblemOut},
    openapi_extra={
        "responses": {
            200: {
                "description": "the CSV of the History page: the newest first",
                "content": {"text/csv": {"schema": {"type": "string"}}},
            }
        }
    },
)
def export(request: HttpRequest, wanted: Query[ExportIn]) -> StreamingHttpResponse:
    """Burn-ins as CSV: every one, or those that the filters match."""
    given = {name: str(value) for name, value in wanted.model_dump(exclude_none=True).items()}
    return csv_stream("burn-ins.csv", CSV_HEAD, csv_rows(HistoryFilter(**given).jobs()))


@router.get("/{int:job_id}", auth=viewer, response={200: JobWhole, (401, 403, 404): ProblemOut})
def show_burnin(request: HttpRequest, job_id: int) -> JobWhole:
    """One burn-in with all its evidence."""
    return JobWhole.of(_job(job_id))


def _job(job_id: int) -> Job:
    jobs = Job.objects.select_related("drive", "system").prefetch_related("stages")
    found = jobs.filter(pk=job_id).first() if job_id < 2**63 else None
    if found is None:
        raise Http404
    return found


# --- acting -------------------------------------------------------------------------------------
ACTED = {200: JobOut, (401, 403, 404, 409): ProblemOut}


@router.post("/{int:job_id}/cancel", auth=operator, response=ACTED)
def cancel(request: HttpRequest, job_id: int) -> JobOut:
    """Cancel a queued or running burn-in. What runs on the host is stopped."""
    return _act(request, job_id, orchestrator.cancel)


@router.post("/{int:job_id}/pause", auth=operator, response=ACTED)
def pause(request: HttpRequest, job_id: int) -> JobOut:
    """Pause a burn-in: nothing is written until it is resumed."""
    return _act(request, job_id, orchestrator.pause)


@router.post("/{int:job_id}/resume", auth=operator, response=ACTED)
def resume(request: HttpRequest, job_id: int) -> JobOut:
    """Resume a paused burn-in."""
    return _act(request, job_id, orchestrator.resume)


def _act(request: HttpRequest, job_id: int, act: Any) -> JobOut:
    caller = caller_of(request)
    try:
        act(_job(job_id), by=caller.name, source_ip=caller.source_ip)
    except orchestrator.NotActive as error:
        raise Problem(409, f"{error}.", reasons=[str(error)]) from None
    return JobOut.of(_job(job_id))


class CancelledOut(Schema):
    cancelled: int = Field(..., description="how many were asked to stop")


@router.post("/cancel-all", auth=operator, response={200: CancelledOut, (401, 403): ProblemOut})
def cancel_all(request: HttpRequest) -> CancelledOut:
    """Cancel every queued and running burn-in of all systems."""
    caller = caller_of(request)
    return CancelledOut(
        cancelled=orchestrator.cancel_all(by=caller.name, source_ip=caller.source_ip)
    )
