"""What every page's template knows beside what its view gives."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from .assets import files
from .roles import role_of
from .summary import load_chips

THEMES = ("light", "dark")


def site(request: HttpRequest) -> dict[str, Any]:
    """The user's role, the theme and the rows he chose, and how each system is doing."""
    user = getattr(request, "user", None)
    theme = request.COOKIES.get("theme", "")
    return {
        "role": role_of(user) if user is not None else "",
        "theme": theme if theme in THEMES else "",
        "is_compact": request.COOKIES.get("rows") == "compact",
        "sheets": files("css/all.css"),
        "scripts": files("js/all.js"),
        "chips": SimpleLazyObject(lambda: load_chips(timezone.now())),
    }
