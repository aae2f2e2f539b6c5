"""A chunk that failed, looked at closely: down to 64 KiB, then to the physical sector, each failing
one up to three times.

What the device refused, and what it returned instead of what belongs there, becomes findings;
nothing else does.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Iterator

from .device import GONE, Medium
from .errors import Finding, classify, joined
from .pattern import Buffer, Pattern

PIECE = 64 * 1024
TRIES = 3
SECONDS_FOR_A_CHUNK = 600


class Vanished(OSError):
    """The device no longer answers, or is another one."""


class Closely:
    """Looks at one chunk at a time; for one thread."""

    def __init__(self, medium: Medium, pattern: Pattern, of_pass: Callable[[int], Pattern]) -> None:
        self._medium, self._pattern, self._of_pass = medium, pattern, of_pass
        self._buffer = Buffer(PIECE)
        self._sector = medium.drive.physical_sector_bytes
        self._end = 0.0

    def written(self, offset: int, length: int, error: OSError, enough: int) -> list[Finding]:
        """Writing this chunk failed with `error`: write it again in pieces, and tell what can't be.

        After `enough` bad sectors the rest isn't looked at.
        """
        self._begin(error)
        findings: list[Finding] = []
        for at, size in _parts(offset, length, PIECE):
            if len(findings) >= enough:
                break
            if time.monotonic() > self._end:
                rest = offset + length - at
                findings.append(self._unreached("write_error", at, rest, error))
                break
            try:
                self._put(at, size)
            except OSError as failed:
                self._still_there(failed)
                for sector_at, sector_size in _parts(at, size, self._sector):
                    findings += self._written_sector(sector_at, sector_size)
        if not findings:
            note = f"{_name(error)} once, then it could be written"
            findings = [Finding("write_error", offset, length, 1, note=note)]
        return joined(findings)

    def read(
        self,
        offset: int,
        length: int,
        first: bytes | None,
        error: OSError | None,
        skip: list[tuple[int, int]],
        enough: int,
    ) -> list[Finding]:
        """Reading this chunk gave `first`, which is not what belongs there, or failed with `error`.

        `skip`: ranges (start, end) that could not be written, about which there is nothing to say.
        After `enough` bad sectors the rest isn't looked at.
        """
        self._begin(error)
        findings: list[Finding] = []
        for at, size in _parts(offset, length, PIECE):
            if len(findings) >= enough:
                break
            if time.monotonic() > self._end:
                rest = offset + length - at
                findings.append(self._unreached("read_error", at, rest, error))
                break
            expected = self._pattern.expected(at, size)
            if first is not None:
                found: bytes | None = first[at - offset : at - offset + size]
            else:
                found = self._get_or_none(at, size)
            if found == expected:
                continue
            for sector_at, sector_size in _parts(at, size, self._sector):
                if any(start < sector_at + sector_size and sector_at < end for start, end in skip):
                    continue
                inside = slice(sector_at - at, sector_at - at + sector_size)
                here = None if found is None else found[inside]
                if here != expected[inside]:
                    findings += self._read_sector(sector_at, expected[inside], here)
        if error is not None and not findings and not skip:
            note = f"{_name(error)} once, then it could be read and was right"
            findings = [Finding("read_error", offset, length, 1, note=note)]
        return joined(findings)

    def _begin(self, error: OSError | None) -> None:
        self._end = time.monotonic() + SECONDS_FOR_A_CHUNK
        if error is not None:
            self._still_there(error)

    def _still_there(self, error: OSError) -> None:
        """An error of the device, or no device any more? Raises Vanished."""
        if error.errno in GONE or not self._medium.alive():
            raise Vanished(error.errno, f"the device is gone: {_name(error)}") from error

    def _unreached(self, cls: str, at: int, rest: int, error: OSError | None) -> Finding:
        sectors = -(-rest // self._sector)
        said = f"{_name(error)}; " if error else ""
        note = f"{said}not looked at closer after {SECONDS_FOR_A_CHUNK} s"
        return Finding(cls, at, rest, sectors, note=note)

    def _put(self, at: int, size: int) -> None:
        self._buffer.view[:size] = self._pattern.expected(at, size)
        self._medium.write(self._buffer.view[:size], at)

    def _get(self, at: int, size: int) -> bytes:
        self._medium.read(self._buffer.view[:size], at)
        return bytes(self._buffer.view[:size])

    def _get_or_none(self, at: int, size: int) -> bytes | None:
        try:
            return self._get(at, size)
        except OSError as error:
            self._still_there(error)
            return None

    def _written_sector(self, at: int, size: int) -> list[Finding]:
        last: OSError | None = None
        for tried in range(1, TRIES + 1):
            try:
                self._put(at, size)
            except OSError as error:
                last = error
                continue
            if last is None:
                return []
            note = f"{_name(last)}, then it could be written"
            return [Finding("write_error", at, size, 1, tries=tried, note=note)]
        assert last is not None
        return [Finding("write_error", at, size, 1, tries=TRIES, note=_name(last))]

    def _read_sector(self, at: int, expected: bytes, found: bytes | None) -> list[Finding]:
        """`found`: what the first reading gave, or None where that failed as a whole."""
        seen: list[bytes] = [] if found is None else [found]
        last: OSError | None = None
        tries = len(seen)
        for _ in range(TRIES):
            tries += 1
            try:
                seen.append(self._get(at, len(expected)))
            except OSError as error:
                last = error
                continue
            if found is None and last is None and seen == [expected]:
                return []  # a neighbour's error had failed the whole piece
        if not seen:
            assert last is not None
            return [
                Finding(
                    "read_error", at, len(expected), 1, expected[:64], tries=tries, note=_name(last)
                )
            ]
        wrong = [data for data in seen if data != expected]
        if last is None and len(set(seen)) == 1:
            finding = classify(
                expected,
                seen[0],
                at,
                self._medium.drive.logical_sector_bytes,
                self._pattern,
                self._of_pass,
            )
            return [finding._replace(tries=tries)]
        note = f"{len(set(seen))} different answers in {tries} readings"
        if last is not None:
            note = f"{_name(last)} in some of {tries} readings"
        bad = wrong[0] if wrong else b""
        return [
            Finding("unstable", at, len(expected), 1, expected[:64], bad[:64], None, tries, note)
        ]


def _parts(offset: int, length: int, step: int) -> Iterator[tuple[int, int]]:
    """The range in pieces that end at multiples of `step`."""
    end = offset + length
    while offset < end:
        size = min(step - offset % step, end - offset)
        yield offset, size
        offset += size


def _name(error: OSError) -> str:
    return errno.errorcode.get(error.errno or 0, "an error")
