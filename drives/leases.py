"""A lease on a row: one worker at a time talks to the outside for it, and a dead one loses it soon.

While the holder lives, a thread of it renews the lease every few seconds; nothing is held in the
database meanwhile. `confirm` inside the transaction that records the result is what counts.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import DatabaseError, connection, models
from django.db.models import Q
from django.utils import timezone

logger = logging.getLogger(__name__)

LENGTH = timedelta(seconds=15)
RENEW_SECONDS = 5.0
#: No lease lasts so long: its holder's clock was set back since, or it died before that.
IMPOSSIBLE = timedelta(minutes=10)


class Lease:
    """The holder's side of a lease on exactly one row.

    It is kept in two columns: `<name>_until` and `<name>_holder`, a token that only we know.
    """

    def __init__(self, rows: models.QuerySet[models.Model], name: str) -> None:
        self._name = name
        self._token = secrets.token_hex(8)
        self._row = rows
        self._mine = rows.filter(**{f"{name}_holder": self._token})

    def take(self) -> bool:
        """Get it if it is free, or was left by somebody who has stopped renewing it."""
        now = timezone.now()
        until = f"{self._name}_until"
        over = Q(**{f"{until}__lt": now}) | Q(**{f"{until}__gt": now + IMPOSSIBLE})
        free = self._row.filter(Q(**{until: None}) | over)
        return bool(free.update(**{until: now + LENGTH, f"{self._name}_holder": self._token}))

    def confirm(self) -> bool:
        """Extend it; False when somebody else has taken it over."""
        return bool(self._mine.update(**{f"{self._name}_until": timezone.now() + LENGTH}))

    def release(self) -> None:
        self._mine.update(**{f"{self._name}_until": None, f"{self._name}_holder": ""})


@contextmanager
def leased(rows: models.QuerySet[models.Model], name: str) -> Iterator[Lease | None]:
    """Hold the lease of that name of the one row in `rows`; None when somebody else holds it."""
    lease = Lease(rows, name)
    if not lease.take():
        yield None
        return
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
