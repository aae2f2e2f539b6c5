"""The collected static files of this checkout, which all data folders that start from it share."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator

from .environment import ROOT, VAR, VENV

COLLECT = ["collectstatic", "--noinput"]


@contextlib.contextmanager
def lock() -> Iterator[None]:
    """Held while they are looked at and collected: two at once delete each other's files."""
    VAR.mkdir(exist_ok=True)
    with (VAR / "static-files.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def are_fresh() -> bool:
    """Whether they were collected since a source of theirs, or the installed packages, changed."""
    sources = [ROOT / "static", *(ROOT / "static").rglob("*"), *VENV.glob(".installed-*")]
    sources += [ROOT / "dashboard" / "assets.py", ROOT / "burnin_site" / "static_files.py"]
    try:
        collected = (ROOT / "staticfiles" / "staticfiles.json").stat().st_mtime
    except FileNotFoundError:
        return False
    return all(source.stat().st_mtime < collected for source in sources)
