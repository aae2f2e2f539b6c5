"""Celery's side of the notifications: on a queue of their own, two at a time in a worker, so that
a mail server that doesn't answer holds up no burn-in."""

from __future__ import annotations

import threading

from celery import shared_task
from django.utils import timezone

from burnin.tasks import send

from . import channels, outbox, report, sending

EVERY_SECONDS = 10
_room = threading.BoundedSemaphore(2)


@shared_task
def deliver() -> None:
    """By beat: read what has happened, and start the channels that have something to send. The
    report comes last, so that nothing else waits for one that can't be made."""
    now = timezone.now()
    outbox.read(now)
    for name in sending.channels_with_work(now):
        send(send_channel, name, expires=EVERY_SECONDS)
    if report.make_if_due(now):
        send(send_channel, channels.MAIL, expires=EVERY_SECONDS)


@shared_task
def send_channel(name: str) -> None:
    if not _room.acquire(blocking=False):
        return  # the next turn is soon
    try:
        sending.work(name)
    finally:
        _room.release()
