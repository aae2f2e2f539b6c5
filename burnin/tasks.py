"""Celery's side of the burn-in: each task is short, and may be lost or run twice."""

from __future__ import annotations

import logging
import time
from typing import Any

from celery import Task, shared_task
from django.conf import settings
from django.db.models import Q
from django.utils import timezone
from kombu.exceptions import OperationalError

from audit.trace import about
from drives import poll, routine, thinning, watchdog
from drives.models import System

from . import cleaning, closing, orchestrator, restored
from .models import Job

logger = logging.getLogger(__name__)

# Celery calls a task again when it isn't done by then; ours are far shorter.
TASK_EXPIRES_SECONDS = 60
HOUSE_SECONDS = 60
SILENT_SECONDS = 5.0
_silent_until = 0.0


def send(task: Task[..., Any], *args: Any, expires: float = TASK_EXPIRES_SECONDS) -> None:
    """Enqueue a task. A dead broker costs a log line: the next poll does what was lost.

    Finding out that it is dead takes seconds, so after that it is left alone for a while.
    """
    global _silent_until
    if time.monotonic() < _silent_until:
        return
    try:
        task.apply_async(args, expires=expires)
    except (OperationalError, OSError) as error:
        _silent_until = time.monotonic() + SILENT_SECONDS
        logger.warning("%s%s was not sent: %s", task.name, args, error)


@shared_task
def poll_systems() -> None:
    """By beat, each POLL_INTERVAL_SECONDS: one task a system, so that none waits for another."""
    due = Q(next_poll_at=None) | Q(next_poll_at__lte=timezone.now())
    for system_id in System.objects.filter(due).values_list("pk", flat=True):
        send(poll_system, system_id, expires=settings.POLL_INTERVAL_SECONDS)


@shared_task
def keep_house() -> None:
    """By beat, each HOUSE_SECONDS: watchdog, old measurements, readings that are due."""
    now = timezone.now()
    watchdog.look(now)
    restored.remember()
    thinning.thin_some(now, now.hour * 60 + now.minute)
    for system in System.objects.all():
        if routine.due(system, now):
            send(read_drives, system.pk)


@shared_task
def read_drives(system_id: int) -> None:
    with about(system=system_id):
        routine.read(System.objects.get(pk=system_id), timezone.now())


@shared_task
def poll_system(system_id: int) -> None:
    """Observe, apply, advance."""
    with about(system=system_id):
        if not poll.run(system_id):
            return
        orchestrator.advance(system_id)
        for job_id in Job.objects.filter(system_id=system_id, closing_reading_due=True).values_list(
            "pk", flat=True
        ):
            send(take_closing_reading, job_id)
        if cleaning.is_due(System.objects.get(pk=system_id)):
            send(remove_run_folders, system_id)


@shared_task
def admit_jobs(system_id: int) -> None:
    with about(system=system_id):
        orchestrator.admit(system_id)


@shared_task
def step_stage(stage_id: int) -> None:
    orchestrator.step(stage_id)


@shared_task
def take_closing_reading(job_id: int) -> None:
    with about(job=job_id):
        closing.take(job_id)


@shared_task
def remove_run_folders(system_id: int) -> None:
    with about(system=system_id):
        cleaning.sweep(System.objects.get(pk=system_id))
