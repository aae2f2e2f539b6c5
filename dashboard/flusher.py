"""Pushes what changed to every open page.

Writers anywhere put ids of changed drives into a Redis set (live/changes.py). One flusher in all
web processes, the one that holds a lock, empties it twice a second, renders each changed row once
and sends it to a group; the cost doesn't grow with open pages. Each message carries a sequence
number, so that a page knows when it missed one; static/js/live.js is the other end.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
import uuid
from typing import Any
from weakref import WeakKeyDictionary

import redis
from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from django.conf import settings
from django.core.signing import TimestampSigner
from redis import asyncio as async_redis

from live.changes import CHANGED_DRIVES, server

from .fragments import Fragments

#: Pages with rows get HTML; other pages only learn which drives changed, and their header's chips.
ROWS_GROUP = "rows"
IDS_GROUP = "ids"

SEQUENCE = "burnin:live-sequence"
LOCK = "burnin:live-flusher"
LOCK_MS = 5000
PAUSE_SECONDS = 0.5
HEARTBEAT_SECONDS = 10
BACKOFF_MAX_SECONDS = 10

logger = logging.getLogger(__name__)


def signer() -> TimestampSigner:
    """A page swaps in what it is sent, so who reaches the broker must not be able to write it."""
    return TimestampSigner(salt="dashboard.live")


def sequence_now() -> str:
    """The number of the last message; a page that is rendered after this call has all up to it.

    Empty when Redis doesn't answer: the page then reloads its table once it is connected.
    """
    try:
        return str(server().get(SEQUENCE) or 0)
    except redis.RedisError:
        return ""


class Flusher:
    """The loop. At most one for each event loop runs; `ensure_running` starts it."""

    _running: WeakKeyDictionary[asyncio.AbstractEventLoop, tuple[Flusher, asyncio.Task[None]]] = (
        WeakKeyDictionary()
    )

    def __init__(self) -> None:
        self.name = uuid.uuid4().hex
        self.redis: async_redis.Redis = async_redis.Redis.from_url(
            settings.REDIS_URL, socket_timeout=5, socket_connect_timeout=2, decode_responses=True
        )
        self.fragments = Fragments()
        self.beat_at = 0.0

    @classmethod
    def ensure_running(cls) -> Flusher:
        """This event loop's flusher. Called by each websocket that connects."""
        loop = asyncio.get_running_loop()
        flusher, task = cls._running.get(loop, (None, None))
        if flusher is None or task is None or task.done():
            flusher = cls()
            cls._running[loop] = flusher, loop.create_task(flusher.run())
        return flusher

    async def sequence(self) -> int:
        """The number of the last message that was sent."""
        return int(await self.redis.get(SEQUENCE) or 0)

    async def run(self) -> None:
        """Flush for ever. Trouble is logged once, then tried again more and more slowly."""
        wait = PAUSE_SECONDS
        try:
            while True:
                try:
                    if await self.holds_lock():
                        await self.flush()
                    if wait > PAUSE_SECONDS:
                        logger.info("live updates go on")
                    wait = PAUSE_SECONDS
                except Exception as error:
                    if wait == PAUSE_SECONDS:
                        expected = isinstance(error, (redis.RedisError, OSError))
                        logger.warning(
                            "live updates wait: %s", error, exc_info=None if expected else error
                        )
                    wait = min(wait * 2, BACKOFF_MAX_SECONDS)
                await asyncio.sleep(wait)
        finally:
            with contextlib.suppress(Exception):
                await self.redis.aclose()

    async def holds_lock(self) -> bool:
        """Take or keep the lock. Two holders for a moment do no harm: each pops its own ids."""
        if await self.redis.set(LOCK, self.name, nx=True, px=LOCK_MS):
            return True
        if await self.redis.get(LOCK) != self.name:
            return False
        await self.redis.pexpire(LOCK, LOCK_MS)
        return True

    async def flush(self) -> None:
        """Send what changed since the last call; every ten seconds also look at what time changes.

        The number goes up before the ids are taken: dying in between leaves a gap in the numbers,
        and a page that sees the gap reloads its table.
        """
        waiting = bool(await self.redis.scard(CHANGED_DRIVES))
        beat = time.monotonic() - self.beat_at >= HEARTBEAT_SECONDS
        if not waiting and not beat:
            return
        number = await self._number(waiting)
        popped: Any = await self.redis.spop(CHANGED_DRIVES, 1000) if waiting else []
        ids = sorted(int(drive_id) for drive_id in popped or [])
        try:
            message = await database_sync_to_async(self.fragments.render)(ids)
            if message is not None and not waiting:
                number = await self._number(True)
            await self._send(number, message or {})
        except Exception:
            if ids:
                with contextlib.suppress(redis.RedisError):
                    await self.redis.sadd(CHANGED_DRIVES, *ids)
            self.fragments.forget()
            raise
        self.beat_at = time.monotonic()

    async def _number(self, new: bool) -> int:
        """The next number, or for a mere heartbeat the present one.

        A server that lost its data, be it a moment ago, starts anew at a number that no page has
        seen: after 0, the number of an empty server, a 1 would look like the next message.
        """
        async with self.redis.pipeline(transaction=True) as both:
            both.set(SEQUENCE, time.time_ns() // 1000, nx=True)
            both.incr(SEQUENCE, 1 if new else 0)
            return int((await both.execute())[-1])

    async def _send(self, number: int, message: dict[str, Any]) -> None:
        layer = get_channel_layer()
        chips = message.pop("chips", "")
        full = {"sequence": number, **message}
        brief: dict[str, Any] = {"sequence": number, "drives": message.get("drives", [])}
        if chips:
            brief["content"] = chips
        if "ended" in message:
            brief["ended"] = message["ended"]
        for group, content in ((ROWS_GROUP, full), (IDS_GROUP, brief)):
            signed = signer().sign(json.dumps(content))
            await layer.group_send(group, {"type": "live.message", "signed": signed})
