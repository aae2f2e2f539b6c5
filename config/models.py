"""What may be changed while everything runs."""

from __future__ import annotations

from django.db import models


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
