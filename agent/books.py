"""What a run keeps of itself: its state, its detail, its diary, why it is paused.

Only the main thread writes here (`errors` and `regions` have locks of their own). The detail is
stored before the state, so that no checkpoint passes an error that isn't stored.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Any

from . import files
from .clock import iso
from .errors import Errors
from .folder import Folder
from .regions import Regions
from .state import State
from .thermal import Log

DETAIL_SECONDS = 300
RATE_SECONDS = 15
EVENTS = 500
#: Whose pause is told where there are several.
PAUSES = ("operator", "state", "temperature")


class Books:
    """`tell` is called now and then with the state, for a run in the foreground."""

    def __init__(
        self, folder: Folder, state: State, tell: Callable[[State], None] | None = None
    ) -> None:
        self.folder, self.state, self._tell = folder, state, tell
        self.errors = Errors(state.identity["logical_sector_bytes"])
        self.regions = Regions(state.size, state.identity["logical_sector_bytes"])
        self.temperatures = Log()
        self.events: list[dict[str, str]] = []
        self.pauses: dict[str, dict[str, str]] = {}
        #: Whether it has paused since the guard was asked.
        self.has_paused = False
        self._base_missing = (0, 0, 0)
        self._rates: deque[tuple[float, int]] = deque()
        self._detail_at = time.monotonic()
        self._detail_due = False
        self.told_at = 0.0
        self.told_position = -1

    # --- diary and pauses -------------------------------------------------------------------------
    def note(self, event: str, detail: str = "") -> None:
        """One line in the run's diary."""
        self.events.append({"at": iso(), "event": event, "detail": detail[:500]})
        if len(self.events) > EVENTS:
            del self.events[1]  # how it began is worth keeping

    def pause(self, by: str, reason: str, since: str | None = None) -> None:
        if by not in self.pauses:
            self.note("paused", reason)
        self.pauses[by] = {"by": by, "reason": reason, "since": since or iso()}
        self._tell_pause()

    def go_on(self, by: str, why: str = "") -> None:
        """This one's pause is over; another's may go on."""
        if self.pauses.pop(by, None) is not None:
            self.note("resumed", why)
            self._tell_pause()

    def _tell_pause(self) -> None:
        self._detail_due = True
        told = [self.pauses[by] for by in PAUSES if by in self.pauses]
        self.has_paused = self.has_paused or bool(told)
        self.state.paused = told[0] if told else None

    # --- what is told now -------------------------------------------------------------------------
    def progress(self, now: float) -> None:
        """Where the run is at this moment, in memory only. now: of the monotonic clock."""
        state = self.state
        self.count()
        if state.paused is not None:
            self._rates.clear()
        self._rates.append((now, state.passed_bytes))
        while now - self._rates[0][0] > RATE_SECONDS:
            self._rates.popleft()
        since, before = self._rates[0]
        moved = state.passed_bytes - before
        state.rate = int(moved / (now - since)) if now - since > 0.5 else None
        self._publish(now)

    def new_phase(self) -> None:
        self._rates.clear()

    def _publish(self, now: float) -> None:
        self.state.updated_at = iso()
        self.told_at, self.told_position = now, self.state.position
        self.folder.save_progress(self.state)
        if self._tell:
            self._tell(self.state)

    def count(self) -> None:
        """Bring the state's counts to its position."""
        state = self.state
        missing = self.errors.missing(state.pass_number, state.phase, state.position)
        state.unwritten, state.unverified, state.unzeroed = (
            now + before for now, before in zip(missing, self._base_missing)
        )
        state.bad_sectors = self.errors.sectors
        state.first_error = state.first_error or self.errors.first

    # --- what is stored ---------------------------------------------------------------------------
    def store(self, all_of_it: bool = False) -> None:
        """The position is on the medium: claim it. Raises OSError."""
        state = self.state
        state.checkpoint = state.position
        self.count()
        state.updated_at = iso()
        now = time.monotonic()
        due = self._detail_due or now - self._detail_at > DETAIL_SECONDS
        if all_of_it or due or not self.errors.stored:
            self._store_detail()
        self.folder.save(state)
        self._publish(now)

    def _store_detail(self) -> None:
        self.errors.stored = True
        try:
            files.write_whole(self.folder.detail, self.detail())
        except OSError:
            self.errors.stored = False
            raise
        self._detail_at, self._detail_due = time.monotonic(), False

    def detail(self) -> dict[str, Any]:
        """As the protocol has it."""
        return {
            "errors": self.errors.in_order(),
            "errors_beyond": self.errors.beyond,
            **self.regions.detail(),
            "temperatures": self.temperatures.rows,
            "events": list(self.events),
        }

    def load(self) -> None:
        """What an earlier process had found; the state's count wins over a lost file."""
        state = self.state
        try:
            detail = files.read(self.folder.detail) or {}
            kept = [dict(error) for error in detail.get("errors", [])]
            for error in kept:
                for key in ("offset_bytes", "length_bytes", "pass", "lba"):
                    error[key] = int(error[key])
                str(error["class"]), str(error["phase"])
            beyond = int(detail.get("errors_beyond", 0))
            events = [dict(event) for event in detail.get("events", [])]
            if detail:
                self.regions.load(detail)
                self.temperatures.load(detail.get("temperatures", []))
        except (files.Garbled, OSError, KeyError, TypeError, ValueError, AttributeError) as error:
            state.warn(f"the detail of the run was lost: {error}")
            kept, beyond, events = [], 0, []
        self.errors.load(kept, beyond, max(state.bad_sectors, len(kept) + beyond))
        self.events = events
        state.first_error = state.first_error or self.errors.first
        written, verified, zeroed = self.errors.missing(
            state.pass_number, state.phase, state.position
        )
        self._base_missing = (
            max(0, state.unwritten - written),
            max(0, state.unverified - verified),
            max(0, state.unzeroed - zeroed),
        )
        if state.paused is not None and state.paused.get("by") == "temperature":
            self.pauses["temperature"] = dict(state.paused)
        state.paused = None  # the others are asked for anew
        self._tell_pause()
