"""Adding, changing, pausing and removing systems. Looking at one, before or after: checkup.py."""

from __future__ import annotations

import posixpath
from pathlib import PurePosixPath
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from audit.events import record
from audit.models import Kind

from .apply import changed_all
from .hosts.ssh import HostError, HostKeyChanged, fingerprint
from .models import REMOVED_AT, Drive, HostRun, SmartTest, System

SECRET_FIELDS = {"api_key", "ssh_password"}
UNTOLD_FIELDS = {"version", "release", "capabilities"}
#: Where the state of a run is lost or others get at it, by which it would be begun again or misled.
NO_STATE = {
    "/tmp": "it is emptied, and others write there",
    "/var/tmp": "it is emptied, and others write there",
    "/dev": "it is lost at a reboot",
    "/run": "it is lost at a reboot",
    "/var/run": "it is lost at a reboot",
    "/var/db/system": "TrueNAS destroys it when the first pool is made",
}
#: What says where the host keeps its runs.
MOVES = {"is_local", "ssh_host", "ssh_port", "state_dir"}


def keep(name: str, *, actor: str, **facts: Any) -> System:
    """Add the system of that name, or change it to these facts; nothing happens when it has them.

    Raises ValidationError with the fields that are wrong.
    """
    system = System.objects.filter(name=name).first()
    if system is None:
        return add(name, by=actor, **facts)
    return edit(system, by=actor, **facts)


def add(name: str, *, by: str, source_ip: str | None = None, **facts: Any) -> System:
    """Add a system; facts are fields of System. Raises ValidationError with the wrong fields."""
    with transaction.atomic():
        system = System(name=name, **facts)
        _check(system)
        system.save()
        record(Kind.SYSTEM_ADDED, f"{name} added", actor=by, source_ip=source_ip, system=system)
    return system


def edit(system: System, *, by: str, source_ip: str | None = None, **facts: Any) -> System:
    """Change a system to these facts, its name too; nothing happens when it has them.

    A secret that is left out stays. Raises ValidationError with the fields that are wrong.
    """
    with transaction.atomic():
        system = System.objects.select_for_update(no_key=True).get(pk=system.pk)
        before = system.name
        new = [fact for fact, value in facts.items() if getattr(system, fact) != value]
        for fact in new:
            setattr(system, fact, facts[fact])
        if MOVES & set(new) and HostRun.objects.filter(system=system.pk, is_open=True).exists():
            words = "A surface run goes on there: it would not be found any more"
            raise ValidationError(dict.fromkeys(sorted(MOVES & set(new)), words))
        if "ssh_host_key" in new and not system.paused_by:
            system.stopped = ""  # whoever gives a key has confirmed it
        if {"base_url", "kind", "api"} & set(new):
            # Another machine may answer there, in another dialect.
            system.version, system.release, system.capabilities = "", "", []
            new += ["version", "release", "capabilities"]
        _check(system)
        if new:
            system.save(update_fields=[*new, "stopped"])
            told = [fact for fact in new if fact not in UNTOLD_FIELDS]
            words = ", ".join(
                fact if fact in SECRET_FIELDS else f"{fact} is {facts[fact]}" for fact in told
            )
            note = f"{before} changed: {words}"
            record(Kind.SYSTEM_CHANGED, note, actor=by, source_ip=source_ip, system=system)
            changed_all(system)
    return system


def pause(system: System, *, by: str, source_ip: str | None = None) -> bool:
    """Ask nothing more of it until it is resumed; what runs there goes on by itself.

    False when it is paused or stopped already.
    """
    why = f"paused by {by}: nothing is asked of it until somebody resumes it"
    with transaction.atomic():
        rows = System.objects.filter(pk=system.pk, stopped="")
        if not rows.update(stopped=why, paused_by=by):
            return False
        note = f"{system.name} paused by {by}"
        record(Kind.SYSTEM_CHANGED, note, actor=by, source_ip=source_ip, system=system)
        changed_all(system)
    system.refresh_from_db()
    return True


def resume(system: System, *, by: str, source_ip: str | None = None) -> bool:
    """Take a pause back; one that is stopped for its host key stays so. False where none is."""
    with transaction.atomic():
        rows = System.objects.filter(pk=system.pk).exclude(paused_by="")
        if not rows.update(stopped="", paused_by=""):
            return False
        note = f"{system.name} resumed by {by}"
        record(Kind.SYSTEM_CHANGED, note, actor=by, source_ip=source_ip, system=system)
        changed_all(system)
    system.refresh_from_db()
    return True


def remove(system: System, *, by: str, source_ip: str | None = None) -> None:
    """Forget how to reach it and ask it no more. Its drives are absent from now on, and keep their
    history; added again, it is another row, and its drives are known by their serials.

    Raises ValidationError while something of ours runs there. Whether a burn-in isn't over is for
    burnin.removal to ask, which calls this.
    """
    now = timezone.now()
    with transaction.atomic():
        system = System.objects.select_for_update(no_key=True).get(pk=system.pk)
        name = system.name
        if HostRun.objects.filter(system=system, is_open=True).exists():
            raise ValidationError(f"A surface run goes on at {name}")
        tests = SmartTest.objects.filter(drive__system=system, state=SmartTest.State.RUNNING)
        tests.update(
            state=SmartTest.State.UNKNOWN,
            finished_at=now,
            error_text=f"{name} was removed while it ran",
        )
        changed_all(system)
        Drive.objects.filter(system=system, present=True).update(
            present=False, absent_since=now, host_path="", use_reason=""
        )
        system.removed_at = now
        system.stopped = f"removed by {by}"
        system.paused_by = system.api_key = system.ssh_password = ""
        # The name is free for another one.
        system.name = f"{name[:60]}{REMOVED_AT}{now:%Y-%m-%d %H:%M:%S})"
        system.save()
        note = f"{name} removed; its history stays"
        record(Kind.SYSTEM_CHANGED, note, actor=by, source_ip=source_ip, system=system)


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


def confirm_host_key(
    system: System, host_key: str, *, actor: str, source_ip: str | None = None
) -> None:
    """Pin this key from now on, and go on with a system that was stopped for another one."""
    note = f"{system.name}: host key {fingerprint(host_key)} confirmed"
    before = fingerprint(system.ssh_host_key)
    if before != fingerprint(host_key):
        note += f" in place of {before}"
    with transaction.atomic():
        System.objects.filter(pk=system.pk).update(ssh_host_key=host_key, stopped="", paused_by="")
        record(Kind.SYSTEM_CHANGED, note, actor=actor, source_ip=source_ip, system=system)
        changed_all(system)
    system.refresh_from_db()


def _check(system: System) -> None:
    """What is needed depends on its kind: a plain host has no API, a local one no SSH."""
    wrong = {}
    if system.kind != System.Kind.HOST:
        for name, words in (("base_url", "The address of its API"), ("api_key", "An API key")):
            if not getattr(system, name):
                wrong[name] = f"{words} is needed"
    if not system.is_local:
        try:
            fingerprint(system.ssh_host_key)
        except HostError:
            wrong["ssh_host_key"] = (
                "This is no public key as `ssh-keyscan -t ed25519 HOST` prints it, without the host"
            )
        if not system.ssh_host:
            wrong["ssh_host"] = "The host’s name or address is needed"
        if not system.ssh_key_file and not system.ssh_password:
            wrong["ssh_key_file"] = "A key file or a password is needed"
    if not system.state_dir.startswith("/") or len(PurePosixPath(system.state_dir).parts) < 3:
        wrong["state_dir"] = "An absolute path of a folder for this program alone, as /root/.burnin"
    elif system.kind != System.Kind.MOCK:
        folder = PurePosixPath("/" + posixpath.normpath(system.state_dir).lstrip("/"))
        for place, why in NO_STATE.items():
            if folder.is_relative_to(place):
                wrong["state_dir"] = f"Not below {place}: {why}. /root/.burnin does"
    if wrong:
        raise ValidationError(wrong)
    system.full_clean()
