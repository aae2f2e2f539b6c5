"""Cursor and Delivery: what was read of the audit log, and what is to be sent of it, and where."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import models


def _key() -> str:
    return uuid.uuid4().hex


class Cursor(models.Model):
    """Up to which audit event everything was read. One row; a migration makes it."""

    position = models.BigIntegerField(default=0)
    only_one = models.BooleanField(default=True, unique=True)

    def __str__(self) -> str:
        return f"read up to event {self.position}"


class Delivery(models.Model):
    """One message to one channel, made once whatever runs twice: (source, channel) is unique.

    waiting → sending → sent, or back to waiting with the reason, and failed after the last try.
    skipped says that nothing was to be sent, and why.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        SENDING = "sending", "Being sent"
        SENT = "sent", "Sent"
        SKIPPED = "skipped", "Not wanted"
        FAILED = "failed", "Failed"

    source = models.CharField(max_length=100, help_text="event-123, or report-2026-11-26")
    channel = models.CharField(max_length=60, help_text="mail, webhook, or chat- and a digest")
    key = models.CharField(max_length=32, default=_key, help_text="the same at each try")
    payload: models.JSONField[dict[str, Any], dict[str, Any]] = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    said = models.TextField(blank=True, help_text="what the other side answered, or why not sent")
    attempts = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField()
    claim = models.CharField(max_length=32, blank=True, help_text="who is sending it")
    claimed_at = models.DateTimeField(null=True, blank=True)
    batch = models.CharField(
        max_length=32, blank=True, help_text="those that were once sent together stay together"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["source", "channel"], name="one_delivery_a_source_and_channel"
            )
        ]
        indexes = [models.Index(fields=["state", "next_try_at"])]

    def __str__(self) -> str:
        return f"{self.source} by {self.channel}"
