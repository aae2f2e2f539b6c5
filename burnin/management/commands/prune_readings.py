"""Delete old SMART readings and temperatures, but for those that a verdict rests on."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from burnin import resets
from burnin.management.reset import ResetCommand

LONGEST_DAYS = 36_500


class Command(ResetCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--days", type=int, default=365, help="older than that; default 365")

    def reset(self, options: dict[str, Any], *, by: str, dry_run: bool) -> list[str]:
        if not 1 <= options["days"] <= LONGEST_DAYS:
            raise resets.Refused(f"--days must be 1 to {LONGEST_DAYS}")
        return resets.prune_readings(options["days"], by=by, dry_run=dry_run)
