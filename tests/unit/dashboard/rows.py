"""Rows of the drives table that no database has seen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from burnin.models import Job, Stage, StageKind
from dashboard.rows import Row
from drives.health import SystemState
from drives.models import Drive, System

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
NAS = System(pk=1, name="nas-1", last_polled_at=NOW)
#: The stages of a whole burn-in.
FULL = [kind.value for kind in StageKind if kind != StageKind.IO_VALIDATE]
REACHABLE = SystemState("pass", "reachable", 3, "")


def a_row(
    job_state: str = "", *, job: dict[str, Any] | None = None, running: str = "", **drive: Any
) -> Row:
    """`job_state` makes a burn-in in that state; `running` names the stage that runs in it."""
    facts = {"devname": "sdc", "serial": "ZHZ0A9QT", "model": "ST12000NM0008", "system": NAS}
    found = Drive(**{"pk": 3, "size_bytes": 12 * 10**12, **facts, **drive})
    if not job_state:
        return Row(found, REACHABLE, None, (), None, None, None, NOW)
    active = job_state in {"queued", "running"}
    given = {"holds_drive": active, "started_at": NOW - timedelta(hours=1), **(job or {})}
    burnin = Job(
        pk=7, drive=found, system=NAS, state=job_state, size_bytes=found.size_bytes, **given
    )
    stages = []
    reached = not running
    for position, kind in enumerate(FULL):
        here = kind == running
        state = "running" if here else "pending" if reached else "passed"
        reached = reached or here
        stages.append(Stage(pk=position + 1, job=burnin, position=position, kind=kind, state=state))
    burnin._prefetched_objects_cache = {"stages": stages}  # type: ignore[attr-defined]
    return Row(found, REACHABLE, burnin, tuple(stages), None, None, None, NOW)


def stage(row: Row, **facts: Any) -> Row:
    """The same row with these facts on its running stage."""
    for one in row.stages:
        if one.state == "running":
            for name, value in facts.items():
                setattr(one, name, value)
    return row
