"""What is told of a burn-in that has ended: the fields of N3, and one sentence for people."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from audit.models import AuditEvent, Kind
from burnin.models import Job

#: The events that are told, and how a sentence says them.
TOLD = {
    Kind.BURNIN_PASSED: "passed",
    Kind.BURNIN_FAILED: "failed",
    Kind.BURNIN_UNKNOWN: "is inconclusive",
}


def of_event(event: AuditEvent, job: Job | None) -> dict[str, Any]:
    """The payload as it is kept, sent and sent again. Without its job, what the event knows alone.

    `text` and `content` are the same sentence: Slack shows the one, Discord the other.
    """
    drive = job.drive if job else None
    devname = drive.devname if drive else ""
    serial = job.serial if job else event.drive_serial
    title = f"{devname or serial or 'A drive'} {TOLD[Kind(event.kind)]}"
    where = ", ".join(filter(None, [event.system_name, drive.location if drive else ""]))
    who = " ".join(filter(None, [drive.model if drive else "", serial, where and f"({where})"]))
    sentence = f"{title}: {who}" if who else title
    error_text = job.error_text if job else ""
    if error_text:
        sentence = f"{sentence}. {error_text}"
    return {
        "event": str(event.kind),
        "job_id": event.job_id,
        "devname": devname,
        "serial": serial,
        "model": drive.model if drive else "",
        # As it was then: the job may have gone on since.
        "state": event.kind.removeprefix("burnin_"),
        "operator": job.operator_name if job else "",
        "error_text": error_text,
        "text": sentence,
        "content": sentence,
        "title": title,
        "system": event.system_name,
        "location": drive.location if drive else "",
        "size_bytes": job.size_bytes if job else None,
        "at": event.at.isoformat(),
        "url": f"{settings.APP_URL}/history/{event.job_id}" if event.job_id else settings.APP_URL,
    }
