"""Changing settings, by page or API: what follows from it beyond the row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError

from burnin import verdict
from burnin.tasks import admit_jobs, send
from config import runtime
from drives.models import Drive, System
from live.changes import changed

#: What rows and banners of open pages show.
SEEN = {"max_parallel_burnins", "stale_threshold_seconds", "temp_start_max_c"}


def change(changes: Mapping[str, Any], *, by: str, source_ip: str | None) -> list[str]:
    """As runtime.update, and what is known here is checked too. More room is used at once.

    Returns the names of those that are different now. Raises ValidationError by name.
    """
    _check_names(changes)
    different = runtime.update(changes, by=by, source_ip=source_ip)
    if "max_parallel_burnins" in different:
        for system_id in System.objects.values_list("pk", flat=True):
            send(admit_jobs, system_id)
    if SEEN & set(different):
        changed(Drive.objects.values_list("pk", flat=True))
    return different


def _check_names(changes: Mapping[str, Any]) -> None:
    """Counters and systems must exist: a typing error would silently change nothing."""
    errors = {}
    counters = verdict.FAILING_COUNTERS | verdict.DOUBTFUL_COUNTERS
    for name, known, what in (
        ("counter_rises_allowed", set(counters), "counter"),
        ("notify_quiet_systems", set(System.objects.values_list("name", flat=True)), "system"),
    ):
        if changes.get(name):
            wanted = {one.split("=")[0] for one in runtime.parse(name, changes[name])}
            if unknown := sorted(wanted - known):
                words = f"There is no {what} {', '.join(unknown)}"
                errors[name] = [f"{words}; known: {', '.join(sorted(known)) or 'none'}"]
    if errors:
        raise ValidationError(errors)
