"""Adding and changing systems."""

from __future__ import annotations

from typing import Any

import asyncssh
from django.core.exceptions import ValidationError
from django.db import transaction

from audit.events import record
from audit.models import Kind

from .models import HostRun, System

SECRET_FIELDS = {"api_key"}
#: What says where the host keeps its runs.
MOVES = {"ssh_host", "ssh_port", "state_dir"}


def keep(name: str, *, actor: str, **facts: Any) -> System:
    """Add the system of that name, or change it to these facts; nothing happens when it has them.

    Raises ValidationError with the fields that are wrong.
    """
    with transaction.atomic():
        system = System.objects.select_for_update().filter(name=name).first()
        is_new = system is None
        system = system or System(name=name)
        changed = [fact for fact, value in facts.items() if getattr(system, fact) != value]
        for fact in changed:
            setattr(system, fact, facts[fact])
        if MOVES & set(changed) and HostRun.objects.filter(system=system.pk, is_open=True).exists():
            words = "A surface run goes on there: it would not be found any more"
            raise ValidationError(dict.fromkeys(sorted(MOVES & set(changed)), words))
        _check_host_key(system.ssh_host_key)
        system.full_clean()
        if is_new:
            system.save()
            record(Kind.SYSTEM_ADDED, f"{name} added", actor=actor, system=system)
        elif changed:
            system.save(update_fields=changed)
            words = ", ".join(
                fact if fact in SECRET_FIELDS else f"{fact} is {facts[fact]}" for fact in changed
            )
            note = f"{name} changed: {words}"
            record(Kind.SYSTEM_CHANGED, note, actor=actor, system=system)
    return system


def _check_host_key(text: str) -> None:
    try:
        asyncssh.import_public_key(text)
    except (asyncssh.KeyImportError, ValueError):
        words = "This is no public key as `ssh-keyscan -t ed25519 HOST` prints it, without the host"
        raise ValidationError({"ssh_host_key": words}) from None
