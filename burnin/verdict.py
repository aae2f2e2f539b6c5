"""From evidence to passed, failed or inconclusive, with reasons. Pure functions, no I/O.

A pass needs every piece of evidence. What is missing or garbled is inconclusive, never a pass.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from drives.hosts.types import RunVerdict

from . import words
from .models import StageKind, StageState
from .outcomes import Claim, Ended

#: A rise of one of these is a fault of the drive (B11).
FAILING_COUNTERS = {
    "reallocated_sectors": "Reallocated sectors",
    "reported_uncorrectable": "Reported uncorrectable errors",
    "pending_sectors": "Pending sectors",
    "offline_uncorrectable": "Offline uncorrectable sectors",
    "grown_defects": "Grown defects",
    "pending_defects": "Pending defects",
    "read_uncorrected": "Uncorrected read errors",
    "write_uncorrected": "Uncorrected write errors",
    "verify_uncorrected": "Uncorrected verify errors",
    "media_errors": "Media errors",
}
#: Of those: sectors that the drive could not read and has not replaced.
UNREAD_COUNTERS = ("pending_sectors", "offline_uncorrectable", "pending_defects")
#: A rise of one of these alone says cable, bridge or host.
DOUBTFUL_COUNTERS = {
    "command_timeouts": "Command timeouts",
    "udma_crc_errors": "Interface CRC errors",
}


#: What is claimed of a surface run, by whether it is a sample.
WHOLE = {False: "Every byte was verified", True: "The sample was verified"}
#: A sample has a place in each 1,024th of a drive, and more; a small medium has fewer parts.
SMALLEST_SAMPLE_PLACES = 3
#: How the engine's reason begins where it stopped for the drive's temperature (B13).
TOO_HOT = "temperature"


def surface(
    verdict: RunVerdict,
    *,
    serial_found: str,
    serial: str,
    size_bytes: int,
    passes: int,
    sample: bool = False,
) -> Ended:
    """Judge a surface run that has ended. The engine's own word is not enough for a pass.

    sample: a part of the drive was to be written and verified, not all of it.
    """
    source = "Surface run on the host"
    same = Claim(
        "Same drive at the end of the surface run",
        serial_found == serial and verdict.size_bytes == size_bytes,
        f"Serial {serial_found or 'unknown'}, {verdict.size_bytes:,} bytes",
        source,
    )
    whole = _whole(verdict, size_bytes, passes, sample, source)
    clean = Claim(
        "Every byte read back as written",
        verdict.error_count == 0 and not verdict.errors,
        (
            words.surface_errors(verdict.errors, verdict.error_count, size_bytes)
            if verdict.error_count or verdict.errors
            else "No error"
        ),
        source,
    )
    claims = (clean, whole, same)
    if not same.holds:
        return Ended(StageState.UNKNOWN, "The surface run was on another drive", claims)
    if verdict.verdict == "failed" and verdict.error_count > 0:
        return Ended(StageState.FAILED, clean.found, claims)
    if verdict.verdict == "passed":
        if whole.holds and clean.holds:
            return Ended(StageState.PASSED, "", claims)
        return Ended(
            StageState.UNKNOWN,
            "The surface run says passed, but its own figures don’t prove it",
            claims,
        )
    reason = "; ".join(verdict.reasons) or "The surface run ended without a reason"
    if verdict.verdict == "failed" and reason.startswith(TOO_HOT):
        cool = Claim("It stayed below the limit to stop at", False, reason, source)
        return Ended(StageState.FAILED, f"It became too hot: {reason}", (cool, *claims))
    return Ended(StageState.UNKNOWN, reason, claims)


def _whole(verdict: RunVerdict, size_bytes: int, passes: int, sample: bool, source: str) -> Claim:
    """All that was to be written and verified was; a sample never counts for the whole drive."""
    is_sample = verdict.sample_bytes is not None
    wanted = (verdict.sample_bytes or 0 if sample else size_bytes) * passes
    holds = (
        is_sample == sample
        and verdict.bytes_verified == wanted
        and verdict.bytes_written >= wanted
        and verdict.passes == passes
        and wanted > 0
        and (not sample or (verdict.sample_places or 0) >= SMALLEST_SAMPLE_PLACES)
    )
    found = f"{verdict.bytes_verified:,} of {wanted:,} bytes (size × {passes})"
    if sample:
        share = 100 * (verdict.sample_bytes or 0) / max(1, size_bytes)
        found = (
            f"{verdict.bytes_verified:,} of {wanted:,} bytes at {verdict.sample_places or 0:,}"
            f" places, {share:.2g} % of the drive"
        )
    return Claim(WHOLE[sample], holds, found, source)


def counters(
    before: dict[str, int] | None,
    after: dict[str, int] | None,
    allowed: Mapping[str, int] | None = None,
) -> Ended:
    """Compare the counters of the closing reading with those of the start (B11).

    allowed: by how much a counter may rise; by nothing where it isn't named.
    """
    allowed = allowed or {}
    source = "SMART readings at start and end"
    if not before:
        claim = Claim("No counter rose", None, "No counters were read at the start", source)
        return Ended(StageState.UNKNOWN, "The SMART counters at the start are missing", (claim,))
    if after is None:
        claim = Claim("No counter rose", None, "No counters were read at the end", source)
        return Ended(StageState.UNKNOWN, "The SMART counters at the end are missing", (claim,))
    names = FAILING_COUNTERS | DOUBTFUL_COUNTERS
    missing = [names[name] for name in names if name in before and name not in after]
    rose = {
        name: f"{names[name]} {before[name]:,} → {after[name]:,}"
        for name in names
        if name in before and name in after and after[name] > before[name] + allowed.get(name, 0)
    }
    fell = [
        f"{names[name]} {before[name]:,} → {after[name]:,}"
        for name in names
        if name in before and name in after and after[name] < before[name]
    ]
    late = [
        f"{names[name]} {after[name]:,}"
        for name in names
        if name not in before and after.get(name, 0) > allowed.get(name, 0)
    ]
    unread = [
        f"{names[name]} {after[name]:,}"
        for name in UNREAD_COUNTERS
        if after.get(name, 0) > allowed.get(name, 0)
    ]
    kept = sum(1 for name in names if name in before and name in after)
    borne = [name for name in allowed if after.get(name, 0) > before.get(name, 0)]
    none_rose = "none rose more than the settings allow" if borne else "none rose"
    claims = [
        Claim(
            "Every counter of the start is there at the end",
            not missing,
            f"Missing: {', '.join(missing)}" if missing else f"{kept} of {kept}",
            source,
        ),
        Claim(
            "No counter rose",
            not rose,
            ", ".join(rose.values()) if rose else f"{kept} counters compared, {none_rose}",
            source,
        ),
        Claim(
            "No counter is new at the end",
            not late,
            ", ".join(late) if late else "None",
            source,
        ),
        Claim(
            "No sector is left that can’t be read",
            not unread,
            ", ".join(unread) if unread else "None pending, none uncorrectable",
            source,
        ),
    ]
    failing = [text for name, text in rose.items() if name in FAILING_COUNTERS]
    if failing:
        return Ended(StageState.FAILED, f"SMART counters rose: {', '.join(failing)}", tuple(claims))
    if missing:
        return Ended(
            StageState.UNKNOWN,
            f"SMART counters were there at the start and not at the end: {', '.join(missing)}",
            tuple(claims),
        )
    if rose:
        return Ended(
            StageState.UNKNOWN,
            f"{', '.join(rose.values())}: this points to cable, bridge or host, not to the drive",
            tuple(claims),
        )
    if late:
        return Ended(
            StageState.UNKNOWN,
            f"SMART counters are new at the end: {', '.join(late)}",
            tuple(claims),
        )
    if unread:
        return Ended(
            StageState.UNKNOWN,
            f"The drive still counts sectors that it can’t read: {', '.join(unread)}",
            tuple(claims),
        )
    if kept == 0:
        return Ended(StageState.UNKNOWN, "No SMART counter could be compared", tuple(claims))
    # Pending sectors fall when they are rewritten; others falling would be another drive's numbers.
    odd = [text for text in fell if not text.startswith(("Pending", "Offline"))]
    if odd:
        return Ended(StageState.UNKNOWN, f"SMART counters fell: {', '.join(odd)}", tuple(claims))
    return Ended(StageState.PASSED, "", tuple(claims))


def job(stages: Sequence[tuple[str, str, Sequence[dict[str, Any]]]]) -> tuple[StageState, str]:
    """The verdict of a job whose stages have all ended, as (kind, state, claims) each.

    Passed only if every stage passed and every claim of every stage holds. A self-test that was
    skipped counts by its claims too: whoever skipped it said whether that may pass. One at least of
    the chosen stages must have done something.
    """
    always = {StageKind.PRECHECK, StageKind.FINAL_CHECK}
    if not any(kind not in always and state == StageState.PASSED for kind, state, _ in stages):
        skipped = [claim for _, state, claims in stages if state == "skipped" for claim in claims]
        why = f": {skipped[0].get('found')}" if skipped else ""
        return StageState.UNKNOWN, f"Nothing was tested{why}"
    for kind, state, claims in stages:
        may_be_skipped = kind in (StageKind.SHORT_SMART, StageKind.LONG_SMART)
        if state != StageState.PASSED and not (may_be_skipped and state == StageState.SKIPPED):
            return StageState.UNKNOWN, f"The stage {kind} is {state}, not passed"
        if not claims:
            return StageState.UNKNOWN, f"The stage {kind} {state} without evidence"
        for claim in claims:
            if claim.get("holds") is not True:
                if state == StageState.SKIPPED:
                    return (
                        StageState.UNKNOWN,
                        f"{claim.get('claim')} was skipped: {claim.get('found')}",
                    )
                return StageState.UNKNOWN, f"Not proven: {claim.get('claim')}"
    return StageState.PASSED, ""
