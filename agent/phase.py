"""Chunks handed out in order to several threads, and how far all of them are done."""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Sequence


class Phase:
    """Chunks handed out in order to several threads, and how far all of them are done."""

    def __init__(self, places: Sequence[int], size: int, chunk: int) -> None:
        self._places, self._size, self._chunk = places, size, chunk
        self._next = 0
        self._done: list[int] = []
        self._watermark = 0
        self._changed = threading.Condition()
        self._due = time.monotonic()
        self._stopped = False
        self.paused = False
        self.rate_limit = 0
        self.failure: BaseException | None = None

    @property
    def position(self) -> int:
        """Where the first chunk begins that isn't done."""
        with self._changed:
            if self._watermark < len(self._places):
                return self._places[self._watermark]
            return self._size

    def take(self) -> tuple[int, int, int] | None:
        """(number, offset, length) of the next chunk, when it may be done; None at the end."""
        with self._changed:
            while not self._stopped and self._next < len(self._places):
                now = time.monotonic()
                if self.paused:
                    self._changed.wait(1)
                    self._due = now
                elif self.rate_limit and self._due > now:
                    self._changed.wait(min(self._due - now, 1))
                else:
                    number, self._next = self._next, self._next + 1
                    offset = self._places[number]
                    length = min(self._chunk, self._size - offset)
                    if self.rate_limit:
                        self._due = max(self._due, now - 1) + length / self.rate_limit
                    return number, offset, length
            return None

    def done(self, number: int) -> None:
        with self._changed:
            heapq.heappush(self._done, number)
            while self._done and self._done[0] == self._watermark:
                heapq.heappop(self._done)
                self._watermark += 1

    def set(self, paused: bool, rate_limit: int) -> None:
        with self._changed:
            if (paused, rate_limit) != (self.paused, self.rate_limit):
                self.paused, self.rate_limit = paused, rate_limit
                self._due = time.monotonic()
                self._changed.notify_all()

    def stop(self, failure: BaseException | None = None) -> None:
        """No chunk is handed out any more; those in work are finished."""
        with self._changed:
            self._stopped = True
            self.failure = self.failure or failure
            self._changed.notify_all()
