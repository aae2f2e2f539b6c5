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
    "config": set(),
    "audit": set(),
    "live": set(),
    "bench": {"agent"},
    "agent": set(),
    "truenas_mock": set(),
    "launcher": set(),
}


def wrong_imports(root: Path) -> Iterator[str]:
    """One line for each import that points the wrong way: file, line, who imports whom."""
    for room, allowed in ALLOWED.items():
        for file in sorted((root / room).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text(), str(file))):
                for name in _imported(node):
                    other = name.partition(".")[0]
                    if other in ALLOWED and other != room and other not in allowed:
                        where = f"{file.relative_to(root)}:{node.lineno}"
                        yield f"{where}: {room} must not import {name}"


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and not node.level and node.module:
        return [node.module]
    return []
