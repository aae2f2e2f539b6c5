"""Delete the drives of mock systems, with their burn-ins and readings."""

from __future__ import annotations

from typing import Any

from burnin import resets
from burnin.management.reset import ResetCommand


class Command(ResetCommand):
    help = __doc__ or ""

    def reset(self, options: dict[str, Any], *, by: str, dry_run: bool) -> list[str]:
        return resets.delete_mock_drives(by=by, dry_run=dry_run)
