"""Filter and order of the drives table, both kept in the URL.

Every drive is in the page; what the filter excludes is hidden, by the server in the first answer
and by static/js/filter.js, which judges in the same way, after each live change.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict

from .rows import STANDINGS, Row, natural


@dataclass(frozen=True)
class Filter:
    """Empty values match everything. `system` is an id."""

    text: str = ""
    system: str = ""
    state: str = ""
    model: str = ""

    @classmethod
    def from_query(cls, query: QueryDict) -> Filter:
        """Out of ?q=…&system=…&state=…&model=…; what isn't known is ignored."""
        state = query.get("state", "")
        system = query.get("system", "")
        return cls(
            text=query.get("q", "").strip(),
            system=system if system.isdecimal() else "",
            state=state if state in STANDINGS else "",
            model=query.get("model", ""),
        )

    def __bool__(self) -> bool:
        return bool(self.text or self.system or self.state or self.model)

    def hides(self, row: Row) -> bool:
        """Whether the row is left out; each word of the text must be found in it."""
        return (
            bool(self.state and self.state != row.standing)
            or bool(self.model and self.model != row.drive.model)
            or bool(self.system and self.system != str(row.drive.system_id))
            or not all(word in row.search_text for word in self.text.lower().split())
        )


#: What each column is ordered by; rows without it come last either way.
COLUMNS: dict[str, Callable[[Row], Any]] = {
    "drive": lambda row: natural(row.drive.devname),
    "serial": lambda row: row.drive.serial.lower() or None,
    "model": lambda row: row.drive.model.lower() or None,
    "size": lambda row: row.drive.size_bytes or None,
    "temp": lambda row: row.drive.temperature_c,
    "health": lambda row: row.drive.smart_health,
    "burnin": lambda row: (list(STANDINGS).index(row.standing), row.percent),
}


#: What a phone offers, where the table has no head: value in ?sort=, label.
SORTS = (
    ("drive", "By name"),
    ("burnin", "By state"),
    ("-temp", "Hottest first"),
    ("-size", "Biggest first"),
    ("model", "By model"),
    ("serial", "By serial"),
)


@dataclass(frozen=True)
class Order:
    """Within each system, absent drives last. Applied when a table is loaded, never by a live
    change."""

    column: str = "drive"
    falling: bool = False

    @classmethod
    def from_query(cls, query: QueryDict) -> Order:
        """Out of ?sort=size or ?sort=-size; what isn't known is ignored."""
        sort = query.get("sort", "")
        column = sort.removeprefix("-")
        return cls(column, sort.startswith("-")) if column in COLUMNS else cls()

    @property
    def value(self) -> str:
        """As it stands in the address."""
        return f"-{self.column}" if self.falling else self.column

    def of(self, rows: list[Row]) -> list[Row]:
        key = COLUMNS[self.column]
        known = [row for row in rows if key(row) is not None]
        unknown = [row for row in rows if key(row) is None]
        ordered = sorted(known, key=key, reverse=self.falling) + unknown
        return sorted(ordered, key=lambda row: not row.drive.present)
