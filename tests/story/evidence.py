"""What the stages of a burn-in of the story proved, in the words of those stages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from burnin import verdict
from burnin.models import StageKind
from drives.hosts.types import RunVerdict
from drives.models import Drive
from tests.story.surface import detail

Claims = list[dict[str, Any]]
LOG = "The drive’s self-test log, an entry that was not there before the start"
RUN = "Surface run on the host"
#: What an ATA drive counts; a healthy one has none.
COUNTERS = dict.fromkeys(
    (
        "reallocated_sectors",
        "reported_uncorrectable",
        "command_timeouts",
        "pending_sectors",
        "offline_uncorrectable",
        "udma_crc_errors",
    ),
    0,
)
GUARD = "Pools and boot disks of the NAS, guard on the host"
#: Every fact that the guard looks at on the host.
FACTS = 14


def proof(claim: str, found: str, source: str, holds: bool | None = True) -> dict[str, Any]:
    return {"claim": claim, "holds": holds, "found": found, "source": source}


def proven(
    kind: StageKind,
    drive: Drive,
    hours: int = 12_000,
    passes: int = 2,
    rose: Mapping[str, int] | None = None,
) -> Claims:
    """Of a stage that found nothing, but for the counters that rose.

    hours: the drive's power-on hours at the start.
    """
    who = f"{drive.system.name}, its host and the record"
    same = f"Serial {drive.serial}, {drive.size_bytes:,} bytes"
    if kind == StageKind.PRECHECK:
        return [
            proof("It is the drive that was asked for", same, who),
            proof("Nothing uses it", f"{FACTS} facts clear", GUARD),
            proof("SMART health at the start", f"OK, {len(COUNTERS)} counters read", "smartctl"),
        ]
    if kind in (StageKind.SHORT_SMART, StageKind.LONG_SMART):
        later = 18 if kind == StageKind.LONG_SMART else 0
        found = f"Completed without error, at {hours + later:,} h"
        return [proof(str(kind.label), found, LOG)]
    if kind == StageKind.SURFACE_VALIDATE:
        size = drive.size_bytes
        whole = RunVerdict("passed", (), size, passes, size * passes, size * passes, 0, ())
        ended = verdict.surface(
            whole, serial_found=drive.serial, serial=drive.serial, size_bytes=size, passes=passes
        )
        return [claim.as_json() for claim in ended.claims]
    compared = verdict.counters(COUNTERS, COUNTERS | dict(rose or {}))
    return [
        *(claim.as_json() for claim in compared.claims),
        proof("Same drive before and after", same, who),
        proof("SMART health at the end", "OK", "smartctl"),
    ]


def surface(drive: Drive, passes: int = 2, **facts: Any) -> dict[str, Any]:
    """The evidence of a surface stage that was measured."""
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
