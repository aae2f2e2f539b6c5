"""Make the database ready for web, worker and beat: safe at every start and upgrade."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from audit.events import record
from audit.models import Kind
from burnin import restored
from burnin.tasks import HOUSE_SECONDS, keep_house, poll_systems
from dashboard import first_admin
from dashboard.roles import SETUP_URL
from drives import systems
from drives.models import System
from notifications.tasks import EVERY_SECONDS, deliver


class Command(BaseCommand):
    help = __doc__ or ""

    def handle(self, *args: Any, **options: Any) -> None:
        settings.DATA_DIR.mkdir(parents=True, exist_ok=True)
        for suffix in ("", "-wal", "-shm"):
            file = settings.DB_PATH.with_name(settings.DB_PATH.name + suffix)
            if file.exists():
                file.chmod(0o600)  # made by an older release
        call_command("migrate", interactive=False, verbosity=options["verbosity"])
        self._first_admin()
        _first_system()
        if why := restored.freeze_if_restored():
            self.stdout.write(
                f"{why}. Everything is frozen; look at queue, people and API tokens, then thaw on "
                "the page"
            )
        _schedule()
        self.stdout.write("The database is ready")

    def _first_admin(self) -> None:
        """While there is no admin: from ADMIN_USER and ADMIN_PASSWORD, else a code for /setup."""
        if settings.ADMIN_USER and not first_admin.admin_exists():
            _admin_of_environment(settings.ADMIN_USER, settings.ADMIN_PASSWORD)
        code = first_admin.new_code()
        if code:
            self.stdout.write(
                f"There is no admin yet. Open {settings.APP_URL}{SETUP_URL} and enter this code; "
                "it works once, and the next `prepare` makes another one.\n"
                f"Setup code: {code}"
            )


@transaction.atomic
def _admin_of_environment(name: str, password: str) -> None:
    user = User(username=name)
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise CommandError(f"ADMIN_PASSWORD: {' '.join(error.messages)}") from None
    if User.objects.filter(username=name).exists():
        raise CommandError(
            f"ADMIN_USER={name} exists and is no admin. Take ADMIN_USER and ADMIN_PASSWORD out "
            "to make the first admin with a setup code, or choose another name"
        )
    User.objects.create_superuser(name, password=password)
    record(Kind.USER_ADDED, f"{name} became the first admin by ADMIN_USER", actor="environment")


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
    for name, task, seconds in (
        ("poll systems", poll_systems, settings.POLL_INTERVAL_SECONDS),
        ("keep house", keep_house, HOUSE_SECONDS),
        ("deliver notifications", deliver, EVERY_SECONDS),
    ):
        interval, _ = IntervalSchedule.objects.get_or_create(
            every=seconds, period=IntervalSchedule.SECONDS
        )
        PeriodicTask.objects.update_or_create(
            name=name,
            defaults={"task": task.name, "interval": interval, "expire_seconds": seconds},
        )
