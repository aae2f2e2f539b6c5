"""The threads that move the chunks of one phase, and look closely at those that fail."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from .books import Books
from .capacity import CAPACITY_CLASSES, ENOUGH_PLACES
from .closely import Closely
from .device import Medium
from .errors import FAULTS_OF_OTHERS, Finding
from .pattern import Buffer, Pattern, Window
from .phase import Phase


class Ended(Exception):
    """The run is over, with this verdict."""

    def __init__(self, verdict: str, *reasons: str) -> None:
        super().__init__(verdict)
        self.verdict, self.reasons = verdict, list(reasons)


class Workers:
    """Of one phase. `name`: as errors tell it. `strange`: capacity findings, by chunk."""

    def __init__(
        self,
        phase: Phase,
        name: str,
        writes: bool,
        medium: Medium,
        pattern: Pattern,
        of_pass: Callable[[int], Pattern],
        books: Books,
    ) -> None:
        self._phase, self._name, self._writes = phase, name, writes
        self._medium, self._pattern, self._of_pass = medium, pattern, of_pass
        self._books = books
        self._pass = books.state.pass_number
        self.strange: dict[int, Finding] = {}

    def start(self, count: int) -> threading.Semaphore:
        """Released once for each of the threads when it is done. What went wrong is the phase's
        failure.
        """
        over = threading.Semaphore(0)

        def work() -> None:
            try:
                self._work()
            except BaseException as error:
                self._phase.stop(error)
            finally:
                over.release()

        for _ in range(count):
            threading.Thread(target=work, daemon=True).start()
        return over

    def _work(self) -> None:
        medium, phase, window = self._medium, self._phase, Window(self._pattern)
        buffer = None if self._writes else Buffer(self._pattern.chunk_bytes)
        closely = Closely(medium, self._pattern, self._of_pass)
        while True:
            taken = phase.take()
            if taken is None:
                return
            number, offset, length = taken
            failed: OSError | None = None
            right = True
            view = window.set(offset, length)
            crowd = len(medium.in_flight) + 1
            began = time.monotonic()
            try:
                if buffer is None:
                    medium.write(view, offset)
                else:
                    medium.read(buffer.view[:length], offset)
            except OSError as error:
                failed = error
            took = time.monotonic() - began
            if buffer is not None and failed is None:
                right = window.holds(buffer, length)
            if failed is not None or not right:
                if buffer is None:
                    assert failed is not None
                    findings = closely.written(offset, length, failed, self._enough())
                else:
                    first = None if failed else bytes(buffer.view[:length])
                    writing = "probe" if self._name == "probe" else "write"
                    errors, end = self._books.errors, offset + length
                    skip = errors.unwritten(self._pass, writing, offset, end)
                    findings = closely.read(offset, length, first, failed, skip, self._enough())
                if self._found(offset, findings):
                    return  # the run ends here: this chunk is not done
            if self._name != "probe":
                share = took / crowd
                self._books.regions.add(self._name, self._pass, offset, length, took, share)
            phase.done(number)

    def _enough(self) -> int:
        """How many more bad sectors it takes to know the answer."""
        if self._name == "probe" and not self._writes:
            return 1  # what matters there is how many places are strange
        return max(1, self._books.state.max_bad_sectors - self._books.errors.sectors)

    def _found(self, chunk: int, findings: list[Finding]) -> bool:
        """Keep them. Is the answer known with them?"""
        errors, state = self._books.errors, self._books.state
        errors.add(findings, self._pass, self._name)
        others = [finding for finding in findings if finding.cls in FAULTS_OF_OTHERS]
        if others:
            lba = others[0].offset // state.identity["logical_sector_bytes"]
            said = f"somebody else wrote on it, LBA {lba}: {others[0].note}"
            self._phase.stop(Ended("inconclusive", said))
            return True
        if self._name == "probe":
            odd = [finding for finding in findings if finding.cls in CAPACITY_CLASSES]
            if odd:
                self.strange[chunk] = odd[0]
                if len(self.strange) >= ENOUGH_PLACES:
                    self._phase.stop()
                return False
        if errors.sectors >= state.max_bad_sectors:
            limit = f"{errors.sectors} bad sectors: the limit of this run is reached"
            self._phase.stop(Ended("failed", limit))
            return True
        return False
