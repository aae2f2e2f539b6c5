from __future__ import annotations

from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured, ValidationError

from .redaction import remember


class ConfigConfig(AppConfig):
    name = "config"

    def ready(self) -> None:
        """Secrets of the environment are known, and bad defaults refused, from the start."""
        for name in (
            "SECRET_KEY",
            "ADMIN_PASSWORD",
            "TRUENAS_API_KEY",
            "SMTP_PASSWORD",
            "WEBHOOK_SECRET",
        ):
            remember(getattr(settings, name))
        for url in settings.APPRISE_URLS:
            remember(url)
        remember(settings.DATABASES["default"].get("PASSWORD") or "")
        remember(urlsplit(settings.REDIS_URL).password or "")
        check_defaults()


def check_defaults() -> None:
    """What the environment gives for settings that the page can change is checked as there."""
    from . import runtime

    for name in runtime.TYPES:
        try:
            runtime.parse(name, runtime.default(name))
        except ValidationError as error:
            raise ImproperlyConfigured(f"{name.upper()}: {'; '.join(error.messages)}") from None
