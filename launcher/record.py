"""Which processes a launcher started, written down, so that the next one can end its orphans.

A process is known by its id and its start time: the id alone may belong to somebody else by now.
The agents on a host are never in here: nothing of this room may end them.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def write(folder: Path, processes: dict[str, int]) -> None:
    """Write down the running children of the launcher on this data folder: name to process id."""
    rows = [{"name": name, "pid": pid, "born": born(pid)} for name, pid in processes.items()]
    temporary = folder / "children.json.tmp"
    temporary.write_text(json.dumps(rows))
    temporary.replace(folder / "children.json")


def read(folder: Path) -> list[dict[str, Any]]:
    """The rows as written: name, pid, born; without those of processes that are gone by now."""
    try:
        rows: list[dict[str, Any]] = json.loads((folder / "children.json").read_text())
    except (OSError, ValueError):
        return []
    return [row for row in rows if row["born"] and born(row["pid"]) == row["born"]]


def end_orphans(folder: Path, say: Callable[[str], None]) -> None:
    """End what a killed launcher left running.

    SIGKILL, not SIGTERM: a SIGTERM would power the mock NAS off and so end the runs on it, which a
    killed launcher must not cost.
    """
    for row in read(folder):
        say(f"ending {row['name']}, left by a killed launcher (process {row['pid']})")
        with contextlib.suppress(ProcessLookupError):
            os.kill(row["pid"], signal.SIGKILL)
        while born(row["pid"]) == row["born"]:
            time.sleep(0.02)


def born(pid: int) -> str | None:
    """When this process started, in the system's own words; None when it is gone or a zombie."""
    if os.path.exists("/proc/self/stat"):
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return None
        return None if fields[0] == "Z" else fields[19]
    shown = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True)
    return shown.stdout.strip() or None
