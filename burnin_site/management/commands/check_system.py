"""Tell what a system can do, what is missing and what to do next; or take all of ours off it."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from audit.events import record
from audit.models import Kind
from burnin.models import Job
from drives import checkup, clients
from drives.checkup import State
from drives.hosts.ssh import HostError
from drives.models import HostRun, System


class Command(BaseCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name")
        parser.add_argument(
            "--remove", action="store_true", help="delete everything of ours on that host"
        )

    def handle(self, *args: Any, name: str, remove: bool, **options: Any) -> None:
        system = System.objects.filter(name=name).first()
        if system is None:
            known = ", ".join(System.objects.values_list("name", flat=True)) or "none"
            raise CommandError(f"There is no system {name}; known: {known}")
        if remove:
            self._remove(system)
            return
        missing = 0
        for finding in checkup.look(system):
            missing += finding.state is State.MISSING
            self._line(f"{finding.state:<8}{finding.what:<14}{finding.found}")
            if finding.step:
                self._line(f"{'':<22}→ {finding.step}")
        if missing:
            raise CommandError(f"{name} is not ready: see what is {State.MISSING} above")
        self._line(f"{name} has all that is needed")

    def _line(self, line: str) -> None:
        """A host's words may hold anything, also what a terminal would obey."""
        self.stdout.write("".join(sign if sign.isprintable() else "?" for sign in line))

    def _remove(self, system: System) -> None:
        open_runs = HostRun.objects.filter(system=system, is_open=True)
        # A job that has ended may still want to read its drive once more.
        unfinished = Q(holds_drive=True) | Q(closing_reading_due=True)
        if open_runs.exists() or Job.objects.filter(unfinished, system=system).exists():
            raise CommandError(f"A burn-in of {system.name} is not over: cancel it first")
        try:
            left = clients.host(system).remove_all()
        except HostError as error:
            raise CommandError(f"{system.name}: {error}") from None
        note = f"everything of ours was removed from the host of {system.name}"
        with transaction.atomic():
            HostRun.objects.filter(system=system, removed_at=None).update(removed_at=timezone.now())
            record(Kind.SYSTEM_CHANGED, note, actor="command line", system=system)
        self._line(f"Nothing of ours is left in {system.state_dir} of {system.name}")
        if left:
            self._line(f"It is not ours and stays there: {', '.join(left)}")
