"""Programs of the host that are asked something: found, run with a time limit, their text taken."""

from __future__ import annotations

import os
import shutil
import subprocess

SECONDS = 20
ELSEWHERE = ("/usr/local/sbin", "/usr/sbin", "/sbin")


def find(name: str) -> str | None:
    """Its path; a login without a terminal often has no sbin folder in its PATH."""
    return shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), *ELSEWHERE]))


def output(*command: str) -> str:
    """stdout of a program. Raises OSError when it is missing, fails or takes too long."""
    program = find(command[0])
    if program is None:
        raise OSError(f"{command[0]} is not installed")
    try:
        done = subprocess.run(
            [program, *command[1:]],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SECONDS,
            env={**os.environ, "LC_ALL": "C"},
        )
    except subprocess.TimeoutExpired:
        raise OSError(f"{command[0]} did not answer within {SECONDS} s") from None
    if done.returncode:
        said = " ".join((done.stderr or done.stdout).decode("utf-8", "replace").split())
        raise OSError(f"{command[0]} failed with status {done.returncode}: {said[:200]}")
    return done.stdout.decode("utf-8", "replace")
