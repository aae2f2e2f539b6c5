"""The first admin: nobody becomes one by being the first visitor.

While no active admin exists, `prepare` prints a new code each time, and /setup makes an admin of
whoever enters it. Only its keyed hash is stored; it works once, and never while an admin exists.
"""

from __future__ import annotations

import secrets

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q
from django.utils.crypto import constant_time_compare, salted_hmac

from audit.events import record
from audit.models import Kind

from .models import SetupCode

#: Nothing that can be taken for something else; 20 of them are 100 bits.
ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
GROUPS, LETTERS = 4, 5


class CodeRefused(Exception):
    """The code is wrong, was used, or an admin exists by now."""


def admins() -> Q:
    """Which users are active admins; the same rule as roles.role_of."""
    return Q(is_active=True) & (Q(is_superuser=True) | Q(groups__name="admin"))


def admin_exists() -> bool:
    return User.objects.filter(admins()).exists()


@transaction.atomic
def new_code() -> str:
    """A fresh code in place of any former one; empty, and none is left, when an admin exists."""
    SetupCode.objects.all().delete()
    if admin_exists():
        return ""
    groups = ("".join(secrets.choice(ALPHABET) for _ in range(LETTERS)) for _ in range(GROUPS))
    code = "-".join(groups)
    SetupCode.objects.create(digest=_digest(code))
    return code


def is_right(code: str) -> bool:
    """Whether that code would make an admin now."""
    return _row_of(code) is not None and not admin_exists()


@transaction.atomic
def make(code: str, name: str, password: str, *, source_ip: str | None) -> User:
    """Use the code up and make the admin. Raises CodeRefused.

    The row's deletion decides between two who come at once: only one of them deletes it.
    """
    row = _row_of(code)
    if row is None or not SetupCode.objects.filter(pk=row.pk).delete()[0] or admin_exists():
        raise CodeRefused
    user = User.objects.create_superuser(name, password=password)
    note = f"{name} became the first admin with the setup code"
    record(Kind.USER_ADDED, note, actor=name, source_ip=source_ip)
    return user


def _row_of(code: str) -> SetupCode | None:
    digest = _digest(code)
    rows = SetupCode.objects.all()
    return next((row for row in rows if constant_time_compare(row.digest, digest)), None)


def _digest(code: str) -> str:
    letters = "".join(letter for letter in code.upper() if letter.isalnum())
    return salted_hmac("dashboard.first_admin", letters, algorithm="sha256").hexdigest()
