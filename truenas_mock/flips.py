"""Flips one bit of a file-backed drive while a run of the agent on this host verifies it.

The bit is flipped at the first look at which a run verifies that drive and has not come to the
place yet, so the pass that reads it next finds it. The runs' own state files tell.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from pathlib import Path
from typing import Any

from .nas import Nas

LOOK_SECONDS = 0.02


def watch(nas: Nas) -> None:
    """Start the thread that does it."""
    threading.Thread(target=_watch, args=(nas,), name="flips", daemon=True).start()


def _watch(nas: Nas) -> None:
    while True:
        if not nas.flips:
            time.sleep(0.2)
            continue
        for wanted in list(nas.flips):
            if _flip_when_due(nas, wanted):
                with nas.change():
                    nas.flips = [one for one in nas.flips if one != wanted]
        time.sleep(LOOK_SECONDS)


def _flip_when_due(nas: Nas, wanted: dict[str, Any]) -> bool:
    drive = nas.drives.get(wanted["key"])
    if drive is None:
        return True
    offset = int(drive.size_bytes * wanted["at_fraction"])
    for head in _heads(nas):
        is_before = head.get("phase") == "verify" and head.get("position_bytes", 0) < offset
        if is_before and head.get("identity", {}).get("path") == drive.path:
            _flip(Path(drive.path), offset)
            return True
    return False


def _heads(nas: Nas) -> list[dict[str, Any]]:
    found = []
    for root in {*nas.roots, str(nas.data / "home" / ".burnin")}:
        for file in Path(root).glob("runs/*/state.json"):
            with contextlib.suppress(OSError, ValueError, KeyError):
                found.append(json.loads(file.read_bytes())["head"])
    return found


def _flip(image: Path, offset: int) -> None:
    descriptor = os.open(image, os.O_RDWR)
    try:
        byte = os.pread(descriptor, 1, offset)[0]
        os.pwrite(descriptor, bytes([byte ^ 0x10]), offset)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
