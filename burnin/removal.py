"""Removing a system, which nothing of a burn-in may need any more."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q

from drives import systems
from drives.models import System

from .models import Job


def remove_system(system: System, *, by: str, source_ip: str | None = None) -> None:
    """Raises ValidationError while a burn-in there isn't over, queued ones too.

    What lies on the host stays there: `check_system NAME --remove` takes it away before.
    """
    with transaction.atomic():
        # The lock that admission takes too.
        System.objects.select_for_update(no_key=True).get(pk=system.pk)
        unfinished = Q(holds_drive=True) | Q(closing_reading_due=True)
        if job := Job.objects.filter(unfinished, system=system).first():
            raise ValidationError(f"Burn-in {job.pk} of {system.name} is not over: cancel it first")
        systems.remove(system, by=by, source_ip=source_ip)
