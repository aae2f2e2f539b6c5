"""Server-sent events: each audit event once, in order, for as long as its reader may listen."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

from channels.db import database_sync_to_async
from django.db import DatabaseError
from django.utils import timezone

from audit.models import AuditEvent

LOOK_SECONDS = 1.0
ALIVE_SECONDS = 15.0
CHECK_SECONDS = 5.0
MOST_AT_ONCE = 500
#: An event may be seen after one with a higher id: it gets its id before it is committed.
LATE = timedelta(seconds=30)

logger = logging.getLogger(__name__)


class Watcher:
    """Finds events that were not told yet. `after`: the last one that the reader has."""

    def __init__(self, after: int | None) -> None:
        self._settled = after
        self._told: set[int] = set()

    def news(self) -> list[AuditEvent]:
        """Events not told before, oldest first."""
        if self._settled is None:
            self._settled = self._newest_settled()
            self._told = set(self._open().values_list("pk", flat=True))
            return []
        found = list(self._open().exclude(pk__in=self._told).order_by("pk")[:MOST_AT_ONCE])
        self._told.update(event.pk for event in found)
        settled = self._newest_settled()
        # Only as far as all before it were told.
        if len(found) < MOST_AT_ONCE and settled > self._settled:
            self._settled = settled
            self._told = {pk for pk in self._told if pk > settled}
        return found

    def _open(self) -> Any:
        return AuditEvent.objects.filter(pk__gt=self._settled)

    def _newest_settled(self) -> int:
        old = AuditEvent.objects.filter(at__lt=timezone.now() - LATE).order_by("-pk")
        return old.values_list("pk", flat=True).first() or 0


async def stream(
    watcher: Watcher,
    may_listen: Callable[[], bool],
    shown: Callable[[AuditEvent], dict[str, Any]],
) -> AsyncIterator[bytes]:
    """The text/event-stream. Ends when its reader may no longer listen."""
    yield b"retry: 3000\n\n"
    loop = asyncio.get_running_loop()
    checked = spoken = loop.time()
    while True:
        try:
            if loop.time() - checked >= CHECK_SECONDS:
                checked = loop.time()
                if not await database_sync_to_async(may_listen)():
                    return
            events = await database_sync_to_async(watcher.news)()
        except DatabaseError as error:
            logger.warning("events could not be read: %s", error)
            events = []
        for event in events:
            data = json.dumps(shown(event), ensure_ascii=False)
            yield f"id: {event.pk}\nevent: {event.kind}\ndata: {data}\n\n".encode()
        if events:
            spoken = loop.time()
        elif loop.time() - spoken >= ALIVE_SECONDS:
            spoken = loop.time()
            yield b": alive\n\n"
        await asyncio.sleep(LOOK_SECONDS)
