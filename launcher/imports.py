"""Which room may import which: imports point down, never up or sideways."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

_BOTTOM = {"config", "audit", "live"}
_DRIVES = _BOTTOM | {"drives"}
_BURNIN = _DRIVES | {"burnin"}
_NOTIFICATIONS = _BURNIN | {"notifications"}
_DASHBOARD = _NOTIFICATIONS | {"dashboard"}

#: What each room may import of ours, beside itself.
ALLOWED: dict[str, set[str]] = {
    "burnin_site": _DASHBOARD,
    "dashboard": _NOTIFICATIONS,
    "notifications": _BURNIN,
    "burnin": _DRIVES,
    "drives": _BOTTOM | {"agent"},  # drives ships the agent
    "config": {"audit"},  # a change of the settings is an event
    "audit": set(),
    "live": set(),
    # It measures burnin.curve, fills a database, and starts the browser that the tests start.
    "bench": _DASHBOARD | {"agent", "launcher", "tests"},
    "agent": set(),
    "truenas_mock": set(),
    "launcher": set(),
}


def wrong_imports(root: Path) -> Iterator[str]:
    """One line for each import that points the wrong way: file, line, who imports whom."""
    for room, allowed in ALLOWED.items():
        for file in sorted((root / room).rglob("*.py")):
            for line, name in _imported(ast.parse(file.read_text(), str(file))):
                other = name.partition(".")[0]
                if (other in ALLOWED or other == "tests") and other not in allowed | {room}:
                    yield f"{file.relative_to(root)}:{line}: {room} must not import {name}"


def unknown_rooms(root: Path) -> list[str]:
    """Packages at the top level that have no rule here."""
    rooms = {file.parent.name for file in root.glob("*/__init__.py")}
    return sorted(rooms - ALLOWED.keys() - {"tests"})


def _imported(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and full name of each import but relative ones, which can't leave their room."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield node.lineno, node.module
