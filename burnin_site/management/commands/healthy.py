"""Does this machine's web, worker or beat do its work? For a container's health check; status 1
says no."""

from __future__ import annotations

import socket
import urllib.error
import urllib.request
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django_celery_beat.models import PeriodicTask

from burnin_site.celery import app

ANSWER_SECONDS = 10
#: Beat writes down when it sent a task with some delay.
BEAT_SECONDS = 180


class Command(BaseCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("part", choices=("web", "worker", "beat"))

    def handle(self, *args: Any, part: str, **options: Any) -> None:
        problem = {"web": _web, "worker": _worker, "beat": _beat}[part]()
        if problem:
            raise CommandError(problem)
        self.stdout.write("healthy")


def _web() -> str:
    url = f"http://127.0.0.1:{settings.APP_PORT}/health/ready"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        opener.open(url, timeout=ANSWER_SECONDS).close()
    except urllib.error.HTTPError as error:
        # 403: this address isn't in ALLOWED_IPS, which is an answer too.
        return "" if error.code == 403 else f"{url} answers {error.code}"
    except OSError as error:
        return f"{url}: {error}"
    return ""


def _worker() -> str:
    name = f"celery@{socket.gethostname()}"
    answers = app.control.ping(destination=[name], timeout=ANSWER_SECONDS)
    return "" if answers else f"{name} doesn’t answer"


def _beat() -> str:
    sent = PeriodicTask.objects.filter(task="burnin.tasks.poll_systems").values_list("last_run_at")
    last = sent.order_by("-last_run_at").first()
    if last is None or last[0] is None:
        return "Nothing was ever sent"
    allowed = timedelta(seconds=BEAT_SECONDS + 3 * settings.POLL_INTERVAL_SECONDS)
    age = timezone.now() - last[0]
    return "" if age <= allowed else f"Polls were last sent {age.total_seconds():.0f} s ago"
