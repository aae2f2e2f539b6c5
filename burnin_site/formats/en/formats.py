"""Times in Django's admin, as on the other pages."""

from __future__ import annotations

DATETIME_FORMAT = "D j M Y H:i"
