"""After commit, ids of changed drives go into a set in Redis, which the flusher empties."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from functools import cache

import redis
from django.conf import settings
from django.db import transaction

CHANGED_DRIVES = "burnin:changed-drives"

logger = logging.getLogger(__name__)


@cache
def server() -> redis.Redis:
    """The Redis-compatible server that carries the changes. Connects when first used."""
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2, decode_responses=True
    )


def changed(drive_ids: Iterable[int]) -> None:
    """Mark drives as changed once the running transaction has committed.

    A dead server costs a log line: the page catches up by itself and the next poll makes good.
    """
    ids = sorted(set(drive_ids))
    if ids:
        transaction.on_commit(lambda: _publish(ids), robust=True)


def _publish(ids: list[int]) -> None:
    try:
        server().sadd(CHANGED_DRIVES, *ids)
    except redis.RedisError as error:
        logger.warning("changed drives were not announced to open pages: %s", error)
