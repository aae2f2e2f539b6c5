"""What people write about a drive: where it is, and notes (D7)."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import transaction

from audit.events import quoted, record
from audit.models import Kind
from live.changes import changed

from .models import Drive

LONGEST = {"location": 100, "notes": 10_000}


def edit(
    drive: Drive,
    *,
    location: str | None = None,
    notes: str | None = None,
    by: str,
    source_ip: str | None = None,
) -> Drive:
    """Set what is given, and tell it with before and after. Nothing happens when nothing differs.

    Raises ValidationError with the fields that are wrong.
    """
    given = {"location": location, "notes": notes}
    wanted = {name: text.strip() for name, text in given.items() if text is not None}
    wrong = {}
    for name, text in wanted.items():
        if len(text) > LONGEST[name]:
            wrong[name] = f"At most {LONGEST[name]:,} characters; this has {len(text):,}"
        elif "\0" in text:
            wrong[name] = "It has a character that can’t be stored"
    if "location" in wanted and not wrong and len(wanted["location"].splitlines()) > 1:
        wrong["location"] = "One line"
    if wrong:
        raise ValidationError(wrong)
    with transaction.atomic():
        found = Drive.objects.select_for_update(of=("self",), no_key=True)
        drive = found.select_related("system").get(pk=drive.pk)
        before = {name: getattr(drive, name) for name in wanted}
        after = {name: text for name, text in wanted.items() if text != before[name]}
        if not after:
            return drive
        for name, text in after.items():
            setattr(drive, name, text)
        drive.save(update_fields=list(after))
        words = "; ".join(
            f"{name} {quoted(before[name])} → {quoted(text)}" for name, text in after.items()
        )
        record(
            Kind.DRIVE_EDITED,
            f"{drive.devname} {drive.serial}: {words}",
            actor=by,
            source_ip=source_ip,
            system=drive.system,
            drive=drive,
            data={"before": {name: before[name] for name in after}, "after": after},
        )
        changed([drive.pk])
    return drive
