"""The filter of the drives table, kept in the URL.

Every drive is in the page; what the filter excludes is hidden, by the server in the first answer
and by static/js/filter.js, which judges in the same way, after each live change.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.http import QueryDict

from .rows import STANDINGS, Row


@dataclass(frozen=True)
class Filter:
    """Empty values match everything. `system` is an id."""

    text: str = ""
    system: str = ""
    state: str = ""

    @classmethod
    def from_query(cls, query: QueryDict) -> Filter:
        """Out of ?q=…&system=…&state=…; what isn't known is ignored."""
        state = query.get("state", "")
        system = query.get("system", "")
        return cls(
            text=query.get("q", "").strip(),
            system=system if system.isdecimal() else "",
            state=state if state in STANDINGS else "",
        )

    def __bool__(self) -> bool:
        return bool(self.text or self.system or self.state)

    def hides(self, row: Row) -> bool:
        """Whether the row is left out; each word of the text must be found in it."""
        return (
            bool(self.state and self.state != row.standing)
            or bool(self.system and self.system != str(row.drive.system_id))
            or not all(word in row.search_text for word in self.text.lower().split())
        )
