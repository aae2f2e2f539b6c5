"""smartctl on this host: its JSON for a drive, its temperature, self-tests started and stopped.

smartctl can hang for minutes on a dying drive, and a process that waits for the disk can't even be
killed. So each call has a limit of its own, is left behind when it doesn't die, and holds a lock
while it lives: that drive isn't asked again before.
"""

from __future__ import annotations

import fcntl
import functools
import hashlib
import json
import os
import re
import subprocess
import sys
import time
from typing import Any, NamedTuple

from . import host, programs

SECONDS = 30
LOCK_SECONDS = 10
AT_ONCE = 32
#: What smartctl is told of a bridge that it doesn't know by itself; the first that answers is it.
BRIDGES = ("sat", "usbjmicron", "usbprolific", "usbsunplus", "sat,12")
RUNS_ALREADY = "without aborting current test"


class Smart(NamedTuple):
    """`smartctl`: its JSON answer. `exit`: its status, a bit mask. `error`: why there is none.
    `type`: the device type that it had to be told; empty where it found it.
    """

    smartctl: dict[str, Any] | None = None
    exit: int | None = None
    error: str | None = None
    type: str = ""

    @property
    def temperature_c(self) -> int | None:
        temperature = (self.smartctl or {}).get("temperature")
        current = temperature.get("current") if isinstance(temperature, dict) else None
        return current if isinstance(current, int) and not isinstance(current, bool) else None

    @property
    def serial(self) -> str | None:
        serial = (self.smartctl or {}).get("serial_number")
        return serial.strip() if isinstance(serial, str) else None


def read(path: str) -> Smart:
    """Everything that smartctl tells of a drive (`-x`), with its text: not all is in its JSON."""
    return _typed(path, "--json=co", "-x")


def security(path: str) -> Smart:
    """Who the drive is and whether a password locks it (`-i -g security`)."""
    return _typed(path, "--json=c", "-i", "-g", "security")


def temperature(path: str) -> Smart:
    """What little of it tells who it is and how warm (`-i -A`)."""
    return _typed(path, "--json=c", "-i", "-A")


def read_all(paths: list[str]) -> dict[str, Smart]:
    """Several drives at once, so that one that hangs holds up no other."""
    from concurrent.futures import ThreadPoolExecutor  # slow to import; most calls need none

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(zip(paths, pool.map(read, paths)))


def start(path: str, kind: str, serial: str | None) -> tuple[bool, str]:
    """Start a `short` or `long` self-test in the background. (begun, what smartctl said)"""
    return _command(path, serial, "-t", kind)


def abort(path: str, serial: str | None) -> tuple[bool, str]:
    """Stop the self-test that runs on the drive (`-X`). (done, what smartctl said)"""
    return _command(path, serial, "-X")


def _command(path: str, serial: str | None, *arguments: str) -> tuple[bool, str]:
    """1. Is what smartctl reaches by that path the drive that is meant? 2. Only then command it."""
    found = _typed(path, "--json=c", "-i")
    if found.error is not None:
        return False, found.error
    if not serial or found.serial != serial:
        return False, f"smartctl reaches serial {found.serial or 'none'} there, not {serial}"
    try:
        done = _smartctl(path, *arguments, *_option(found.type))
    except OSError as error:
        return False, str(error)
    said = (done.stdout + done.stderr).decode("utf-8", "replace").strip()
    return done.returncode & 0b111 == 0 and RUNS_ALREADY not in said, said[-2000:]


def _typed(path: str, *arguments: str) -> Smart:
    """Ask; where smartctl doesn't know the bridge before the drive, try the usual kinds, until the
    time of one call is over: some bridges hang on what they don't understand.
    """
    end = time.monotonic() + SECONDS
    first = _asked(path, *arguments)
    if not _is_type_wanted(first):
        return first
    for kind in BRIDGES:
        if time.monotonic() > end:
            break
        found = _asked(path, *arguments, *_option(kind))
        if found.serial and (found.exit or 0) & 0b11 == 0:
            return found._replace(type=kind)
    return first


def _option(kind: str) -> tuple[str, ...]:
    return ("-d", kind) if kind else ()


def _is_type_wanted(answer: Smart) -> bool:
    """It asks for `-d`, or took what is behind a bridge for a SCSI disk without SMART."""
    report = answer.smartctl or {}
    told = report.get("smartctl")
    messages = told.get("messages") if isinstance(told, dict) else None
    if isinstance(messages, list) and any("-d option" in str(message) for message in messages):
        return True
    device, support = report.get("device"), report.get("smart_support")
    return (
        isinstance(device, dict)
        and device.get("protocol") == "SCSI"
        and isinstance(support, dict)
        and support.get("available") is False
    )


def _asked(path: str, *arguments: str) -> Smart:
    try:
        done = _smartctl(path, *arguments)
    except OSError as error:
        return Smart(error=str(error))
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        return Smart(None, done.returncode, f"smartctl answered no JSON (status {done.returncode})")
    if not isinstance(answer, dict):
        return Smart(None, done.returncode, "smartctl answered no JSON object")
    return Smart(answer, done.returncode, None)


def _smartctl(path: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Raises OSError, with words for people, when there is no answer in time."""
    program = programs.find("smartctl")
    if program is None:
        raise OSError("smartctl is not installed")
    lock = _lock(path)
    try:
        # The process has the lock too, until it ends.
        held = [] if lock is None else [lock]
        command = [program, *arguments, _own_name(path)]
        return programs.limited(command, SECONDS, pass_fds=held)
    finally:
        if lock is not None:
            os.close(lock)


def _lock(path: str) -> int | None:
    """A lock that lives as long as the smartctl which gets it. Raises OSError when the one before
    doesn't end in time.
    """
    folder = _lock_folder()
    if folder is None:
        return None
    name = hashlib.sha256(path.encode()).hexdigest()[:16]
    file = os.open(os.path.join(folder, f"smartctl-{name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    patience = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return file
        except BlockingIOError:
            if time.monotonic() > patience:
                os.close(file)
                raise OSError("an earlier smartctl of this drive has not ended yet") from None
        time.sleep(0.05)


@functools.cache
def _lock_folder() -> str | None:
    return host.memory_dir()


def _own_name(path: str) -> str:
    """FreeBSD's disk nvd0 (or nda0) belongs to the controller nvme0, which smartctl asks."""
    found = re.fullmatch(r"/dev/(?:nvd|nda)([0-9]+)", path)
    return f"/dev/nvme{found[1]}" if found and sys.platform.startswith("freebsd") else path
