"""The middleware's jobs, in memory only: lost at each restart, and numbered from 1 again.

`smart.test.wait` polls a drive, so it ends a little after the test; SUCCESS says that no test is
seen to run any more, however it ended.
"""

from __future__ import annotations

import math
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .clock import ejson
from .drives import Drive
from .errors import CallError, Invalid
from .nas import Nas
from .releases import Release

RUNNING, SUCCESS, FAILED, ABORTED = "RUNNING", "SUCCESS", "FAILED", "ABORTED"
OVER = (SUCCESS, FAILED, ABORTED)
#: So many are kept; the oldest that are over go first.
KEPT = 1000


@dataclass
class Job:
    """A job that takes `seconds` and then has the result that `work` gives (or its exception).

    Attributes:
        id: from 1, once it is added.
        created, finished: seconds since the epoch.
        credentials: {type, data} of who called it; None where the middleware did.
        message_ids: ids of the calls that wait for it.
    """

    method: str
    arguments: list[Any]
    created: float
    seconds: float = 0.0
    work: Callable[[], Any] | None = None
    credentials: dict[str, Any] | None = None
    message_ids: list[Any] = field(default_factory=list)
    id: int = 0
    state: str = RUNNING
    percent: float | None = None
    result: Any = None
    error: str | None = None
    exception: Exception | None = None
    finished: float | None = None

    def look(self, nas: Nas, now: float, at_once: bool = False) -> None:
        """What it has come to by `now`; with `at_once` nothing is waited for."""
        if self.state != RUNNING or (now < self.created + self.seconds and not at_once):
            return
        try:
            self.end(SUCCESS, min(now, self.created + self.seconds))
            self.result = self.work() if self.work else None
        except Exception as error:
            self.fail(error, now)

    def end(self, state: str, now: float) -> None:
        self.state, self.finished = state, now
        if state == SUCCESS:
            self.percent = 100

    def fail(self, error: Exception, now: float) -> None:
        self.end(FAILED, now)
        self.error, self.exception = str(error), error

    def to_json(self, release: Release) -> dict[str, Any]:
        failed = self.exception is not None
        extra = getattr(self.exception, "extra", None) or getattr(self.exception, "errors", None)
        row = {
            "id": self.id,
            "method": self.method,
            "arguments": self.arguments,
            "transient": False,
            "description": None,
            "abortable": isinstance(self, TestWait) and release.abort_stops,
            "logs_path": None,
            "logs_excerpt": None,
            "progress": {
                "percent": release.job_percent if self.percent is None else self.percent,
                "description": release.job_description,
                "extra": None,
            },
            "result": self.result,
            "result_encoding_error": None,
            "error": self.error,
            "exception": "".join(traceback.format_exception(self.exception)) if failed else None,
            "exc_info": {"type": _kind(self.exception), "extra": extra} if failed else None,
            "state": self.state,
            "time_started": ejson(self.created),
            "time_finished": ejson(self.finished) if self.finished else None,
            "credentials": self.credentials,
            "message_ids": self.message_ids,
        }
        if row["exc_info"] and release.has("22.12.1"):
            row["exc_info"]["repr"] = repr(self.exception)
        if row["exc_info"] and release.has("24.10"):
            row["exc_info"]["errno"] = getattr(self.exception, "number", None)
        return {name: row[name] for name in release.job_fields}


@dataclass
class Wrapper(Job):
    """core.job_wait: a job that is what another one is."""

    target: Job | None = None

    def look(self, nas: Nas, now: float, at_once: bool = False) -> None:
        if self.state != RUNNING or self.target is None:
            return
        self.target.look(nas, now, at_once)
        self.percent = self.target.percent
        if self.target.state != RUNNING:
            self.state, self.finished = self.target.state, self.target.finished
            self.result, self.error = self.target.result, self.target.error
            self.exception = self.target.exception


@dataclass
class TestWait(Job):
    """smart.test.wait of one drive.

    Attributes:
        key: of the drive.
        expected: seconds since the epoch at which the test should be over.
        interval: real seconds between two looks at the drive.
        by_clock: 12.0: the percent is elapsed time, the end is a new entry in the log.
        log_was_full: 12.0 waits for an entry with a number that a full log never gets.
        progress: percent done of the test that the NAS sees on that drive, None where it sees
            none.
        newest: the newest entry of the drive's log, as 12.0 returns it.
    """

    key: str = ""
    expected: float = 0.0
    interval: float = 1.0
    by_clock: bool = False
    log_was_full: bool = False
    progress: Callable[[Drive], int | None] = lambda drive: None
    newest: Callable[[Drive], Any] = lambda drive: None

    def look(self, nas: Nas, now: float, at_once: bool = False) -> None:
        if self.state != RUNNING:
            return
        drive = nas.drives.get(self.key)
        if drive is None or drive.vanished:
            name = self.arguments[0]["disk"]
            self.fail(CallError(f"No S.M.A.R.T. test results found for {name}"), now)
            return
        ended = drive.tests[-1].ends if drive.tests else self.created
        if self.by_clock:
            part = (now - self.created) / max(self.expected - self.created, 0.001)
            self.percent = min(99, math.floor(100 * part))
            if now < ended or self.log_was_full:
                return
            self.result = self.newest(drive)
        else:
            percent = self.progress(drive)
            if percent is not None:
                self.percent = percent
                return
            ended = self.created if ended > now else ended  # it runs, but the NAS can't see it
        looks = max(1, math.ceil((ended - self.created) / self.interval))
        seen = self.created + looks * self.interval
        if at_once or now >= seen:
            self.end(SUCCESS, min(seen, now))


def _kind(error: Exception | None) -> str:
    return "VALIDATION" if isinstance(error, Invalid) else type(error).__name__


class Jobs:
    """All of them, by id."""

    def __init__(self, nas: Nas, release: Release) -> None:
        self._nas, self._release = nas, release
        self._jobs: dict[int, Job] = {}
        self._last = 0
        self._lock = threading.RLock()

    def add(self, job: Job) -> Job:
        with self._lock:
            self._last += 1
            job.id = self._last
            self._jobs[job.id] = job
            over = [one.id for one in self._jobs.values() if one.state in OVER]
            for number in over[: max(0, len(self._jobs) - KEPT)]:
                del self._jobs[number]
        return job

    def get(self, number: int, now: float) -> Job:
        """As it is now. KeyError when there is no such job."""
        with self._lock:
            job = self._jobs[number]
            job.look(self._nas, now)
            return job

    def look_at_once(self, now: float) -> None:
        with self._lock:
            for job in self._jobs.values():
                job.look(self._nas, now, at_once=True)

    def listed(self, now: float) -> list[dict[str, Any]]:
        with self._lock:
            for job in self._jobs.values():
                job.look(self._nas, now)
            return [job.to_json(self._release) for job in self._jobs.values()]

    def abort(self, number: int, now: float) -> Job:
        """Ends it; what it has started outside goes on. KeyError when there is no such job."""
        with self._lock:
            job = self.get(number, now)
            if job.state == RUNNING:
                job.end(ABORTED, now)
            return job

    def lose(self) -> None:
        """The middleware restarts."""
        with self._lock:
            self._jobs, self._last = {}, 0
