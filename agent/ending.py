"""Ends a run, also one that has no process or has not begun, and forgets one that is over."""

from __future__ import annotations

import contextlib
import errno
import os
import time
from typing import Any

from . import fences, files
from .folder import Folder
from .state import verdict_of


def _has_none(folder: Folder) -> bool:
    """There is no run, nor one that is about to begin."""
    try:
        lock = files.lock(folder.lock)
    except FileNotFoundError:
        return True  # a start gave up at this moment and left nothing
    if lock is None:
        return False
    try:
        return folder.load() is None
    finally:
        os.close(lock)
        folder.remove_if_empty()


def remove(folder: Folder, by: str) -> dict[str, Any] | None:
    """Forget a run that is over, and let no late start begin it anew; its HEAD, None for no run.
    Raises Garbled, OSError; BlockingIOError while it lives.
    """
    if not os.path.isdir(folder.path):
        return None
    lock = files.lock(folder.lock)
    if lock is None:
        raise BlockingIOError(errno.EAGAIN, f"the run {folder.run_id} is alive")
    try:
        head = folder.head()
        if head is None:
            return None
        fences.put(folder.root, folder.run_id, by)
        folder.remove()
        return {**head, "alive": False}
    finally:
        os.close(lock)


def stop(folder: Folder, by: str, wait_seconds: float) -> dict[str, Any] | None:
    """Ask the run to stop, wait for it, and return its HEAD; None for no run. Raises Garbled,
    OSError.

    A run whose process is gone already gets its verdict here. The fence comes first: a start that
    is asking its guard meanwhile looks for it afterwards. Until that one has given up, it isn't
    said that there is no run.
    """
    folder.make()
    fences.put(folder.root, folder.run_id, by)
    if _has_none(folder):
        return None
    with contextlib.suppress(FileNotFoundError):  # a start gave up meanwhile and left nothing
        folder.wish(stop={"by": by})
        _wait_for_the_end(folder, by, wait_seconds)
    head = folder.head() if os.path.isdir(folder.path) else None
    if head is None and folder.is_alive():
        raise OSError(f"the run {folder.run_id} is about to begin; it was told not to")
    return head


def _wait_for_the_end(folder: Folder, by: str, wait_seconds: float) -> None:
    end = time.monotonic() + wait_seconds
    while folder.is_alive() and time.monotonic() < end:
        time.sleep(0.05)
    lock = files.lock(folder.lock, 0.2)
    if lock is None:
        return
    try:
        state = folder.load()
        if state is not None and state.verdict is None:
            errors = [state.first_error] if state.first_error else []
            state.verdict = verdict_of(state, "inconclusive", [f"stopped: by {by}"], errors)
            folder.save(state)
            folder.forget_progress()
    finally:
        os.close(lock)
        folder.remove_if_empty()
