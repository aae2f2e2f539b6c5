"""Runs that may not begin: stopped before they had begun, or removed.

A start may come late, from a worker that was stopped for a while; then the run that it means is
over. `<root>/fences/<run_id>.json` is looked for under the run's lock, before the guard is asked
and after it, and kept for longer than any machine sleeps.
"""

from __future__ import annotations

import os
import time

from . import files
from .clock import iso
from .files import Garbled

KEPT_SECONDS = 90 * 24 * 3600
FOLDER = "fences"


def put(root: str, run_id: str, by: str) -> None:
    """Raises OSError."""
    folder = os.path.join(root, FOLDER)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        if os.lstat(path).st_mtime < time.time() - KEPT_SECONDS:
            os.unlink(path)
    files.write_whole(_path(root, run_id), {"by": by, "at": iso()})


def told(root: str, run_id: str) -> str | None:
    """Why the run may not begin, for people; None where it may."""
    path = _path(root, run_id)
    if not os.path.lexists(path):
        return None
    try:
        fence = files.read(path) or {}
    except (Garbled, OSError):
        fence = {}
    return f"the run was ended by {fence.get('by') or 'somebody'} before this start came"


def _path(root: str, run_id: str) -> str:
    return os.path.join(root, FOLDER, f"{run_id}.json")
