"""A new password, asked for at the terminal."""

from __future__ import annotations

import getpass

from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

TRIES = 3


def asked_for(command: BaseCommand, user: User) -> str:
    """Typed twice, and good enough for that person. Raises CommandError after three tries."""
    for _ in range(TRIES):
        password = getpass.getpass(f"New password of {user.get_username()}: ")
        if password != getpass.getpass("The same again: "):
            command.stderr.write("This is not the same password.")
            continue
        try:
            validate_password(password, user)
        except ValidationError as error:
            command.stderr.write("\n".join(error.messages))
        else:
            return password
    raise CommandError("Nothing was changed")
