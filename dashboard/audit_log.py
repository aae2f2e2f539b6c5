"""Which events the audit page shows, each as a sentence with who and from where."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.http import QueryDict

from audit.models import AuditEvent, Kind

from . import days
from .event_lines import look

SHOWN = 200
#: The kinds by what they are about, for the select.
GROUPS = (
    ("Burn-ins", ("burnin_", "stage_", "release_", "history_", "freeze", "thaw")),
    ("Drives and self-tests", ("drive_", "smart_")),
    ("Systems", ("system_",)),
    ("People and settings", ("",)),
)
CSV_HEAD = (
    "id", "at", "kind", "actor", "source_ip", "system", "drive_id", "serial", "job_id", "note",
)  # fmt: skip


@dataclass(frozen=True)
class Sentence:
    """One event: what happened, and what follows it: by whom, from where."""

    event: AuditEvent
    colour: str
    icon: str
    words: str
    after: str


@dataclass(frozen=True)
class AuditFilter:
    """Empty values match everything. `before` is an id: what is older than that."""

    q: str = ""
    actor: str = ""
    kind: str = ""
    system: str = ""
    drive: str = ""
    job: str = ""
    since: str = ""
    until: str = ""
    before: str = ""

    @classmethod
    def from_query(cls, query: QueryDict) -> AuditFilter:
        given = {name: query.get(name, "").replace("\0", "").strip() for name in asdict(cls())}
        if given["kind"] not in Kind.values:
            given["kind"] = ""
        for name in ("job", "before"):
            if not (given[name].isdecimal() and len(given[name]) < 19):
                given[name] = ""
        for name in ("since", "until"):
            if days.parse(given[name]) is None:
                given[name] = ""
        return cls(**given)

    def __bool__(self) -> bool:
        return any(value for name, value in asdict(self).items() if name != "before")

    def address(self, **changes: Any) -> str:
        told = asdict(replace(self, **changes))
        return urlencode({name: value for name, value in told.items() if value})

    def events(self) -> QuerySet[AuditEvent]:
        """Newest first."""
        events = AuditEvent.objects.order_by("-pk")
        if self.actor:
            events = events.filter(actor=self.actor)
        if self.kind:
            events = events.filter(kind=self.kind)
        if self.system:
            events = events.filter(system_name=self.system)
        if self.drive:
            # By the drive's number, as links have it, or by its serial, as people do.
            found = Q(drive_serial=self.drive)
            if self.drive.isdecimal() and len(self.drive) < 19:
                found |= Q(drive_id=int(self.drive))
            events = events.filter(found)
        if self.job:
            events = events.filter(job_id=int(self.job))
        if self.since:
            events = events.filter(at__gte=days.begin(_day(self.since)))
        if self.until:
            events = events.filter(at__lt=days.end(_day(self.until)))
        if self.before:
            events = events.filter(pk__lt=int(self.before))
        for word in self.q.split()[:10]:
            printed = word.replace("'", "’")
            events = events.filter(
                Q(note__icontains=word)
                | Q(note__icontains=printed)
                | Q(actor__icontains=word)
                | Q(drive_serial__icontains=word)
            )
        return events


def told(event: AuditEvent) -> Sentence:
    """`Burn-in 7 of sda ZHZ0: queued: Surface`, `by alice from 192.168.1.20`."""
    colour, icon = look(event)
    note = event.note.rstrip(".")
    actor, after = event.actor, ""
    if actor and f"by {actor}" not in note and not note.startswith(f"{actor} "):
        after = f"by {actor}"
    if event.source_ip:
        after = f"{after} from {event.source_ip}".strip()
    return Sentence(event, colour, icon, note, after)


def kinds() -> list[tuple[str, list[tuple[str, str]]]]:
    """The select's groups; a kind is in the first that its name fits."""
    groups: dict[str, list[tuple[str, str]]] = {name: [] for name, _ in GROUPS}
    for value, label in Kind.choices:
        name = next(name for name, starts in GROUPS if value.startswith(starts))
        groups[name].append((value, label))
    return list(groups.items())


def as_row(event: AuditEvent) -> tuple[Any, ...]:
    return (
        event.pk, event.at, event.kind, event.actor, event.source_ip, event.system_name,
        event.drive_id, event.drive_serial, event.job_id, event.note,
    )  # fmt: skip


async def csv_rows(events: QuerySet[AuditEvent]) -> AsyncIterator[tuple[Any, ...]]:
    async for event in events.aiterator(chunk_size=500):
        yield as_row(event)


def _day(text: str) -> date:
    found = days.parse(text)
    assert found is not None
    return found
