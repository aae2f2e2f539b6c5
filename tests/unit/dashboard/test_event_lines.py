from __future__ import annotations

from django.utils import timezone

from audit.models import AuditEvent, Kind
from dashboard.event_lines import log_line


def test_a_line_begins_as_a_sentence_and_a_drive_keeps_its_name() -> None:
    def words(note: str, of_job: bool) -> str:
        event = AuditEvent(kind=Kind.DRIVE_EDITED, note=note, at=timezone.now())
        return log_line(event, of_job=of_job).words

    assert words("Burn-in 7 of sdc Z1: surface is paused", of_job=True) == "Surface is paused"
    assert words("sdc Z1: location none → “Bay 3”", of_job=False).startswith("sdc Z1")
    assert words("Burn-in 7 of sdc Z1: passed", of_job=False) == "Burn-in 7 of sdc Z1: passed"
