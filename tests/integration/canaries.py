"""The web application and the worker's Celery app of test_secrets.py: the product's own, on the
test's database, where two things crash with a secret in their exception and their variables."""

from __future__ import annotations

from typing import Any

from tests.integration.dashboard.asgi import application

from burnin_site.celery import app  # isort: skip
from dashboard.views import home
from drives import poll
from drives.models import System

_load_rows, _run = home.load_rows, poll.run


def _crashing_rows(*args: Any, **facts: Any) -> Any:
    system = System.objects.filter(name="crash").first()
    if system is not None and system.stopped == "web":
        password = system.ssh_password
        raise RuntimeError(f"can't log in with {system.api_key!r} or {password}")
    return _load_rows(*args, **facts)


def _crashing_poll(system_id: int) -> bool:
    system = System.objects.get(pk=system_id)
    if system.name == "crash":
        password = system.ssh_password
        raise RuntimeError(f"can't log in with {system.api_key!r} or {password}")
    return _run(system_id)


home.load_rows = _crashing_rows  # type: ignore[assignment]
poll.run = _crashing_poll

__all__ = ["app", "application"]
