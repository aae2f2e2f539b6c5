"""Which style sheets and scripts pages load: one file for each component, or, where they were
collected, all of them as one (burnin_site/static_files.py), which is one question instead of forty.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib.staticfiles.storage import staticfiles_storage

#: In the order in which they build on one another.
SHEETS = tuple(
    f"css/{name}.css"
    for name in (
        "tokens", "ground", "header", "answer", "banner", "tiles", "field", "toolbar", "button",
        "table", "state", "dialog", "panel", "timeline", "log", "empty", "toast", "login",
        "plot", "map", "drive", "list", "stats", "paper", "settings", "access",
    )
)  # fmt: skip
#: Of every page with a dialog. What starts the websocket stands alone, behind them.
SCRIPTS = tuple(
    f"js/{name}.js"
    for name in (
        "swapped", "times", "theme", "filter", "order", "select", "offline", "bell", "live",
        "dialog", "menu", "place", "stages", "start",
    )
)  # fmt: skip
BUNDLES = {"css/all.css": SHEETS, "js/all.js": SCRIPTS}


def files(bundle: str) -> Sequence[str]:
    """The bundle itself where it was made, else its parts."""
    made = getattr(staticfiles_storage, "hashed_files", {})
    return [bundle] if bundle in made else BUNDLES[bundle]
