"""The composition root: settings, urls, asgi and the Celery app. It holds no rule of the field."""

from .celery import app as celery_app

__all__ = ["celery_app"]
