"""SetupCode; everything else that pages show belongs to the rooms below."""

from __future__ import annotations

from django.db import models


class SetupCode(models.Model):
    """The one-time code that makes the first admin; at most one row. See first_admin.py."""

    digest = models.CharField(max_length=64)
    made_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"setup code of {self.made_at:%Y-%m-%d %H:%M:%S}"
