"""Cancel burn-ins that make no progress, and those that ended and still hold their drive."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from burnin import resets
from burnin.management.reset import ResetCommand


class Command(ResetCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        words = "without progress; default STUCK_JOB_HOURS, longer for drives above 20 TB"
        parser.add_argument("--hours", type=float, help=words)

    def reset(self, options: dict[str, Any], *, by: str, dry_run: bool) -> list[str]:
        return resets.cancel_stuck(options["hours"], by=by, dry_run=dry_run)
