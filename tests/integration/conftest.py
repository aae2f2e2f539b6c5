"""For tests on the database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def _events_can_be_emptied(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test without a surrounding transaction is followed by a flush, which the append-only
    triggers refuse; the flush itself installs them again."""
    mark = request.node.get_closest_marker("django_db")
    if mark is None or not mark.kwargs.get("transaction"):
        yield
        return
    request.getfixturevalue("transactional_db")
    yield
    from django.db import connection

    on = " ON audit_auditevent" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        for verb in ("delete", "truncate"):
            cursor.execute(f"DROP TRIGGER IF EXISTS audit_no_{verb}{on}")
