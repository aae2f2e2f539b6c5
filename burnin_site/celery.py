"""The task queue. A task may be lost or run twice; the database is the truth."""

from __future__ import annotations

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "burnin_site.settings")

app = Celery("burnin")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
