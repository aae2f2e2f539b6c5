"""What the reset commands share: --dry-run, who did it, and how it is told."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ..resets import Refused


class ResetCommand(BaseCommand):
    """Subclasses say in `reset` what they do, in sentences."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="tell what would be done")

    def reset(self, options: dict[str, Any], *, by: str, dry_run: bool) -> list[str]:
        """Raises Refused."""
        raise NotImplementedError

    def handle(self, **options: Any) -> None:
        dry_run = bool(options["dry_run"])
        try:
            told = self.reset(options, by="command line", dry_run=dry_run)
        except Refused as error:
            raise CommandError(str(error)) from None
        for line in told:
            self.stdout.write(line)
        nothing = "Nothing to do." if not told else ""
        self.stdout.write(nothing or ("Nothing was changed (--dry-run)." if dry_run else "Done."))
