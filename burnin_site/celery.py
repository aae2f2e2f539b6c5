"""The task queue. A task may be lost or run twice; the database is the truth."""

from __future__ import annotations

import logging.config
import os
from typing import Any

from celery import Celery, Task
from celery.signals import (
    before_task_publish,
    setup_logging,
    task_postrun,
    task_prerun,
    worker_init,
)

from audit import trace

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "burnin_site.settings")

app = Celery("burnin")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def log_as_everybody(**_: Any) -> None:
    """LOG_LEVEL and LOG_FORMAT are in force here too. Where nobody answers this signal, Celery sets
    the root's level to its own --loglevel, and our lines below WARNING are lost."""
    from django.conf import settings

    logging.config.dictConfig(settings.LOGGING)
    logging.captureWarnings(True)


@worker_init.connect
def look_at_the_database(**_: Any) -> None:
    """Before it takes the first task, whoever prepared the database. A worker that can't look ends:
    Celery goes on after any other exception here."""
    import django

    django.setup()
    from django.db import DatabaseError

    from burnin import restored

    try:
        restored.freeze_if_restored()
    except DatabaseError as error:
        raise SystemExit(f"the database can’t be asked: {error}") from None


# --- a task's log lines carry the ids of whatever asked for it ---------------------------------
@before_task_publish.connect
def _send_ids(headers: dict[str, Any], **_: Any) -> None:
    headers["about"] = trace.current()


@task_prerun.connect
def _take_ids(task_id: str, task: Task[..., Any], **_: Any) -> None:
    sent = getattr(task.request, "about", None)
    trace.replace({**(sent if isinstance(sent, dict) else {}), "task": task.name})


@task_postrun.connect
def _drop_ids(**_: Any) -> None:
    trace.replace({})
