"""What a burn-in of the story proved, and what its surface run left."""

from __future__ import annotations

from typing import Any

from drives.models import Drive
from tests.story.surface import detail


def proof(claim: str, found: str, source: str, holds: bool | None = True) -> dict[str, Any]:
    return {"claim": claim, "holds": holds, "found": found, "source": source}


def proofs(drive: Drive, hours: int, *changes: dict[str, Any]) -> list[dict[str, Any]]:
    """What a full burn-in proves; `changes` stand for the claims of the same name."""
    size = drive.size_bytes
    usual = (
        proof("Every byte read back as written", "No error", "Surface run on the host"),
        proof(
            "Every byte was verified",
            f"{2 * size:,} of {2 * size:,} bytes (size × 2)",
            "Surface run on the host",
        ),
        proof(
            "No counter rose", "6 counters compared, none rose", "SMART readings at start and end"
        ),
        proof(
            "Same drive before and after",
            f"Serial {drive.serial}, {size:,} bytes",
            f"{drive.system.name}, its host and the record",
        ),
        proof(
            "SMART short",
            f"Completed without error, at {hours:,} h",
            "The drive’s self-test log, an entry that was not there before the start",
        ),
        proof(
            "SMART long",
            f"Completed without error, at {hours + 18:,} h",
            "The drive’s self-test log, an entry that was not there before the start",
        ),
        proof("SMART health at the end", "OK", "smartctl"),
    )
    named = {one["claim"]: one for one in changes}
    merged = [named.pop(one["claim"], one) for one in usual] + list(named.values())
    order = {False: 0, None: 1, True: 2}
    return sorted(merged, key=lambda one: order[one["holds"]])


def surface(drive: Drive, passes: int = 2, **facts: Any) -> dict[str, Any]:
    """The evidence of a surface stage."""
    errors = facts.get("errors", ())
    return {
        "run_id": f"job-{drive.serial.lower()}",
        "detail": detail(drive.size_bytes, passes, **facts),
        "verdict": {
            "verdict": "failed" if errors else "passed",
            "bytes_verified": drive.size_bytes * passes if not errors else 3_998_211_375_104,
            "bytes_written": drive.size_bytes * passes,
            "error_count": sum(one["length_bytes"] // 4096 for one in errors),
            "errors": [
                {
                    name: one[name]
                    for name in ("class", "offset_bytes", "length_bytes", "lba", "pass", "phase")
                }
                for one in errors
            ],
        },
        "head": {"io": {"chunk_bytes": 4 << 20, "direct": True, "how": "O_DIRECT", "threads": 2}},
    }
