from __future__ import annotations

from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings

from .redaction import remember


class ConfigConfig(AppConfig):
    name = "config"

    def ready(self) -> None:
        """Secrets of the environment are known from the start."""
        for name in ("SECRET_KEY", "ADMIN_PASSWORD", "TRUENAS_API_KEY"):
            remember(getattr(settings, name))
        remember(settings.DATABASES["default"].get("PASSWORD") or "")
        remember(urlsplit(settings.REDIS_URL).password or "")
