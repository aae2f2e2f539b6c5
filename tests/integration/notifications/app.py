"""The product's Celery application on the database of the test that started it."""

from __future__ import annotations

import os

from django.conf import settings

settings.DATABASES["default"]["NAME"] = os.environ["TEST_DB_NAME"]

from burnin_site.celery import app  # noqa: E402

__all__ = ["app"]
