"""What people write about a burn-in afterwards: a label and notes. Never its state or evidence."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import transaction

from audit.events import quoted, record
from audit.models import Kind
from live.changes import changed

from .models import Job

LONGEST = {"label": 100, "notes": 10_000}


def edit(job: Job, *, label: str, notes: str, by: str, source_ip: str | None = None) -> None:
    """Set both, and tell it with before and after. Nothing happens when nothing differs.

    Raises ValidationError with the fields that are wrong.
    """
    wanted = {"label": " ".join(label.split()), "notes": notes.strip()}
    wrong = {
        name: "It has a character that can’t be stored"
        if "\0" in text
        else f"At most {LONGEST[name]:,} characters; this has {len(text):,}"
        for name, text in wanted.items()
        if "\0" in text or len(text) > LONGEST[name]
    }
    if wrong:
        raise ValidationError(wrong)
    with transaction.atomic():
        locked = Job.objects.select_for_update(of=("self",)).select_related("drive", "system")
        job = locked.get(pk=job.pk)
        before = {name: getattr(job, name) for name in wanted}
        after = {name: text for name, text in wanted.items() if text != before[name]}
        if not after:
            return
        Job.objects.filter(pk=job.pk).update(**after)
        words = "; ".join(
            f"{name} {quoted(before[name])} → {quoted(text)}" for name, text in after.items()
        )
        record(
            Kind.HISTORY_EDITED,
            f"Burn-in {job.pk} of {job.drive.devname} {job.serial}: {words}",
            actor=by,
            source_ip=source_ip,
            system=job.system,
            drive=job.drive,
            job_id=job.pk,
            data={"before": {name: before[name] for name in after}, "after": after},
        )
        changed([job.drive_id])
