"""For tests on the database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def _events_can_be_emptied(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test without a surrounding transaction is followed by a flush, which the append-only
    triggers of SQLite refuse; the flush itself installs them again."""
    mark = request.node.get_closest_marker("django_db")
    if mark is None or not mark.kwargs.get("transaction"):
        yield
        return
    request.getfixturevalue("transactional_db")
    yield
    from django.db import connection

    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("DROP TRIGGER IF EXISTS audit_no_delete")
