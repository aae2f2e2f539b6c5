"""smartctl on this host: its JSON for a drive, its temperature, and the end of a self-test.

Read-only but for `abort`. smartctl can hang for minutes on a dying drive, so each call has a limit
of its own.
"""

from __future__ import annotations

import json
import subprocess
from typing import Any, NamedTuple

from . import programs

SECONDS = 30
AT_ONCE = 8


class Smart(NamedTuple):
    """`smartctl`: its JSON answer. `exit`: its status, a bit mask. `error`: why there is none."""

    smartctl: dict[str, Any] | None = None
    exit: int | None = None
    error: str | None = None

    @property
    def temperature_c(self) -> int | None:
        temperature = (self.smartctl or {}).get("temperature")
        current = temperature.get("current") if isinstance(temperature, dict) else None
        return current if isinstance(current, int) and not isinstance(current, bool) else None


def read(path: str) -> Smart:
    """Everything that smartctl tells of a drive (`-x`)."""
    return _asked("--json=c", "-x", path)


def _asked(*arguments: str) -> Smart:
    try:
        done = _smartctl(*arguments)
    except OSError as error:
        return Smart(error=str(error))
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        return Smart(None, done.returncode, f"smartctl answered no JSON (status {done.returncode})")
    if not isinstance(answer, dict):
        return Smart(None, done.returncode, "smartctl answered no JSON object")
    return Smart(answer, done.returncode, None)


def security(path: str) -> Smart:
    """Who the drive is and whether a password locks it (`-i -g security`)."""
    return _asked("--json=c", "-i", "-g", "security", path)


def read_all(paths: list[str]) -> dict[str, Smart]:
    """Several drives at once, so that one that hangs holds up no other."""
    from concurrent.futures import ThreadPoolExecutor  # slow to import; most calls need none

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(zip(paths, pool.map(read, paths)))


def abort(path: str) -> tuple[bool, str]:
    """Stop the self-test that runs on the drive (`-X`). (done, what smartctl said)"""
    try:
        done = _smartctl("-X", path)
    except OSError as error:
        return False, str(error)
    said = (done.stdout + done.stderr).decode("utf-8", "replace").strip()
    return done.returncode & 0b111 == 0, said[-2000:]


def _smartctl(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Raises OSError, with words for people, when there is no answer in time."""
    program = programs.find("smartctl")
    if program is None:
        raise OSError("smartctl is not installed")
    try:
        return subprocess.run(
            [program, *arguments], stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS
        )
    except subprocess.TimeoutExpired:
        raise OSError(f"smartctl did not answer within {SECONDS} s") from None
