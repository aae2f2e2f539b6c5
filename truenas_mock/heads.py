"""What the agent says of a simulated surface run: its protocol's HEAD and `detail`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from .clock import iso
from .surface import CHUNK_BYTES, PHYSICAL_SECTOR, REGIONS, RELEASE, Run, at, sample_places


def error(run: Run) -> dict[str, Any]:
    """What it found at the bad place: {class, offset_bytes, length_bytes, lba, pass, phase}."""
    return {
        "class": "read_error" if run.phase == "verify" else "write_error",
        "offset_bytes": run.position,
        "length_bytes": run.max_bad_sectors * PHYSICAL_SECTOR,
        "lba": run.position // run.identity["logical_sector_bytes"],
        "pass": run.pass_number,
        "phase": run.phase,
    }


def head(stored: Run, now: float, temperature: int | None = None) -> dict[str, Any]:
    """HEAD of the agent's protocol. temperature: of its drive now, °C."""
    run = at(stored, now)
    total = run.extent * run.passes * 2
    written, verified = run.done(0), run.done(1)
    errors = [error(run)] if run.at_bad_place else []
    error_count = run.max_bad_sectors if errors else 0
    verdict = None
    if run.verdict:
        reasons = {
            "passed": [],
            "failed": [
                run.too_hot or f"{error_count} bad sectors: the limit of this run is reached"
            ],
            "inconclusive": [f"stopped: by {run.stopped_by}"],
        }[run.verdict]
        verdict = {
            "verdict": run.verdict,
            "reasons": reasons,
            "size_bytes": run.size,
            "passes": run.passes,
            "sample": {"places": sample_places(run), "bytes": run.extent} if run.sample else None,
            "bytes_written": written,
            "bytes_verified": verified,
            "bytes_zeroed": run.size if run.zero and run.verdict == "passed" else 0,
            "error_count": error_count,
            "errors": errors,
            "resumed": run.resumed,
        }
    return {
        "run_id": run.run_id,
        "format": 1,
        "release": RELEASE,
        "alive": run.alive,
        "boot_id": run.boot_id,
        "identity": run.identity,
        "sample": run.sample,
        "zero": run.zero,
        "passes": run.passes,
        "pass": run.pass_number,
        "phase": "done" if verdict else run.phase,
        "position_bytes": run.position,
        "checkpoint_bytes": run.position,
        "bytes_written": written,
        "bytes_verified": verified,
        "bytes_zeroed": verdict["bytes_zeroed"] if verdict else 0,
        "bytes_total": total,
        "percent": math.floor(1000 * (written + verified) / total) / 10,
        "rate_bytes_per_second": int(run.rate(run.x)) if run.working and run.step else None,
        "error_count": error_count,
        "first_error": errors[0] if errors else None,
        "paused": run.paused,
        "stopping": False,
        "stall": None,
        "temperature_c": temperature if run.alive else None,
        "started_at": iso(run.started),
        "updated_at": iso(
            run.finished or run.anchored if run.alive or run.finished else stored.anchored
        ),
        "resumed": run.resumed,
        "io": {"direct": True, "how": "simulated", "threads": 4, "chunk_bytes": CHUNK_BYTES},
        "seed": run.seed,
        "warnings": [],
        "verdict": verdict,
    }


def detail(
    stored: Run, now: float, temperatures: Sequence[tuple[float, int]] = ()
) -> dict[str, Any]:
    """`detail` of the agent's protocol: error ranges, regions, slowest chunks, temperatures
    (seconds since the epoch, °C), events.
    """
    run = at(stored, now)
    errors = []
    if run.at_bad_place:
        errors.append(
            error(run)
            | {"expected_hex": "", "found_hex": "", "bits": None, "tries": 3, "note": "EIO"}
            | {"distance_bytes": None}
        )
    regions = {}
    slowest: list[dict[str, Any]] = []
    for step in range(1, min(run.step + 1, run.steps)):
        there = replace(run, step=step, x=1.0 if step < run.step else run.x)
        name = f"{there.phase}-{there.pass_number}"
        regions[name] = [
            _region(there, index) if index < there.x * REGIONS else None for index in range(REGIONS)
        ]
        slowest += [
            {
                "offset_bytes": (place := index * run.size // REGIONS // CHUNK_BYTES * CHUNK_BYTES),
                "lba": place // run.identity["logical_sector_bytes"],
                "ms": region[3],
                "phase": there.phase,
                "pass": there.pass_number,
            }
            for index, region in enumerate(regions[name])
            if region
        ]
    slowest.sort(key=lambda chunk: -chunk["ms"])
    return {
        "errors": errors,
        "errors_beyond": 0,
        "regions": regions,
        "slowest": slowest[:50],
        "temperatures": [{"at": iso(when), "c": celsius} for when, celsius in temperatures],
        "events": run.events,
    }


def _region(run: Run, index: int) -> list[float]:
    """[count, min ms, mean ms, max ms, bytes per second] of one 1,024th of the disk."""
    rate = run.rate(index / REGIONS)
    mean = 1000 * CHUNK_BYTES / rate
    ripple = 1 + (index * 7919 + run.step * 104729) % 97 / 97  # 1 to 2, the same each time
    count = max(1, run.extent // REGIONS // CHUNK_BYTES)
    return [count, round(mean * 0.8, 3), round(mean, 3), round(mean * (1 + ripple), 3), int(rate)]
