"""What may be changed while everything runs."""

from __future__ import annotations

from typing import Any

from django.db import models

from .secrets import EncryptedTextField


class Freeze(models.Model):
    """The one switch that stops all writing everywhere (S10). A row says that it is on."""

    at = models.DateTimeField(auto_now_add=True)
    by = models.CharField(max_length=150)
    only_one = models.BooleanField(default=True, unique=True)

    def __str__(self) -> str:
        return f"frozen by {self.by}"


def freeze() -> Freeze | None:
    """The freeze that is in force now, if any."""
    return Freeze.objects.first()


class RuntimeSettings(models.Model):
    """What was changed while everything runs: one row over the environment's defaults.

    config/runtime.py reads and writes it; nobody else does.
    """

    values: models.JSONField[dict[str, Any], dict[str, Any]] = models.JSONField(
        default=dict, help_text="setting to value; what isn't here is as the environment says"
    )
    secrets = EncryptedTextField(blank=True, help_text="the same of what is a secret, as JSON")
    changed_at: models.JSONField[dict[str, str], dict[str, str]] = models.JSONField(
        default=dict, help_text="setting to when it was changed, ISO 8601"
    )
    only_one = models.BooleanField(default=True, unique=True)

    def __str__(self) -> str:
        return "runtime settings"
