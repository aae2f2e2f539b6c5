"""Make an admin, as when none is left. The password is asked for."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
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
        user = User(username=User.normalize_username(name))
        try:
            user.clean_fields(exclude=["password"])
        except ValidationError as error:
            raise CommandError("; ".join(error.messages)) from None
        name = user.username
        if User.objects.filter(username__iexact=name).exists():
            raise CommandError(f"There is somebody named {name} already")
        password = asked_for(self, user)
        with transaction.atomic():
            User.objects.create_superuser(name, password=password)
            note = f"{name} was added with the role admin"
            record(Kind.USER_ADDED, note, actor="command line")
        self.stdout.write(note)
