"""What differs between the TrueNAS releases that can be played. A further release is a further row
here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Release:
    """One release's facts.

    Attributes:
        version: the string of system.version.
        product_type: the string of system.product_type.
        names: "core" (ada0, da0) or "sd" (sda): how its kernel names disks.
        temperature_cache_seconds: age up to which disk.temperatures answers from its one shared
            result.
    """

    version: str
    product_type: str
    names: str
    temperature_cache_seconds: float


RELEASES = {
    "13.0": Release(
        version="TrueNAS-13.0-U6.8",
        product_type="CORE",
        names="core",
        temperature_cache_seconds=300,
    ),
}


def release(number: str) -> Release:
    """The release of that number; ValueError with a sentence when it isn't simulated."""
    try:
        return RELEASES[number]
    except KeyError:
        known = ", ".join(sorted(RELEASES))
        raise ValueError(f"release {number!r} is not simulated; known: {known}") from None
