"""Give somebody a new password. It ends that person's sessions and API tokens."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from audit.events import record
from audit.models import Kind
from burnin_site.new_password import asked_for


class Command(BaseCommand):
    """In place of Django's own, which the audit log would not tell."""

    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name")

    def handle(self, *args: Any, name: str, **options: Any) -> None:
        user = User.objects.filter(username=name).first()
        if user is None:
            raise CommandError(f"There is nobody named {name}")
        password = asked_for(self, user)
        with transaction.atomic():
            user.set_password(password)
            user.save(update_fields=["password"])
            note = f"{name} was given a new password; sessions and API tokens ended"
            record(Kind.USER_CHANGED, note, actor="command line")
        self.stdout.write(note)
