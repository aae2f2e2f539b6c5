from __future__ import annotations

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class DashboardConfig(AppConfig):
    name = "dashboard"

    def ready(self) -> None:
        from . import login_events  # noqa: F401  (connects its receivers)
        from .roles import make_groups

        post_migrate.connect(make_groups, sender=self)
