"""Numbers and errors of the field as people read them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

# One bad sector of each class, then several (SURFACE: what the engine says of a bad region).
ERROR_CLASSES = {
    "write_error": ("sector could not be written", "sectors could not be written"),
    "read_error": ("sector could not be read back", "sectors could not be read back"),
    "misplaced": ("sector holds data of another address", "sectors hold data of another address"),
    "stale": ("sector kept its old content", "sectors kept their old content"),
    "constant": ("sector lost its content", "sectors lost their content"),
    "corrupt": ("sector came back changed", "sectors came back changed"),
    "unstable": ("sector reads differently each time", "sectors read differently each time"),
}


def size(count: int) -> str:
    """Bytes as on a drive's label: 12.0 TB, 268.4 MB."""
    for unit, width in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= width:
            return f"{count / width:.1f} {unit}"
    return f"{count} bytes"


def surface_errors(errors: Sequence[dict[str, Any]], count: int, size_bytes: int) -> str:
    """The sentence for a failed surface run: how many sectors, what is wrong, and where."""
    if not errors:
        return f"{count:,} bad sectors"
    first = min(errors, key=lambda error: int(error.get("offset_bytes", 0)))
    one, several = ERROR_CLASSES.get(str(first.get("class")), ("sector is bad", "sectors are bad"))
    offset = int(first.get("offset_bytes", 0))
    where = (
        f"LBA {int(first.get('lba', 0)):,} ({100 * offset / max(1, size_bytes):.0f} % of the drive)"
    )
    if count == 1:
        return f"1 {one}, at {where}"
    return f"{count:,} {several}, the first at {where}"
