"""Closes open websockets of people who may no longer listen.

A websocket is checked once when it opens, and may then stay open for weeks. So in each web process
one loop looks at all of its websockets every few seconds, with a constant number of queries:
the session is still there and not too old, it is that person's, the password is the one it was
made with, the person is active and has the role.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol
from weakref import WeakKeyDictionary

from channels.db import database_sync_to_async
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from .roles import may

CHECK_SECONDS = 2

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Pass:
    """With what a websocket was opened, and the role that it takes."""

    session_key: str
    user_id: int
    needed: str


class Listener(Protocol):
    entry: Pass

    async def send_away(self) -> None: ...


class Doorkeeper:
    """The websockets of one event loop. The loop runs while there are any."""

    _of: WeakKeyDictionary[asyncio.AbstractEventLoop, Doorkeeper] = WeakKeyDictionary()

    def __init__(self) -> None:
        self.inside: set[Listener] = set()
        self.task: asyncio.Task[None] | None = None

    @classmethod
    def here(cls) -> Doorkeeper:
        return cls._of.setdefault(asyncio.get_running_loop(), cls())

    def enter(self, listener: Listener) -> None:
        self.inside.add(listener)
        if self.task is None or self.task.done():
            self.task = asyncio.get_running_loop().create_task(self._watch())

    def leave(self, listener: Listener) -> None:
        self.inside.discard(listener)

    async def _watch(self) -> None:
        while self.inside:
            await asyncio.sleep(CHECK_SECONDS)
            here = list(self.inside)
            try:
                good = await database_sync_to_async(still_good)({one.entry for one in here})
            except Exception as error:
                # Without the database nothing is rendered, so nothing is sent either.
                logger.warning("open websockets could not be checked: %s", error)
                continue
            for one in here:
                if one.entry not in good:
                    await self._send_away(one)

    async def _send_away(self, one: Listener) -> None:
        """One that is gone already keeps nobody else inside."""
        self.leave(one)
        try:
            await one.send_away()
        except Exception as error:
            logger.warning("a websocket could not be closed: %s", error)


def still_good(passes: Iterable[Pass]) -> set[Pass]:
    """Those that would be let in now."""
    passes = set(passes)
    sessions = {
        session.session_key: session.get_decoded()
        for session in Session.objects.filter(
            session_key__in={one.session_key for one in passes}, expire_date__gt=timezone.now()
        )
    }
    users = {
        user.pk: user
        for user in User.objects.filter(pk__in={one.user_id for one in passes}).prefetch_related(
            "groups"
        )
    }
    return {
        one
        for one in passes
        if (session := sessions.get(one.session_key))
        and (user := users.get(one.user_id))
        and session.get(SESSION_KEY) == str(user.pk)
        and constant_time_compare(session.get(HASH_SESSION_KEY, ""), user.get_session_auth_hash())
        and may(user, one.needed)
    }
