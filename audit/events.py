"""The one way to write an audit event."""

from __future__ import annotations

from typing import Any, Protocol

from django.db import connection

from .models import AuditEvent, Kind


class Named(Protocol):
    """A system, as far as the audit log is concerned."""

    pk: Any
    name: str


class Serialled(Protocol):
    """A drive, as far as the audit log is concerned."""

    pk: Any
    serial: str


def quoted(text: str) -> str:
    """What somebody wrote, as a note tells it."""
    return f"“{text}”" if text else "none"


def record(
    kind: Kind,
    note: str,
    *,
    actor: str = "",
    source_ip: str | None = None,
    system: Named | None = None,
    drive: Serialled | None = None,
    job_id: int | None = None,
    data: dict[str, Any] | None = None,
) -> AuditEvent:
    """Append an event in the caller's transaction, so that it stands or falls with the change.

    Raises RuntimeError outside of a transaction: an event without its change would be a lie.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("an audit event is written in the transaction of what it tells")
    return AuditEvent.objects.create(
        kind=kind,
        note=note,
        actor=actor,
        source_ip=source_ip,
        system_id=system.pk if system else None,
        system_name=system.name if system else "",
        drive_id=drive.pk if drive else None,
        drive_serial=drive.serial if drive else "",
        job_id=job_id,
        data=data or {},
    )
