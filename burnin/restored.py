"""Notices a database that was restored from a backup: a file beside it remembers how far it was.

What such a database holds as queued may have been cancelled since, and drives that were released
may hold data again. So everything is frozen until somebody has looked.
"""

from __future__ import annotations

import contextlib
import os
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db.models import Max
from django.utils import timezone

from drives.models import System

from . import orchestrator
from .models import ACTIVE_JOB_STATES, Job

#: Younger than that is no backup, but a system that was removed or a worker's clock.
SLACK = timedelta(minutes=10)
#: A release that old was given for a disk that may have been used since.
LONG_OFF = timedelta(days=1)


def remember() -> None:
    """Keep the time of the newest poll, outside the database. Called every minute."""
    newest, known = _newest_poll(), _known()
    if newest is not None and (known is None or newest > known):
        _keep(newest)


def freeze_if_restored() -> str:
    """Freeze a database that may be a restored one, and say why. Called before anything is begun.

    Older than what was remembered; or, where burn-ins wait that may write over released data: on a
    machine that remembers nothing, or after more than a day without a poll.
    """
    newest, known = _newest_poll(), _known()
    if newest is None:
        return ""
    waiting = Job.objects.filter(state__in=ACTIVE_JOB_STATES).exclude(released=[])
    why = ""
    if known is not None and known - newest >= SLACK:
        why = "This database is older than it was at the last run: a backup was restored"
    elif waiting.exists() and known is None:
        why = "This database comes from another machine, with burn-ins that may write over old data"
    elif waiting.exists() and timezone.now() - newest > LONG_OFF:
        why = "For more than a day nothing ran, and burn-ins wait that may write over old data"
    if why:
        orchestrator.freeze_all(by="the start of an older database")
        _keep(newest)
    return why


def _newest_poll() -> datetime | None:
    return System.objects.aggregate(newest=Max("poll_finished_at"))["newest"]


def _known() -> datetime | None:
    with contextlib.suppress(OSError, ValueError):
        return datetime.fromisoformat(_file().read_text())
    return None


def _keep(newest: datetime) -> None:
    file = _file()
    temporary = file.with_name(f"{file.name}.{os.getpid()}")
    temporary.write_text(newest.isoformat())
    temporary.replace(file)


def _file() -> Path:
    return settings.DATA_DIR / "newest_poll"
