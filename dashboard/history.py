"""Which burn-ins the history shows, and in which order: all of it kept in the address."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, F, Q, QuerySet
from django.db.models.functions import Coalesce
from django.http import QueryDict

from burnin.models import Job, JobState

from . import days, words

#: Name in ?sort= to the fields; the newest comes first without one.
COLUMNS = {
    "job": ("pk",),
    "drive": ("drive__devname", "pk"),
    "serial": ("serial", "pk"),
    "model": ("drive__model", "pk"),
    "size": ("size_bytes", "pk"),
    "took": ("took", "pk"),
    "by": ("operator_name", "pk"),
    "ended": ("over_at", "pk"),
}
CSV_HEAD = (
    "job", "state", "error_text", "serial", "model", "size_bytes", "system", "drive", "location",
    "profile", "passes", "operator", "queued_at", "started_at", "finished_at",
)  # fmt: skip


@dataclass(frozen=True)
class HistoryFilter:
    """Empty values match everything. `system` and `drive` are ids; days are inclusive."""

    q: str = ""
    state: str = ""
    system: str = ""
    model: str = ""
    operator: str = ""
    since: str = ""
    until: str = ""
    drive: str = ""
    sort: str = ""

    @classmethod
    def from_query(cls, query: QueryDict) -> HistoryFilter:
        """What isn't known is ignored."""
        given = {name: query.get(name, "").replace("\0", "").strip() for name in asdict(cls())}
        if given["state"] not in JobState.values:
            given["state"] = ""
        for name in ("system", "drive"):
            if not (given[name].isdecimal() and len(given[name]) < 19):
                given[name] = ""
        for name in ("since", "until"):
            if days.parse(given[name]) is None:
                given[name] = ""
        if given["sort"].removeprefix("-") not in COLUMNS:
            given["sort"] = ""
        return cls(**given)

    def __bool__(self) -> bool:
        return any(value for name, value in asdict(self).items() if name != "sort")

    def address(self, **changes: Any) -> str:
        """The query string with these changes; empty ones are left out."""
        told = asdict(replace(self, **changes))
        return urlencode({name: value for name, value in told.items() if value})

    def sorted_by(self, column: str) -> str:
        """The address of a click on that column's head: rising, then falling."""
        return self.address(sort=f"-{column}" if self.sort == column else column)

    def jobs(self) -> QuerySet[Job]:
        """The burn-ins that match, in order. Claims are left out."""
        jobs = Job.objects.select_related("drive", "system").defer("claims", "released")
        jobs = jobs.annotate(
            over_at=Coalesce("finished_at", "created_at"), took=F("finished_at") - F("started_at")
        )
        if self.state:
            jobs = jobs.filter(state=self.state)
        if self.system:
            jobs = jobs.filter(system=int(self.system))
        if self.drive:
            jobs = jobs.filter(drive=int(self.drive))
        if self.model:
            jobs = jobs.filter(drive__model=self.model)
        if self.operator:
            jobs = jobs.filter(operator_name=self.operator)
        if self.since:
            jobs = jobs.filter(over_at__gte=days.begin(_day(self.since)))
        if self.until:
            jobs = jobs.filter(over_at__lt=days.end(_day(self.until)))
        for word in self.q.split()[:10]:
            printed = word.replace("'", "’")
            found = (
                Q(serial__icontains=word)
                | Q(drive__model__icontains=word)
                | Q(drive__devname__icontains=word)
                | Q(drive__location__icontains=word)
                | Q(error_text__icontains=word)
                | Q(error_text__icontains=printed)
                | Q(operator_name__icontains=word)
            )
            jobs = jobs.filter(found | Q(pk=int(word)) if _is_number(word) else found)
        falling = self.sort.startswith("-") or not self.sort
        fields = COLUMNS[self.sort.removeprefix("-") or "job"]
        return jobs.order_by(
            *(
                F(name).desc(nulls_last=True) if falling else F(name).asc(nulls_last=True)
                for name in fields
            )
        )


def sentence(jobs: QuerySet[Job], narrowed: bool) -> tuple[int, str]:
    """(how many, the first sentence of the page). One query."""
    counted = jobs.order_by().values_list("state").annotate(count=Count("pk"))
    counts = {state: count for state, count in counted if count}
    total = sum(counts.values())
    if not total:
        return 0, "No burn-in matches." if narrowed else "No burn-in yet."
    parts = [
        f"{counts[state]:,} {label.lower()}" for state, label in JobState.choices if state in counts
    ]
    verb = " match" if narrowed and total != 1 else " matches" if narrowed else ""
    return total, f"{words.plural(total, 'burn-in')}{verb}: {', '.join(parts)}."


async def csv_rows(jobs: QuerySet[Job]) -> AsyncIterator[tuple[Any, ...]]:
    async for job in jobs.aiterator(chunk_size=500):
        yield (
            job.pk, job.state, job.error_text, job.serial, job.drive.model, job.size_bytes,
            job.system.name, job.drive.devname, job.drive.location, job.profile, job.passes,
            job.operator_name, job.created_at, job.started_at, job.finished_at,
        )  # fmt: skip


def _day(text: str) -> date:
    found = days.parse(text)
    assert found is not None
    return found


def _is_number(word: str) -> bool:
    return word.isdecimal() and len(word) < 19
