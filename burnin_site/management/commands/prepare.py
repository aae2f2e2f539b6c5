"""Make the database ready for web, worker and beat: safe at every start and upgrade."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import transaction
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from burnin.tasks import poll_systems
from drives import systems
from drives.models import System


class Command(BaseCommand):
    help = __doc__ or ""

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", interactive=False, verbosity=options["verbosity"])
        _first_admin()
        _first_system()
        _schedule()
        self.stdout.write("The database is ready")


def _first_admin() -> None:
    """From ADMIN_USER and ADMIN_PASSWORD; somebody who is there keeps the password he has."""
    users = get_user_model().objects
    name = settings.ADMIN_USER
    if name and not users.filter(username=name).exists():
        users.create_superuser(name, password=settings.ADMIN_PASSWORD)


def _first_system() -> None:
    """From TRUENAS_…, while there is none: later changes are made to its row."""
    if not settings.TRUENAS_BASE_URL or System.objects.exists():
        return
    systems.keep(
        settings.TRUENAS_SSH_HOST,
        actor="environment",
        base_url=settings.TRUENAS_BASE_URL,
        api_key=settings.TRUENAS_API_KEY,
        verify_tls=settings.TRUENAS_VERIFY_TLS,
        ssh_host=settings.TRUENAS_SSH_HOST,
        ssh_port=settings.TRUENAS_SSH_PORT,
        ssh_user=settings.TRUENAS_SSH_USER,
        ssh_key_file=settings.TRUENAS_SSH_KEY_FILE,
        ssh_host_key=settings.TRUENAS_SSH_HOST_KEY,
        state_dir=settings.TRUENAS_SSH_STATE_DIR,
    )


@transaction.atomic
def _schedule() -> None:
    interval, _ = IntervalSchedule.objects.get_or_create(
        every=settings.POLL_INTERVAL_SECONDS, period=IntervalSchedule.SECONDS
    )
    PeriodicTask.objects.update_or_create(
        name="poll systems",
        defaults={
            "task": poll_systems.name,
            "interval": interval,
            "expire_seconds": settings.POLL_INTERVAL_SECONDS,
        },
    )
