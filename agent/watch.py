"""Says so when the device takes too long, even while a thread of ours hangs in the kernel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .device import Medium

STALL_SECONDS = 20
HUNG_SECONDS = 300


class Watch:
    """`note` writes into the run's diary, `warn` into its warnings."""

    def __init__(self, note: Callable[[str, str], None], warn: Callable[[str], None]) -> None:
        self._note, self._warn = note, warn
        self._hung = False

    def look(self, medium: Medium, before: dict[str, Any] | None, now: float) -> Any:
        """`stall` of HEAD: the request that waits longest, when that is too long; else None.

        `before`: what was told last. now: of the monotonic clock.
        """
        waiting = list(medium.in_flight.values())
        offset, since = min(waiting, key=lambda one: one[1], default=(0, now))
        if now - since <= STALL_SECONDS:
            if before is not None:
                self._note("stall over", f"after {before['seconds']} s")
            self._hung = False
            return None
        lba = offset // medium.drive.logical_sector_bytes
        if before is None:
            self._note("stall", f"no answer at LBA {lba} for {STALL_SECONDS} s")
        # Others may still get answers; hung is a device that answers nobody any more.
        hung = now - max(since, medium.last_done) > HUNG_SECONDS
        if hung and not self._hung:
            self._hung = True
            self._note("hung", f"no answer to anything for {HUNG_SECONDS} s, at LBA {lba}")
            self._warn(f"the device hung: no answer for {HUNG_SECONDS} s, LBA {lba}")
        seconds = round(now - since, 1)
        return {"offset_bytes": offset, "lba": lba, "seconds": seconds, "hung": hung}
