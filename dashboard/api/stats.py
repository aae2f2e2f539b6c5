"""/stats: what all burn-ins together say."""

from __future__ import annotations

from datetime import date

from django.http import HttpRequest
from django.utils import timezone
from ninja import Field, Router, Schema

from .. import statistics
from .access import viewer
from .problems import ProblemOut

router = Router(tags=["stats"])


class ModelOut(Schema):
    """Burn-ins of one model. What was cancelled or is inconclusive doesn't count for the rate."""

    model: str = Field(..., examples=["ST12000NM0008"])
    passed: int
    failed: int
    unknown: int
    pass_rate: float | None = Field(..., description="percent; null while none was judged")
    speed: float | None = Field(..., description="median of whole surface runs, bytes a second")


class DayOut(Schema):
    """Burn-ins that ended on a day, local time."""

    day: date
    passed: int
    failed: int
    other: int


class CauseOut(Schema):
    words: str
    count: int


class OutlierOut(Schema):
    """A drive that differs from the others of its model."""

    drive_id: int
    what: str
    found: str
    usual: str
    peers: int


class StatsOut(Schema):
    counts: dict[str, int] = Field(..., description="state to burn-ins")
    models: list[ModelOut]
    days: list[DayOut]
    causes: list[CauseOut]
    outliers: list[OutlierOut]
    bytes_verified: int
    hours_tested: float


@router.get("", auth=viewer, response={200: StatsOut, (401, 403): ProblemOut})
def show_stats(request: HttpRequest) -> StatsOut:
    """What all burn-ins together say. Pass rate and speed by model, activity of the last days,
    causes of failure, outliers."""
    found = statistics.load(timezone.now())
    return StatsOut(
        counts=found.counts,
        models=[
            ModelOut(
                model=line.model,
                passed=line.passed,
                failed=line.failed,
                unknown=line.unknown,
                pass_rate=line.rate if line.judged else None,
                speed=line.speed or None,
            )
            for line in found.models
        ],
        days=[
            DayOut(day=each.day, passed=each.passed, failed=each.failed, other=each.other)
            for each in found.days
        ],
        causes=[CauseOut(words=cause.words, count=cause.count) for cause in found.causes],
        outliers=[
            OutlierOut(
                drive_id=one.drive.pk,
                what=one.what,
                found=one.found,
                usual=one.usual,
                peers=one.peers,
            )
            for one in found.outliers
        ],
        bytes_verified=found.bytes_verified,
        hours_tested=found.hours_tested,
    )
