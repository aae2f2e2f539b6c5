"""Starts the processes of the product, restarts the dead, and leaves nothing behind."""

from __future__ import annotations

import fcntl
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO, Any

from . import record
from .environment import ROOT
from .errors import Trouble

GRACE_SECONDS = 10.0  # from SIGTERM to SIGKILL
HEALTHY_SECONDS = 30.0  # a child that lived this long is restarted with the shortest delay again
FIRST_DELAY, LONGEST_DELAY = 0.5, 30.0
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass
class Child:
    """One program that shall run."""

    name: str
    command: list[str]
    env: dict[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    deaths: int = 0
    restart_at: float | None = None

    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None


class Supervisor:
    """Use as a context: entering takes the data folder for itself and ends a killed launcher's
    orphans; leaving stops all children, the last started first."""

    def __init__(self, folder: Path, say: Callable[[str], None]) -> None:
        self.folder = folder
        self.say = say
        self.children: list[Child] = []
        self._lock: IO[str] | None = None
        self._spawning = self._interrupted = False

    def __enter__(self) -> Supervisor:
        (self.folder / "log").mkdir(parents=True, exist_ok=True)
        self._lock = (self.folder / "launcher.lock").open("a")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Trouble(
                f"It runs already, with its data in {self.folder}: use that one, or stop it first "
                "with Ctrl-C in its terminal."
            ) from None
        for number in SIGNALS:
            signal.signal(number, self._interrupt)
        record.end_orphans(self.folder, self.say)
        return self

    def __exit__(self, *_: object) -> None:
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)  # one Ctrl-C is enough; the stop must finish
        for child in reversed(self.children):
            self._stop(child)
        self._record()
        assert self._lock is not None
        self._lock.close()

    def start(self, name: str, command: list[str], env: dict[str, str]) -> Child:
        """Start a program and keep it running from now on; its output goes to log/<name>.log."""
        child = Child(name, command, env, self.folder / "log" / f"{name}.log")
        self.children.append(child)
        self._spawn(child)
        return child

    def tend(self) -> None:
        """Look at every child once: note the dead, restart those whose delay is over."""
        for child in self.children:
            now = time.monotonic()
            if child.restart_at is None and not child.running():
                assert child.process is not None
                healthy = now - child.started > HEALTHY_SECONDS
                child.deaths = 1 if healthy else child.deaths + 1
                delay = min(FIRST_DELAY * 2 ** (child.deaths - 1), LONGEST_DELAY)
                child.restart_at = now + delay
                end = child.process.returncode
                how = f"killed by signal {-end}" if end < 0 else f"exit status {end}"
                self.say(f"{child.name} ended ({how}); starting it again in {delay:g} s")
            elif child.restart_at is not None and now >= child.restart_at:
                child.restart_at = None
                self._spawn(child)

    def wait_for(self, condition: Callable[[], Any], seconds: float, child: Child) -> None:
        """Tend the children until the condition holds. Raises Trouble with the end of the child's
        log when it doesn't in time, or when the child died three times over it."""
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end or child.deaths >= 3:
                lines = child.log.read_text(errors="replace").splitlines()[-15:]
                raise Trouble("\n  ".join([f"{child.name} doesn't come up. {child.log}:", *lines]))
            self.tend()
            time.sleep(0.05)

    def _spawn(self, child: Child) -> None:
        self._spawning = True
        with child.log.open("ab") as out:
            child.process = subprocess.Popen(
                child.command,
                env=child.env,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd=ROOT,
                # The terminal's Ctrl-C must reach the launcher alone, which stops them in order.
                start_new_session=True,
            )
        child.started = time.monotonic()
        self._record()
        self._spawning = False
        if self._interrupted:
            raise KeyboardInterrupt

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        self._interrupted = True
        if not self._spawning:  # never between the start of a process and its record
            raise KeyboardInterrupt

    def _stop(self, child: Child) -> None:
        if child.process is None:
            return
        child.process.terminate()
        try:
            child.process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self.say(f"{child.name} did not stop within {GRACE_SECONDS:g} s: killed")
            child.process.kill()
            child.process.wait()

    def _record(self) -> None:
        running = [child for child in self.children if child.running()]
        record.write(self.folder, {c.name: c.process.pid for c in running if c.process})
