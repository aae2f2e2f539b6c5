"""Stop admissions and pause all writing everywhere, as the button does; `--thaw` takes it back."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from burnin import orchestrator


class Command(BaseCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--thaw", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        (orchestrator.thaw_all if options["thaw"] else orchestrator.freeze_all)(by="the console")
        self.stdout.write("Thawed" if options["thaw"] else "Frozen")
