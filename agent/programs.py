"""Programs of the host that are asked something: found, run with a time limit, their text taken."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence

SECONDS = 20
KILL_SECONDS = 1
ELSEWHERE = ("/usr/local/sbin", "/usr/sbin", "/sbin")


def find(name: str) -> str | None:
    """Its path; a login without a terminal often has no sbin folder in its PATH."""
    return shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), *ELSEWHERE]))


def limited(
    command: Sequence[str],
    seconds: float,
    env: Mapping[str, str] | None = None,
    pass_fds: Sequence[int] = (),
) -> subprocess.CompletedProcess[bytes]:
    """Run it, for so long at most. Raises OSError, with words for people.

    A process that waits for a disk or a suspended pool can't be killed: it is left behind.
    """
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        pass_fds=pass_fds,
        env=env,
    )
    try:
        stdout, stderr = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(KILL_SECONDS)
        name = os.path.basename(command[0])
        raise OSError(f"{name} did not answer within {seconds} s") from None
    return subprocess.CompletedProcess(command, process.returncode, stdout, stderr)


_told: dict[tuple[str, ...], str | OSError] | None = None


@contextlib.contextmanager
def remembered() -> Iterator[None]:
    """Inside of it a command is run once: its text, or its failure, is given again."""
    global _told
    _told = {}
    try:
        yield
    finally:
        _told = None


def output(*command: str) -> str:
    """stdout of a program. Raises OSError when it is missing, fails or takes too long."""
    if _told is None:
        return _output(command)
    if command not in _told:
        try:
            _told[command] = _output(command)
        except OSError as error:
            _told[command] = error
    told = _told[command]
    if isinstance(told, OSError):
        raise OSError(str(told))
    return told


def _output(command: tuple[str, ...]) -> str:
    program = find(command[0])
    if program is None:
        raise OSError(f"{command[0]} is not installed")
    done = limited([program, *command[1:]], SECONDS, {**os.environ, "LC_ALL": "C"})
    if done.returncode:
        said = " ".join((done.stderr or done.stdout).decode("utf-8", "replace").split())
        raise OSError(f"{command[0]} failed with status {done.returncode}: {said[:200]}")
    return done.stdout.decode("utf-8", "replace")
