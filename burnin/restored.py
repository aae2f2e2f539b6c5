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

from drives.models import System

from . import orchestrator

#: Younger than that is no backup, but a system that was removed or a worker's clock.
SLACK = timedelta(minutes=10)


def remember() -> None:
    """Keep the time of the newest poll, outside the database. Called every minute."""
    newest = _newest_poll()
    if newest is not None:
        file = _file()
        temporary = file.with_name(f"{file.name}.{os.getpid()}")
        temporary.write_text(newest.isoformat())
        temporary.replace(file)


def freeze_if_restored() -> bool:
    """Whether the database is older than what was remembered: then it is frozen, at its start."""
    newest, known = _newest_poll(), None
    with contextlib.suppress(OSError, ValueError):
        known = datetime.fromisoformat(_file().read_text())
    if newest is None or known is None or known - newest < SLACK:
        return False
    orchestrator.freeze_all(by="the restore of a backup")
    remember()
    return True


def _newest_poll() -> datetime | None:
    return System.objects.aggregate(newest=Max("poll_finished_at"))["newest"]


def _file() -> Path:
    return settings.DATA_DIR / "newest_poll"
