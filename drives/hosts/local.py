"""Commands on the very host that this program runs on: no SSH, the same limits."""

from __future__ import annotations

import contextlib
import getpass
import os
import signal
import subprocess
from dataclasses import dataclass

from .ssh import Completed, HostError

KILL_SECONDS = 2


@dataclass(frozen=True)
class Local:
    """This host. Who isn't root calls the agent through `sudo -n` here too."""

    where = "this host"

    @property
    def user(self) -> str:
        try:
            return getpass.getuser()
        except (KeyError, OSError):
            return str(os.getuid())  # a container's user without a name

    def run(self, command: str, *, stdin: bytes = b"", timeout: float = 30) -> Completed:
        """Run one shell command, feed it `stdin`, wait at most `timeout` seconds.

        It is a session of its own, so that what it starts detached outlives us; what is left of it
        at the end of the time is killed. Raises HostError.
        """
        try:
            process = subprocess.Popen(
                ["/bin/sh", "-c", command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
                cwd="/",
            )
        except OSError as error:
            raise HostError(f"no command can be started here: {error.strerror}") from None
        try:
            stdout, stderr = process.communicate(stdin, timeout=timeout)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            for pipe in (process.stdin, process.stdout, process.stderr):
                if pipe is not None:
                    with contextlib.suppress(OSError):
                        pipe.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(KILL_SECONDS)
            raise HostError(f"no answer within {timeout:g} s") from None
        return Completed(process.returncode, stdout, stderr)
