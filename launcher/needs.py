"""Outside programs that some tests want, how each is found, and the Debian packages that bring it.

Also read by the tests themselves, under Python 3.9 too.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from glob import glob
from pathlib import Path

_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/sbin", "/sbin"])


def program(name: str) -> str | None:
    """The path of a program, sbin folders included; None when it isn't installed."""
    return shutil.which(name, path=_PATH)


@dataclass(frozen=True)
class Need:
    """`find` gives what the test shall use (mostly a path), or None when it can't be used here."""

    find: Callable[[], str | None]
    packages: tuple[str, ...] = ()


def _chromium() -> str | None:
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next(filter(None, map(program, names)), None)


def _postgres() -> str | None:
    """The folder with initdb and postgres; Debian keeps them off the PATH."""
    found = program("initdb")
    folders = [str(Path(found).resolve().parent)] if found else []
    folders += sorted(glob("/usr/lib/postgresql/*/bin"), reverse=True)
    return next((one for one in folders if os.access(f"{one}/postgres", os.X_OK)), None)


def _nbd() -> str | None:
    """nbdkit with its Python plugin, and nbdfuse with a FUSE device to show its files through."""
    nbdkit, nbdfuse = program("nbdkit"), program("nbdfuse")
    if not nbdkit or not nbdfuse or not os.access("/dev/fuse", os.R_OK | os.W_OK):
        return None
    plugin = subprocess.run([nbdkit, "python", "--dump-plugin"], capture_output=True)
    return nbdkit if plugin.returncode == 0 else None


def _loop() -> str | None:
    usable = os.geteuid() == 0 and os.path.exists("/dev/loop-control")
    return program("losetup") if usable else None


def _python39() -> str | None:
    """A Python 3.9 that really starts; a version manager's shim may exist and still not run."""
    for candidate in [
        "python3.9",
        *sorted(glob(os.path.expanduser("~/.pyenv/versions/3.9*/bin/python3.9"))),
    ]:
        found = program(candidate)
        if found and subprocess.run([found, "-c", ""], capture_output=True).returncode == 0:
            return found
    return None


NEEDS: dict[str, Need] = {
    "chromium": Need(_chromium, ("chromium",)),
    "postgres": Need(_postgres, ("postgresql",)),
    "ssh": Need(lambda: program("ssh"), ("openssh-client",)),
    "nbd": Need(_nbd, ("nbdkit", "nbdkit-plugin-python", "libnbd-bin", "fuse3")),
    "mkfs": Need(lambda: program("mkfs.ext4"), ("e2fsprogs",)),
    "badblocks": Need(lambda: program("badblocks"), ("e2fsprogs",)),
    "loop": Need(_loop),
    "python3.9": Need(_python39),
}


def install_missing() -> None:
    """Install the packages of what is missing, where that is possible: as root on Debian's kin.

    What can't be installed stays missing, and its tests say so.
    """
    packages = sorted({p for need in NEEDS.values() if not need.find() for p in need.packages})
    apt = program("apt-get")
    if not packages:
        return
    if os.geteuid() != 0 or not apt:
        print(f"Not root, or no apt here: {', '.join(packages)} stay missing.", flush=True)
        return
    print(f"Installing for the tests: {' '.join(packages)} …", flush=True)
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for step in (["update"], ["install", "--yes", "--no-install-recommends", *packages]):
        done = subprocess.run([apt, *step, "-qq"], env=env, capture_output=True, text=True)
        if done.returncode:
            print(f"apt-get {step[0]} failed: {done.stderr.strip()[-500:]}", flush=True)
            return
