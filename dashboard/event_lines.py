"""An audit event as a line: its words, colour and icon."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from audit.models import AuditEvent, Kind

EVENT_LOOKS = {
    "burnin_queued": ("calm", "queue"),
    "burnin_started": ("run", "run"),
    "burnin_paused": ("warn", "pause"),
    "burnin_resumed": ("run", "run"),
    "stage_started": ("calm", "run"),
    "stage_finished": ("calm", "check"),
    "smart_started": ("calm", "run"),
    "smart_finished": ("calm", "check"),
    "smart_cancelled": ("calm", "cancel"),
    "drive_edited": ("calm", "edit"),
    "history_edited": ("calm", "edit"),
    "drive_absent": ("warn", "away"),
    "release_granted": ("warn", "lock"),
    "freeze": ("warn", "pause"),
    "thaw": ("calm", "run"),
    "system_failing": ("warn", "away"),
    "system_recovered": ("pass", "check"),
    "login": ("calm", "user"),
    "login_failed": ("warn", "user"),
    "login_locked": ("warn", "lock"),
    "user_added": ("calm", "user"),
    "user_changed": ("calm", "user"),
    "burnin_passed": ("pass", "pass"),
    "burnin_failed": ("fail", "fail"),
    "burnin_unknown": ("unsure", "unsure"),
    "burnin_stuck": ("unsure", "unsure"),
    "burnin_refused": ("warn", "lock"),
    "burnin_cancelled": ("calm", "cancel"),
    "burnin_cancel_requested": ("calm", "cancel"),
    "burnin_reattached": ("run", "again"),
}


@dataclass(frozen=True)
class LogLine:
    """One thing that happened."""

    at: datetime
    words: str
    colour: str
    icon: str
    kind: str = ""


def look(event: AuditEvent) -> tuple[str, str]:
    """Colour and icon of an event; a stage that didn't pass looks like what it is."""
    if event.kind == Kind.STAGE_FINISHED and not event.note.rstrip(".").endswith(" passed"):
        return "warn", "warn"
    return EVENT_LOOKS.get(event.kind, ("calm", "info"))


def log_line(event: AuditEvent, *, of_job: bool = True) -> LogLine:
    """An audit event as a line; on the page of its job it need not say which job it is of."""
    words = event.note
    if of_job:
        words = re.sub(r"^Burn-in \d+ of [^:]*: ", "", words)
        words = words[:1].upper() + words[1:]
    colour, icon = look(event)
    return LogLine(event.at, words, colour, icon, event.kind)
