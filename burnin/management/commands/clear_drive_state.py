"""Free a drive whose host does not answer: its burn-in ends as inconclusive. What may still write
there is stopped once the host answers."""

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
        parser.add_argument(
            "--host-is-gone", action="store_true", help="it will never answer: forget the run too"
        )

    def reset(self, options: dict[str, Any], *, by: str, dry_run: bool) -> list[str]:
        return resets.clear_drive_state(
            options["serial"], by=by, dry_run=dry_run, host_is_gone=options["host_is_gone"]
        )
