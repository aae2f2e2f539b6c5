"""Events are append-only, in the database itself, and stand or fall with what they tell."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, transaction

from audit.events import record
from audit.models import AuditEvent, Kind


@pytest.mark.django_db
@pytest.mark.parametrize("verb", ["update", "delete"])
def test_an_event_can_not_be_changed_or_deleted(verb: str) -> None:
    with transaction.atomic():
        event = record(Kind.LOGIN, "olga logged in", actor="olga")
    events = AuditEvent.objects.filter(pk=event.pk)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        events.update(note="nobody") if verb == "update" else events.delete()
    assert events.get().note == "olga logged in"


@pytest.mark.django_db(transaction=True)
def test_an_event_is_written_in_a_transaction_only_and_rolls_back_with_it() -> None:
    assert not connection.in_atomic_block
    with pytest.raises(RuntimeError):
        record(Kind.LOGIN, "olga logged in")
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        record(Kind.LOGIN, "olga logged in")
        raise ZeroDivisionError
    assert not AuditEvent.objects.exists()
