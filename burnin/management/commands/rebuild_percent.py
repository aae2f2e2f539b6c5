"""Work out anew how far each stage is and how much it weighs in its burn-in."""

from __future__ import annotations

from typing import Any

from burnin import resets
from burnin.management.reset import ResetCommand


class Command(ResetCommand):
    help = __doc__ or ""

    def reset(self, options: dict[str, Any], *, by: str, dry_run: bool) -> list[str]:
        return resets.rebuild_percent(by=by, dry_run=dry_run)
