"""What lets somebody in: SetupCode and ApiToken, and the answers that a program may ask for twice.

Everything that pages show belongs to the rooms below.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models


class SetupCode(models.Model):
    """The one-time code that makes the first admin; at most one row. See first_admin.py."""

    digest = models.CharField(max_length=64)
    made_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"setup code of {self.made_at:%Y-%m-%d %H:%M:%S}"


class ApiToken(models.Model):
    """A program's way in, on behalf of its owner. See tokens.py."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens"
    )
    name = models.CharField(max_length=100)
    role = models.CharField(max_length=10, help_text="the highest that it gives")
    digest = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the token")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.name} of {self.owner}"


class KeptAnswer(models.Model):
    """What a request with an Idempotency-Key was answered, for whoever asks again.

    status is null while the first one is at work. See api/idempotency.py.
    """

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=200)
    asked = models.CharField(max_length=64, help_text="SHA-256 of path and body")
    status = models.PositiveSmallIntegerField(null=True)
    body: models.JSONField[dict[str, Any], dict[str, Any]] = models.JSONField(default=dict)
    made_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["owner", "key"], name="one_answer_a_key")]

    def __str__(self) -> str:
        return f"answer to {self.key}"
