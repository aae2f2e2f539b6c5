"""How moments are written: here seconds since the epoch, ISO 8601 for the agent, {"$date": ms} for
the NAS's API."""

from __future__ import annotations

from datetime import UTC, datetime


def iso(seconds: float) -> str:
    return (
        datetime.fromtimestamp(seconds, UTC)
        .isoformat(timespec="milliseconds")
        .replace("+00:00", "Z")
    )


def ejson(seconds: float) -> dict[str, int]:
    return {"$date": int(seconds * 1000)}
