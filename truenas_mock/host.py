"""The NAS's host as processes see it: environment, programs in DATA/bin, and the end of its power.

A process belongs to the host when BURNIN_MOCK_HOST in its environment names this data folder. That
survives detaching, and a kill -9 of the mock.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import sys
import time
from pathlib import Path

from .nas import Nas

ROOT = Path(__file__).resolve().parent.parent
OWNER = "BURNIN_MOCK_HOST"
SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"


def prepare(nas: Nas) -> None:
    """Home, volatile folder, Python, and stand-ins for smartctl and sudo.

    sudo -n lets everything through where DATA/sudo-nopasswd exists, and nothing else.
    """
    for name in ("home", "run", "bin"):
        (nas.data / name).mkdir(mode=0o700, parents=True, exist_ok=True)
    package = f"import sys; sys.path.insert(0, {str(ROOT)!r}); "
    call = "from truenas_mock.smartctl import main; main()"
    words = [sys.executable, "-I", "-B", "-c", package + call, str(nas.data)]
    _program(nas, "smartctl", f'exec {shlex.join(words)} "$@"')
    # The caller's python3 may be a shim that needs the caller's home.
    _program(nas, "python3", f'exec {shlex.quote(os.path.realpath(sys.executable))} "$@"')
    allowed = shlex.quote(str(nas.data / "sudo-nopasswd"))
    refusal = "echo 'sudo: a password is required' >&2; exit 1"
    _program(
        nas,
        "sudo",
        f"[ -e {allowed} ] || {{ {refusal}; }}\n"
        'while [ "${1#-}" != "$1" ]; do shift; done\nexec "$@"',
    )


def _program(nas: Nas, name: str, script: str) -> None:
    file = nas.data / "bin" / name
    temporary = file.with_name(f".{name}")
    temporary.write_text(f"#!/bin/sh\n{script}\n")
    temporary.chmod(0o755)
    temporary.replace(file)


def environment(nas: Nas) -> dict[str, str]:
    """What a command on this host gets."""
    own = {
        "PATH": f"{nas.data / 'bin'}:{os.environ.get('PATH', SYSTEM_PATH)}",
        "HOME": str(nas.data / "home"),
        "USER": "root",
        "LOGNAME": "root",
        "SHELL": "/bin/sh",
        "LANG": "C.UTF-8",
        OWNER: str(nas.data),
        "BURNIN_MEMORY_DIR": str(nas.data / "run"),
        "BURNIN_BOOT_ID": nas.boot_id,
    }
    return own | ({"BURNIN_MEDIA": str(nas.media)} if nas.media else {})


def processes(nas: Nas) -> list[int]:
    """Living processes of this host."""
    mark = f"{OWNER}={nas.data}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            # A zombie's environment reads empty.
            if mark in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
    return [pid for pid in found if pid != os.getpid()]


def kill_all(nas: Nas) -> None:
    """The power is gone: every process of the host, and what it had in memory."""
    end = time.monotonic() + 10
    while (left := processes(nas)) and time.monotonic() < end:
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)
    shutil.rmtree(nas.data / "run", ignore_errors=True)
    (nas.data / "run").mkdir(mode=0o700, exist_ok=True)
