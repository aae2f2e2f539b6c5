"""Notices a poll that does not end (D6): hung calls, a worker that is gone, or none left."""

from __future__ import annotations

import logging
import time
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from audit.events import record
from audit.models import Kind

from .apply import changed_all
from .models import System

logger = logging.getLogger(__name__)

INTERVALS = 5
AT_LEAST = timedelta(seconds=60)
_begun = time.monotonic()


def look(now: datetime) -> list[System]:
    """Tell of systems whose last poll is too long ago: logged as critical, shown as their trouble,
    and told once in the audit log. Returns them."""
    patience = max(AT_LEAST, INTERVALS * timedelta(seconds=settings.POLL_INTERVAL_SECONDS))
    if time.monotonic() - _begun < patience.total_seconds():
        return []  # everything may have been off, and the first polls are still to come
    late = System.objects.filter(stopped="", poll_finished_at__lt=now - patience)
    late = late.filter(Q(next_poll_at=None) | Q(next_poll_at__lt=now - patience))
    found = list(late)
    for system in found:
        assert system.poll_finished_at is not None
        seconds = int((now - system.poll_finished_at).total_seconds())
        words = f"no poll of it has finished for {seconds} s"
        logger.critical("%s: %s", system.name, words)
        with transaction.atomic():
            rows = System.objects.filter(pk=system.pk, poll_finished_at=system.poll_finished_at)
            if not rows.update(last_error=words):
                continue  # one has just finished
            if System.objects.filter(pk=system.pk, failing_since=None).update(failing_since=now):
                note = f"{system.name}: {words}"
                record(Kind.SYSTEM_FAILING, note, system=system)
            changed_all(system)
    return found
