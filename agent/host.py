"""The host that the agent runs on: its name, its boot, its file systems."""

from __future__ import annotations

import functools
import os
import platform
import re
import sys
from typing import Any

from .clock import iso
from .programs import output

MEMORY_DIRS = ("/run/burnin", "/var/run/burnin")
IN_MEMORY = ("tmpfs", "ramfs", "devtmpfs", "mfs")


@functools.cache
def boot_id() -> str:
    """Another text after each boot of the host. BURNIN_BOOT_ID stands for a mock host's own."""
    declared = os.environ.get("BURNIN_BOOT_ID")
    if declared:
        return declared
    try:
        if sys.platform.startswith("freebsd"):
            # kern.boottime moves when the clock is set; the second it names stays near enough.
            found = re.search(r"sec = (\d+)", output("sysctl", "-n", "kern.boottime"))
            return found.group(1) if found else "unknown"
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return "unknown"


def facts() -> dict[str, Any]:
    """`host` of the answer to probe."""
    return {
        "hostname": platform.node(),
        "system": platform.system(),
        "boot_id": boot_id(),
        "python": platform.python_version(),
        "now": iso(),
    }


def status_facts(root: str) -> dict[str, Any]:
    """`host` of the answer to status; `state_fs` is the type of the file system under `root`."""
    found = facts()
    del found["python"]
    return {**found, "state_fs": file_system(root)}


def file_system(path: str) -> str:
    """Type of the file system that holds the path, or "unknown"."""
    path = os.path.realpath(path)
    best, kind = "", "unknown"
    try:
        if sys.platform.startswith("freebsd"):
            rows = [line.split() for line in output("mount", "-p").splitlines()]
            mounts = [(row[1], row[2]) for row in rows if len(row) > 2]
        else:
            with open("/proc/self/mounts", encoding="utf-8", errors="surrogateescape") as file:
                mounts = [(row.split()[1], row.split()[2]) for row in file]
    except OSError:
        return kind
    for point, name in mounts:
        inside = path == point or path.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):
            best, kind = point, name
    return kind


def memory_dir() -> str | None:
    """A folder for progress that may be lost at a reboot, or None where there is none."""
    declared = os.environ.get("BURNIN_MEMORY_DIR")
    for folder in (declared,) if declared else MEMORY_DIRS:
        try:
            os.makedirs(folder, mode=0o700, exist_ok=True)
        except OSError:
            continue
        if declared or (os.access(folder, os.W_OK) and file_system(folder) in IN_MEMORY):
            return folder
    return None
