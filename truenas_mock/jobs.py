"""The middleware's jobs: `smart.test.wait`, in memory only, lost at each restart.

The job polls the drive, so it ends a little after the test; SUCCESS says that no test runs any
more, however it ended.
"""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass
from typing import Any

from . import smart
from .clock import ejson
from .nas import Nas

RUNNING, SUCCESS, FAILED, ABORTED = "RUNNING", "SUCCESS", "FAILED", "ABORTED"


@dataclass
class Job:
    """One smart.test.wait.

    Attributes:
        argument: arguments[0]: {disk, identifier, type, mode}.
        created, expected: seconds since the epoch.
        interval: real seconds between two looks at the drive.
        state, error, finished: once it is over.
    """

    id: int
    key: str
    argument: dict[str, Any]
    created: float
    expected: float
    interval: float
    state: str = RUNNING
    error: str | None = None
    finished: float | None = None
    percent: float | None = None

    def look(self, nas: Nas, now: float, at_once: bool = False) -> None:
        """What the job has found out by `now`; with `at_once` it doesn't wait for its interval."""
        if self.state != RUNNING:
            return
        drive = nas.drives.get(self.key)
        if drive is None or drive.vanished:
            self.state, self.finished = FAILED, now
            self.error = f"[EFAULT] No S.M.A.R.T. test results found for {self.argument['disk']}"
            return
        running = smart.current(drive, now)
        if running:
            self.percent = 100 - running.status(now)[1]
            return
        ended = drive.tests[-1].ends if drive.tests else self.created
        looks = math.ceil(max(0.0, ended - self.created) / self.interval)
        seen = self.created + looks * self.interval
        if at_once or now >= seen:
            self.state, self.finished, self.percent = SUCCESS, min(seen, now), 100

    def to_json(self) -> dict[str, Any]:
        error = {"type": "CallError", "extra": None} if self.error else None
        return {
            "id": self.id,
            "method": "smart.test.wait",
            "arguments": [self.argument, ejson(self.expected)],
            "logs_path": None,
            "logs_excerpt": None,
            "progress": {"percent": self.percent, "description": None, "extra": None},
            "result": None,
            "error": self.error,
            "exception": self.error,
            "exc_info": error,
            "state": self.state,
            "time_started": ejson(self.created),
            "time_finished": ejson(self.finished) if self.finished else None,
        }


class Jobs:
    """All of them, by id, from 1."""

    def __init__(self) -> None:
        self._jobs: dict[int, Job] = {}
        self._lock = threading.Lock()

    def add(
        self, key: str, argument: dict[str, Any], now: float, seconds: float, speed: float
    ) -> Job:
        """A job for a test that was started now and takes that many real seconds."""
        interval = max(10 / speed, seconds / 100)
        with self._lock:
            number = len(self._jobs) + 1
            job = Job(number, key, argument, now, now + seconds, interval)
            self._jobs[number] = job
        return job

    def look_at_once(self, nas: Nas, now: float) -> None:
        with self._lock:
            for job in self._jobs.values():
                job.look(nas, now, at_once=True)

    def listed(self, nas: Nas, now: float) -> list[dict[str, Any]]:
        with self._lock:
            for job in self._jobs.values():
                job.look(nas, now)
            return [job.to_json() for job in self._jobs.values()]

    def abort(self, number: int, now: float) -> None:
        """Ends the waiting; the drive goes on testing. KeyError when there is no such job."""
        with self._lock:
            job = self._jobs[number]
            if job.state == RUNNING:
                job.state, job.finished = ABORTED, now

    def lose(self) -> None:
        """The middleware restarts."""
        with self._lock:
            self._jobs = {}
