"""A lease on a row: one worker at a time talks to the outside for it, and a killed one loses it soon.

While the holder lives, a thread of it renews the lease every few seconds; nothing is held in the
database meanwhile. `confirm` inside the transaction that records the result is what counts.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db import DatabaseError, connection, models
from django.db.models import Q
from django.utils import timezone

logger = logging.getLogger(__name__)

LENGTH = timedelta(seconds=15)
RENEW_SECONDS = 5.0


class Lease:
    """The holder's side of a lease on exactly one row."""

    def __init__(self, rows: models.QuerySet[models.Model], field: str, until: datetime) -> None:
        self._rows = rows
        self._field = field
        self._until = until
        self._lock = threading.Lock()

    def confirm(self) -> bool:
        """Extend the lease if it is still ours; False when somebody else may have it by now."""
        with self._lock:
            until = timezone.now() + LENGTH
            mine = self._rows.filter(**{self._field: self._until}).update(**{self._field: until})
            if mine:
                self._until = until
            return bool(mine)

    def release(self) -> None:
        with self._lock:
            self._rows.filter(**{self._field: self._until}).update(**{self._field: None})


@contextmanager
def leased(rows: models.QuerySet[models.Model], field: str) -> Iterator[Lease | None]:
    """Hold the lease in `field` of the one row in `rows`; None when somebody else holds it."""
    now = timezone.now()
    until = now + LENGTH
    free = Q(**{field: None}) | Q(**{f"{field}__lt": now})
    if not rows.filter(free).update(**{field: until}):
        yield None
        return
    lease = Lease(rows, field, until)
    ended = threading.Event()
    renewer = threading.Thread(target=_renew, args=(lease, ended), name="lease", daemon=True)
    renewer.start()
    try:
        yield lease
    finally:
        ended.set()
        renewer.join()
        lease.release()


def _renew(lease: Lease, ended: threading.Event) -> None:
    try:
        while not ended.wait(RENEW_SECONDS):
            try:
                if not lease.confirm():
                    return
            except DatabaseError as error:
                logger.warning("a lease could not be renewed: %s", error)
    finally:
        connection.close()
