"""What is wrong with a medium: which bytes, in which way, with evidence. Told from what was read,
and counted once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, NamedTuple

from .pattern import SECTOR, Pattern, Run, Stamp, read_stamp

KEPT = 1000
EVIDENCE = 64
IN_RANGE = ("class", "offset_bytes", "length_bytes", "lba", "pass", "phase")
PHASES = ("probe", "write", "verify", "zero")
FAULTS_OF_OTHERS = ("foreign", "vanished")


Range = tuple[int, int]  # from here, to before there


class Finding(NamedTuple):
    """A bad range. `length` in bytes; `sectors` physical ones.

    `expected` and `found` are at most 64 bytes from the first difference on. distance: bytes from
    here to where what was found belongs, of misplaced data.
    """

    cls: str
    offset: int
    length: int
    sectors: int
    expected: bytes = b""
    found: bytes = b""
    bits: int | None = None
    tries: int = 1
    note: str = ""
    distance: int | None = None


def joined(findings: list[Finding]) -> list[Finding]:
    """Neighbours of the same class and note become one range, with the evidence of the first."""
    result: list[Finding] = []
    for finding in findings:
        last = result[-1] if result else None
        if (
            last
            and (last.cls, last.note) == (finding.cls, finding.note)
            and last.offset + last.length == finding.offset
        ):
            bits = None if last.bits is None else last.bits + (finding.bits or 0)
            result[-1] = last._replace(
                length=last.length + finding.length,
                sectors=last.sectors + finding.sectors,
                bits=bits,
                tries=max(last.tries, finding.tries),
            )
        else:
            result.append(finding)
    return result


def classify(
    expected: bytes,
    found: bytes,
    offset: int,
    logical: int,
    here: Pattern,
    of_pass: Callable[[int], Pattern],
) -> Finding:
    """What a physical sector holds instead of what belongs there; both begin at `offset` and
    differ.

    `logical`: bytes of a logical sector, the grain of the answer. `of_pass` gives this run's
    pattern of a pass.
    """
    grain = max(SECTOR, logical)
    bad = [
        at
        for at in range(0, len(found), grain)
        if found[at : at + grain] != expected[at : at + grain]
    ]
    start, end = bad[0], min(bad[-1] + grain, len(found))
    first = next(at for at in range(start, end) if found[at] != expected[at])
    sector = first // SECTOR * SECTOR
    cls, note, distance = _class_of(
        expected[sector : sector + SECTOR],
        found[sector : sector + SECTOR],
        offset + sector,
        here,
        of_pass,
    )
    different = _bits(expected[start:end], found[start:end])
    if cls == "corrupt" and different == 1:
        mask = expected[first] ^ found[first]
        note = f"one bit: byte {first % SECTOR} of the sector, mask 0x{mask:02x}"
    shown = slice(
        max(0, min(first, end - EVIDENCE)), min(max(0, min(first, end - EVIDENCE)) + EVIDENCE, end)
    )
    return Finding(
        cls,
        offset + start,
        end - start,
        1,
        expected[shown],
        found[shown],
        different if cls in ("corrupt", "constant") else None,
        note=note,
        distance=distance,
    )


def _class_of(
    expected: bytes, found: bytes, offset: int, here: Pattern, of_pass: Callable[[int], Pattern]
) -> tuple[str, str, int | None]:
    if len(set(found)) == 1:
        return "constant", f"all bytes are 0x{found[0]:02x}", None
    stamp = read_stamp(found)
    if stamp is None:
        return "corrupt", "", None
    if stamp.number != here.run.number:
        return (*_of_another_run(stamp, here.run, here.pass_number, offset), None)
    if stamp.pass_number > here.pass_number:
        told = f"written in pass {stamp.pass_number} of this run, which is yet to come"
        return "foreign", told, None
    belongs = of_pass(stamp.pass_number).expected(stamp.offset, len(found))
    if _bits(belongs, found) >= _bits(expected, found):
        return "corrupt", "", None  # a flipped bit inside the stamp only looks like another place
    if stamp.offset != offset:
        of = "" if stamp.pass_number == here.pass_number else f", of pass {stamp.pass_number}"
        distance = stamp.offset - offset
        told = f"holds what was written for {distance:+d} bytes from here{of}"
        return "misplaced", told, distance
    older = f"pass {stamp.pass_number}" if stamp.pass_number else "the capacity probe's data"
    return "stale", f"holds {older}: the write of pass {here.pass_number} was lost", None


def _of_another_run(stamp: Stamp, run: Run, pass_number: int, offset: int) -> tuple[str, str]:
    if stamp.stamp_time > run.stamp_time:
        return "foreign", "written by a burn-in that was started after this one"
    if pass_number > 1:
        return "foreign", "written by another burn-in, where this one had verified its own data"
    place = "" if stamp.offset == offset else f", for {stamp.offset - offset:+d} bytes from here"
    return "stale", f"holds an earlier burn-in's data{place}: the write was lost"


def _bits(one: bytes, other: bytes) -> int:
    return bin(int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).count("1")


def _place(error: dict[str, Any]) -> tuple[int, int, int]:
    order = PHASES.index(error["phase"])
    return error["pass"], order, error["offset_bytes"]


class Errors:
    """All bad ranges of a run: the first thousand with evidence, the rest counted. For several
    threads.

    A range that is met again, because a resumed run repeats some work, is counted once.
    """

    def __init__(self, logical_sector_bytes: int) -> None:
        self.kept: list[dict[str, Any]] = []
        self.beyond = 0
        self.sectors = 0
        #: Bytes of bad ranges beyond those kept, by phase.
        self.beyond_bytes = {"write": 0, "verify": 0, "zero": 0}
        self.stored = True
        self._logical = logical_sector_bytes
        self._lock = threading.Lock()

    def load(self, kept: list[dict[str, Any]], beyond: int, sectors: int) -> None:
        self.kept, self.beyond, self.sectors = kept, beyond, sectors

    def add(self, findings: list[Finding], pass_number: int, phase: str) -> None:
        with self._lock:
            for finding in findings:
                if self._known(finding, pass_number, phase):
                    continue
                self.sectors += finding.sectors
                self.stored = False
                if len(self.kept) >= KEPT:
                    self.beyond += 1
                    if phase in self.beyond_bytes:
                        self.beyond_bytes[phase] += finding.length
                    continue
                self.kept.append(self._as_detail(finding, pass_number, phase))

    def _as_detail(self, finding: Finding, pass_number: int, phase: str) -> dict[str, Any]:
        return {
            "class": finding.cls,
            "offset_bytes": finding.offset,
            "length_bytes": finding.length,
            "lba": finding.offset // self._logical,
            "pass": pass_number,
            "phase": phase,
            "expected_hex": finding.expected.hex(),
            "found_hex": finding.found.hex(),
            "bits": finding.bits,
            "tries": finding.tries,
            "note": finding.note,
            "distance_bytes": finding.distance,
        }

    def _known(self, finding: Finding, pass_number: int, phase: str) -> bool:
        end = finding.offset + finding.length
        return any(
            error["pass"] == pass_number
            and error["phase"] == phase
            and error["offset_bytes"] < end
            and finding.offset < error["offset_bytes"] + error["length_bytes"]
            for error in self.kept
        )

    def unwritten(self, pass_number: int, phase: str, offset: int, end: int) -> list[Range]:
        """Ranges in there that this phase of the pass could not write: they can't be verified."""
        with self._lock:
            return [
                (error["offset_bytes"], error["offset_bytes"] + error["length_bytes"])
                for error in self.kept
                if error["class"] == "write_error"
                and (error["pass"], error["phase"]) == (pass_number, phase)
                and error["offset_bytes"] < end
                and offset < error["offset_bytes"] + error["length_bytes"]
            ]

    def missing(self, pass_number: int, phase: str, position: int) -> tuple[int, int, int]:
        """Bytes up to there that were not written, not verified, and not set to zero."""
        behind = {name: PHASES.index(name) < PHASES.index(phase) for name in PHASES}
        with self._lock:
            written, verified, zeroed = self.beyond_bytes.values()
            for error in self.kept:
                length, before = error["length_bytes"], error["offset_bytes"] < position
                passed = {
                    name: error["pass"] != pass_number or behind[name] or (before and name == phase)
                    for name in ("write", "verify", "zero")
                }
                written += length * (error["phase"] == "write" and passed["write"])
                verified += length * (error["phase"] in ("write", "verify") and passed["verify"])
                zeroed += length * (error["phase"] == "zero" and passed["zero"])
            return written, verified, zeroed

    @property
    def first(self) -> dict[str, Any] | None:
        ranges = self.ranges
        return ranges[0] if ranges else None

    @property
    def ranges(self) -> list[dict[str, Any]]:
        """As in the verdict: without the evidence."""
        return [{key: error[key] for key in IN_RANGE} for error in self.in_order()]

    def in_order(self) -> list[dict[str, Any]]:
        """The kept ones as they lie on the medium, pass by pass; threads find them as they come."""
        with self._lock:
            return sorted(self.kept, key=_place)

    @property
    def classes(self) -> set[str]:
        return {error["class"] for error in self.kept}
