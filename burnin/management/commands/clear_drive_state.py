"""Free a drive whose host will not answer any more: its burn-in ends as inconclusive."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from burnin import resets
from burnin.management.reset import ResetCommand


class Command(ResetCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("serial")

    def reset(self, options: dict[str, Any], *, by: str, dry_run: bool) -> list[str]:
        return resets.clear_drive_state(options["serial"], by=by, dry_run=dry_run)
