"""What people write about a drive."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError

from audit.models import AuditEvent, Kind
from drives.edits import edit
from tests.integration.rows import a_drive, a_system

pytestmark = pytest.mark.django_db


def test_what_changed_is_stored_and_told_with_before_and_after() -> None:
    drive = a_drive(a_system(), location="shelf", notes="old")
    edit(drive, location=" bay 7 ", by="olga", source_ip="192.0.2.7")
    drive.refresh_from_db()
    assert (drive.location, drive.notes) == ("bay 7", "old")
    event = AuditEvent.objects.get(kind=Kind.DRIVE_EDITED)
    assert (event.actor, event.source_ip, event.drive_id) == ("olga", "192.0.2.7", drive.pk)
    assert event.data == {"before": {"location": "shelf"}, "after": {"location": "bay 7"}}
    edit(drive, location="bay 7", notes="old", by="olga")
    assert AuditEvent.objects.count() == 1, "nothing differs, so nothing happened"
    edit(drive, notes="", by="olga")
    drive.refresh_from_db()
    assert drive.notes == ""


@pytest.mark.parametrize(
    ("field", "text"),
    [("location", "x" * 101), ("location", "a\nb"), ("notes", "a\0b"), ("notes", "x" * 10_001)],
    ids=lambda value: value[:8],
)
def test_what_can_not_be_stored_is_refused_at_its_field(field: str, text: str) -> None:
    drive = a_drive(a_system())
    with pytest.raises(ValidationError) as caught:
        edit(drive, **{field: text}, by="olga")
    assert list(caught.value.message_dict) == [field]
    assert not AuditEvent.objects.exists()
