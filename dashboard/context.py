"""What every page's template knows beside what its view gives."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from .roles import role_of
from .summary import load_chips

THEMES = ("light", "dark")
#: One file for each component, in the order in which they build on one another.
SHEETS = (
    "tokens", "ground", "header", "answer", "banner", "tiles", "field", "toolbar", "button",
    "table", "state", "dialog", "panel", "timeline", "log", "empty", "toast", "login",
    "plot", "map", "drive", "list", "stats", "paper", "settings", "access",
)  # fmt: skip


def site(request: HttpRequest) -> dict[str, Any]:
    """The user's role, the theme he chose, and how each system is doing."""
    user = getattr(request, "user", None)
    theme = request.COOKIES.get("theme", "")
    return {
        "role": role_of(user) if user is not None else "",
        "theme": theme if theme in THEMES else "",
        "sheets": SHEETS,
        "chips": SimpleLazyObject(lambda: load_chips(timezone.now())),
    }
