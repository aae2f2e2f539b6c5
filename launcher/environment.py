"""The virtual environment `.venv`: made once, installed again when the requirements changed."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from .errors import Trouble

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
VAR = ROOT / "var"
RUNTIME = ("requirements.txt",)
DEVELOPMENT = ("requirements.txt", "requirements-dev.txt")

_NO_NETWORK = (
    "NewConnectionError",
    "ConnectTimeoutError",
    "ReadTimeoutError",
    "Temporary failure in name resolution",
    "Name or service not known",
    "Network is unreachable",
    "Connection refused",
    "ProxyError",
)


def enter(requirements: tuple[str, ...]) -> None:
    """Make sure that `.venv` holds these requirements, and go on inside it.

    Returns only when this very process runs with `.venv`'s Python; else it replaces itself by one
    that does. Raises Trouble when the folder can't be written or the packages can't be had.
    """
    check_writable(ROOT)
    VAR.mkdir(exist_ok=True)
    with (VAR / "install.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two first starts at once: the second one waits
        install(VENV, requirements)
    if Path(sys.prefix) != VENV:
        sys.stdout.flush()
        try:
            os.execv(PYTHON, [str(PYTHON), "-m", "launcher", *sys.argv[1:]])
        except OSError:
            raise _broken(VENV) from None


def install(venv: Path, requirements: tuple[str, ...], python: str = sys.executable) -> Path:
    """Make the environment at `venv` with `python` and install the files into it, unless it is so
    already. Returns the environment's Python."""
    own = venv / "bin" / "python"
    # What tests need holds what the product needs.
    enough = [requirements] if requirements != RUNTIME else [RUNTIME, DEVELOPMENT]
    if any(_is_installed(venv, files) for files in enough):
        return own
    log = VAR / "install.log"
    log.unlink(missing_ok=True)
    if not own.exists():
        print(f"Making the environment in {_short(venv)} …", flush=True)
        if _run([python, "-m", "venv", str(venv)], log):
            shutil.rmtree(venv, ignore_errors=True)
            raise Trouble(
                f"{python} can't make a virtual environment (see {_short(log)}). "
                "Debian and Ubuntu: apt install python3-venv"
            )
    print(f"Installing {requirements[-1]} (once, a minute or two) …", flush=True)
    pip = [str(own), "-m", "pip", "--disable-pip-version-check", "--no-input"]
    if _run([*pip, "--version"], log) and _run([str(own), "-m", "ensurepip"], log):
        raise _broken(venv)
    if _run([*pip, "install", "--retries", "2", "-r", str(ROOT / requirements[-1])], log):
        words = log.read_text(errors="replace")
        if any(sign in words for sign in _NO_NETWORK):
            raise Trouble(
                "The Python packages can't be downloaded: no network, or the package index can't "
                f"be reached. Connect and start again. (pip's own words: {_short(log)})"
            )
        raise Trouble(f"Installing {requirements[-1]} failed; pip's own words: {_short(log)}")
    stamp = _stamp(venv, requirements)
    new = stamp.with_suffix(".new")
    new.write_text(_digest(requirements))
    new.replace(stamp)  # never half of it, nor that of a copy of this folder by hard links
    return own


def check_writable(folder: Path) -> None:
    """Raise Trouble unless files can be made in `folder`; tried, because root may do what a
    read-only mount still refuses."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise Trouble(
            f"{folder} can't be written ({error.strerror}). Clone the project into a folder of "
            "your own and start there."
        ) from None


def _is_installed(venv: Path, requirements: tuple[str, ...]) -> bool:
    stamp = _stamp(venv, requirements)
    return stamp.is_file() and stamp.read_text() == _digest(requirements)


def _stamp(venv: Path, requirements: tuple[str, ...]) -> Path:
    return venv / f".installed-{requirements[-1]}"


def _broken(venv: Path) -> Trouble:
    return Trouble(f"{_short(venv)} is broken. Remove it and start again: rm -rf {_short(venv)}")


def _digest(requirements: tuple[str, ...]) -> str:
    """What the environment is made of; it changes with any of the files."""
    return hashlib.sha256(b"".join((ROOT / name).read_bytes() for name in requirements)).hexdigest()


def _run(command: list[str], log: Path) -> int:
    with log.open("ab") as out:
        return subprocess.run(command, stdout=out, stderr=subprocess.STDOUT, cwd=ROOT).returncode


def _short(path: Path) -> str:
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
