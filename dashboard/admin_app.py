"""Django's admin with our own site. Apart from apps.py, where only one app may be declared."""

from __future__ import annotations

from django.contrib.admin import apps


class AdminConfig(apps.AdminConfig):
    default = False
    default_site = "dashboard.admin_site.Site"
