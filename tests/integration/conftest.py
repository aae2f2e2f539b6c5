"""For tests on the database."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:  # the agent's tests under Python 3.9 have no Django
    from pytest_django import DjangoDbBlocker


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """How the database is emptied after a test without a surrounding transaction: without Django's
    post_migrate, which makes the same content types, permissions and groups again in 50 small
    transactions; and past the triggers that keep audit events."""
    from django.contrib.auth.models import Group, Permission
    from django.contrib.contenttypes.models import ContentType
    from django.core.management import call_command
    from django.db import connection, transaction
    from django.test import TransactionTestCase

    from audit import triggers

    with django_db_blocker.unblock():
        kept = [list(model.objects.all()) for model in (ContentType, Permission, Group)]

    def empty(case: TransactionTestCase) -> None:
        on = f" ON {triggers.TABLE}" if connection.vendor == "postgresql" else ""
        with connection.cursor() as cursor:
            for verb in ("delete", "truncate"):
                cursor.execute(f"DROP TRIGGER IF EXISTS audit_no_{verb}{on}")
        call_command("flush", verbosity=0, interactive=False, inhibit_post_migrate=True)
        with transaction.atomic():
            for rows in kept:
                type(rows[0]).objects.bulk_create(rows)
            triggers.install()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", empty)
        yield
