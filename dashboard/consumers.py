"""The websocket of live pages: joins a group and passes on what the flusher sends there."""

from __future__ import annotations

import json
import logging
from typing import Any

import redis
from autobahn.exception import Disconnected
from channels.generic.websocket import AsyncWebsocketConsumer
from django.core.signing import BadSignature

from .doorkeeper import Doorkeeper, Pass
from .flusher import IDS_GROUP, ROWS_GROUP, Flusher, signer
from .roles import may

logger = logging.getLogger(__name__)

# Never 1000, which is what close() sends by default: hx-ws takes that for a farewell and does not
# come back. All are of our own range, because daphne sends no other (1013 raises). At the first one
# the page tries again (its `reconnectCodes`); the others tell it to stay away.
TRY_AGAIN = 4013
LOGIN_NEEDED = 4401
ROLE_NEEDED = 4403
#: How old a message from another web process may be, with their clocks apart.
SIGNED_SECONDS = 60


class LivePage(AsyncWebsocketConsumer):
    """One open page. `rows` in the address asks for HTML, anything else for ids only."""

    group = ""
    #: The lowest role that may listen; each consumer declares one, as each view does.
    required_role = "viewer"

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """The page tries again by itself, so a broker that is away is no reason for a traceback."""
        try:
            await super().__call__(scope, receive, send)
        except Disconnected:
            pass  # it left while something was sent to it
        except (redis.RedisError, OSError) as error:
            logger.warning("a live page was closed: %s", error)
            await send({"type": "websocket.close", "code": TRY_AGAIN})

    async def connect(self) -> None:
        from channels.db import database_sync_to_async

        await self.accept()
        user = self.scope["user"]
        if not user.is_authenticated:
            return await self.close(LOGIN_NEEDED)
        if not await database_sync_to_async(may)(user, self.required_role):
            return await self.close(ROLE_NEEDED)
        self.entry = Pass(self.scope["session"].session_key, user.pk, self.required_role)
        Doorkeeper.here().enter(self)
        wanted = self.scope["url_route"]["kwargs"]["wanted"]
        group = ROWS_GROUP if wanted == "rows" else IDS_GROUP
        try:
            await self.channel_layer.group_add(group, self.channel_name)
            self.group = group
            # After joining: what is sent from now on arrives, what was sent before has this number.
            number = await Flusher.ensure_running().sequence()
        except (redis.RedisError, OSError):
            return await self.close(TRY_AGAIN)
        await self.send(json.dumps({"sequence": number}))

    async def send_away(self) -> None:
        """The page tries again at once, and is told by 4401 or 4403 if it may not come back: its
        login may have been replaced by a newer one."""
        await self.close(TRY_AGAIN)

    async def disconnect(self, code: int) -> None:
        Doorkeeper.here().leave(self)
        if self.group:
            await self.channel_layer.group_discard(self.group, self.channel_name)

    async def live_message(self, event: dict[str, Any]) -> None:
        try:
            await self.send(signer().unsign(str(event.get("signed")), max_age=SIGNED_SECONDS))
        except BadSignature as error:
            logger.error("the broker brought a message that isn’t ours: %s", error)
