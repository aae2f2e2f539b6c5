"""Adding and changing systems."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from audit.events import record
from audit.models import Kind

from .apply import changed_all
from .hosts.ssh import HostError, HostKeyChanged, fingerprint
from .models import HostRun, System

SECRET_FIELDS = {"api_key", "ssh_password"}
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
        new = [fact for fact, value in facts.items() if getattr(system, fact) != value]
        for fact in new:
            setattr(system, fact, facts[fact])
        if MOVES & set(new) and HostRun.objects.filter(system=system.pk, is_open=True).exists():
            words = "A surface run goes on there: it would not be found any more"
            raise ValidationError(dict.fromkeys(sorted(MOVES & set(new)), words))
        if "ssh_host_key" in new:
            system.stopped = ""  # whoever gives a key has confirmed it
        _check(system)
        if is_new:
            system.save()
            record(Kind.SYSTEM_ADDED, f"{name} added", actor=actor, system=system)
        elif new:
            system.save(update_fields=[*new, "stopped"])
            words = ", ".join(
                fact if fact in SECRET_FIELDS else f"{fact} is {facts[fact]}" for fact in new
            )
            note = f"{name} changed: {words}"
            record(Kind.SYSTEM_CHANGED, note, actor=actor, system=system)
    return system


def stop_for_host_key(system: System, error: HostKeyChanged) -> None:
    """Ask nothing more of a system, API included, until an admin has confirmed its host's key."""
    shown = f"It shows {fingerprint(error.offered)}" if error.offered else "It shows none like it"
    pinned = fingerprint(system.ssh_host_key)
    why = (
        f"its SSH host key changed. {shown}; {pinned} was confirmed. "
        "Either the NAS was installed anew, or somebody stands between. Compare, then: "
        f"./run manage confirm_host_key {system.name}"
    )
    with transaction.atomic():
        rows = System.objects.filter(pk=system.pk, ssh_host_key=system.ssh_host_key, stopped="")
        if rows.update(stopped=why):
            record(Kind.SYSTEM_FAILING, f"{system.name} is stopped: {why}", system=system)
            changed_all(system)


def confirm_host_key(system: System, host_key: str, *, actor: str) -> None:
    """Pin this key from now on, and go on with a system that was stopped for another one."""
    note = f"{system.name}: host key {fingerprint(host_key)} confirmed"
    before = fingerprint(system.ssh_host_key)
    if before != fingerprint(host_key):
        note += f" in place of {before}"
    with transaction.atomic():
        System.objects.filter(pk=system.pk).update(ssh_host_key=host_key, stopped="")
        record(Kind.SYSTEM_CHANGED, note, actor=actor, system=system)
        changed_all(system)
    system.refresh_from_db()


def _check(system: System) -> None:
    wrong = {}
    try:
        fingerprint(system.ssh_host_key)
    except HostError:
        wrong["ssh_host_key"] = (
            "This is no public key as `ssh-keyscan -t ed25519 HOST` prints it, without the host"
        )
    if not system.ssh_key_file and not system.ssh_password:
        wrong["ssh_key_file"] = "A key file or a password is needed"
    if not system.state_dir.startswith("/") or len(PurePosixPath(system.state_dir).parts) < 3:
        wrong["state_dir"] = "An absolute path of a folder for this program alone, as /root/.burnin"
    if wrong:
        raise ValidationError(wrong)
    system.full_clean()
