"""What holds a running burn-in, and what makes it go on: for its row, its page and its drive's."""

from __future__ import annotations

import re
from typing import Any

from burnin.models import Job, Stage

#: How a stage says that it waits because somebody wants it to.
HELD = ("Paused by", "Frozen by")


def by_host(stage: Stage | None) -> dict[str, Any]:
    """What the run on the host says of its pause: {by, reason, since}; empty when it runs."""
    return (stage.progress.get("paused") or {}) if stage is not None else {}


def is_held(job: Job, stage: Stage | None) -> bool:
    """Of a running job; one that waits for its host is not held."""
    if stage is not None and stage.waiting_for:
        return stage.waiting_for.startswith(HELD)
    return bool(by_host(stage) or job.pause_requested_by)


def told(job: Job, stage: Stage | None) -> tuple[str, str]:
    """What holds it, and what makes it go on: Paused: 56 °C, Goes on below 50 °C."""
    if job.pause_requested_by:
        return "Paused", f"by {job.pause_requested_by}"
    found = by_host(stage)
    if not found or found.get("by") == "operator":
        return "Paused", "All writing is frozen"
    reason = str(found.get("reason") or "by its host")
    what, _, then = reason.partition(", ")
    if then and re.match(r"\d+ °C", what):
        return f"Paused: {what}", then[:1].upper() + then[1:]
    return "Paused", reason[:1].upper() + reason[1:]
