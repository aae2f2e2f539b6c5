"""What was tried on which system, and how it ended."""

from __future__ import annotations

CELLS: dict[tuple[str, str], str] = {}
