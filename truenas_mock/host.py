"""The NAS's host as processes see it: environment, programs in DATA/bin, and the end of its
power."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import time
from pathlib import Path

from .nas import Nas

ROOT = Path(__file__).resolve().parent.parent
OWNER = "BURNIN_MOCK_HOST"


def prepare(nas: Nas) -> None:
    """Home, volatile folder and the smartctl stand-in."""
    for name in ("home", "run", "bin"):
        (nas.data / name).mkdir(parents=True, exist_ok=True)
    script = nas.data / "bin" / "smartctl"
    words = (
        f"PYTHONPATH='{ROOT}' exec '{sys.executable}' -m truenas_mock.smartctl '{nas.data}' \"$@\""
    )
    script.write_text(f"#!/bin/sh\n{words}\n")
    script.chmod(0o755)


def environment(nas: Nas) -> dict[str, str]:
    """What a command on this host gets."""
    system_path = os.environ.get("PATH", "/usr/bin:/bin")
    own = {
        "PATH": f"{nas.data / 'bin'}:{system_path}",
        "HOME": str(nas.data / "home"),
        "USER": "root",
        "LANG": "C.UTF-8",
        OWNER: str(nas.data),
        "BURNIN_MEMORY_DIR": str(nas.data / "run"),
        "BURNIN_BOOT_ID": nas.boot_id,
    }
    return own | ({"BURNIN_MEDIA": str(nas.media)} if nas.media else {})


def processes(nas: Nas) -> list[int]:
    """Processes of this host: those whose environment says so."""
    mark = f"{OWNER}={nas.data}\0".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark in (folder / "environ").read_bytes() + b"\0":
                found.append(int(folder.name))
    return [pid for pid in found if pid != os.getpid()]


def kill_all(nas: Nas) -> None:
    """The power is gone: every process of the host, and what it had in memory."""
    end = time.monotonic() + 10
    while (
        left := [pid for pid in processes(nas) if not _is_zombie(pid)]
    ) and time.monotonic() < end:
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)
    shutil.rmtree(nas.data / "run", ignore_errors=True)
    (nas.data / "run").mkdir(exist_ok=True)


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True
