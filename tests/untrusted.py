"""What makes a folder one that somebody else may have put there."""

from __future__ import annotations

import os
from pathlib import Path


def as_link(folder: Path) -> None:
    folder.rename(folder.with_name("elsewhere"))
    folder.symlink_to(folder.with_name("elsewhere"))


def of_another(folder: Path) -> None:
    os.chown(folder, 4711, 4711)
