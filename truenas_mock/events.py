"""Who is told of what: jobs, disks, alerts, and the progress of self-tests.

Everything that moves here is a function of the clock, so a thread looks, compares with what it saw
before, and tells the difference.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import results
from .errors import CallError
from .middleware import Middleware

if TYPE_CHECKING:
    from .connection import Connection

LOOK_SECONDS = 0.1
#: How often smart.test.progress asks the drive: with a test running, and without.
BUSY_SECONDS, IDLE_SECONDS = 10, 60
PROGRESS = "smart.test.progress"
#: Fields of a disk that disk.update changes; whatever else changes was found by disk.sync_all.
JOBS, DISKS, ALERTS = "core.get_jobs", "disk.query", "alert.list"


@dataclass
class Subscription:
    connection: Connection
    ident: str
    name: str
    due: float = 0.0

    def wants(self, name: str) -> bool:
        return self.name in ("*", name)


class Events:
    def __init__(self, middleware: Middleware) -> None:
        self.middleware = middleware
        self._subscriptions: list[Subscription] = []
        self._seen: dict[str, dict[Any, dict[str, Any]]] = {}
        self._lock = threading.RLock()
        threading.Thread(target=self._watch, name="events", daemon=True).start()

    def subscribe(self, connection: Connection, ident: str, name: str) -> None:
        with self.middleware.nas.lock, self._lock:
            if not self._subscriptions:
                self._seen = self._snapshot()
            self._subscriptions.append(Subscription(connection, ident, name))

    def unsubscribe(self, connection: Connection, ident: str) -> None:
        with self._lock:
            gone = [one for one in self._subscriptions
                    if one.connection is connection and one.ident == ident]  # fmt: skip
            self._subscriptions = [one for one in self._subscriptions if one not in gone]
        for one in gone:
            connection.unsubscribed(one.name, None)

    def has(self, connection: Connection, name: str) -> bool:
        """Has this connection subscribed to that?"""
        with self._lock:
            return any(
                one.connection is connection and one.name == name for one in self._subscriptions
            )

    def drop(self, connection: Connection) -> None:
        with self._lock:
            kept = [one for one in self._subscriptions if one.connection is not connection]
            self._subscriptions = kept

    # --- looking ------------------------------------------------------------------------------
    def _watch(self) -> None:
        while True:
            time.sleep(LOOK_SECONDS)
            self.look()

    def look(self) -> None:
        """Tells what has happened since the last look."""
        if self._subscriptions:
            with self.middleware.nas.lock, self._lock:
                self.middleware.nas.read()
                self._compare()

    def _compare(self) -> None:
        before, now = self._seen, self._snapshot()
        self._seen = now
        for number, job in now[JOBS].items():
            old = before[JOBS].get(number)
            if old is None:
                self._tell("ADDED", JOBS, id=number, fields=job)
            if (old is None and job["state"] != "RUNNING") or (old not in (None, job)):
                self._tell("CHANGED", JOBS, id=number, fields=job)
        self._look_at_disks(before[DISKS], now[DISKS])
        for key, alert in now[ALERTS].items():
            if key not in before[ALERTS]:
                self._tell("ADDED", ALERTS, id=key, fields=alert)
        for key in before[ALERTS].keys() - now[ALERTS].keys():
            self._tell("REMOVED", ALERTS, id=key)
        for one in list(self._subscriptions):
            if one.name.partition(":")[0] == PROGRESS:
                self._look_at_progress(one)

    def _look_at_disks(self, before: dict[Any, Any], now: dict[Any, Any]) -> None:
        release = self.middleware.release
        for key, disk in now.items():
            old = before.get(key)
            if old is None:
                kind = "ADDED" if release.has("26") else "CHANGED"
                self._tell(kind, DISKS, id=key, fields=_raw(disk))
            elif old != disk:
                found = any(old[name] != disk[name] for name in ("name", "serial", "size"))
                self._tell("CHANGED", DISKS, id=key, fields=_raw(disk) if found else disk)
        for key in before.keys() - now.keys():
            if release.system == "FreeBSD":
                self._tell("CHANGED", DISKS, id=key, cleared=True)
            else:
                self._tell("REMOVED", DISKS, id=key)

    def _look_at_progress(self, one: Subscription) -> None:
        middleware, now = self.middleware, time.time()
        if now < one.due or not middleware.release.has("22.12.1", "25.04"):
            return
        drive = middleware.nas.drive(name=one.name.partition(":")[2])
        if drive is None:
            self._subscriptions.remove(one)
            one.connection.unsubscribed(one.name, CallError("Disk not found"))
            return
        percent = results.progress(middleware.release, drive, now)
        seconds = IDLE_SECONDS if percent is None else BUSY_SECONDS
        one.due = now + seconds / middleware.nas.speed
        one.connection.event("ADDED", one.name, fields={"progress": percent})

    def _tell(self, kind: str, name: str, **more: Any) -> None:
        for one in list(self._subscriptions):
            if one.wants(name):
                one.connection.event(kind, name, **more)

    def _snapshot(self) -> dict[str, dict[Any, dict[str, Any]]]:
        middleware = self.middleware
        return {
            JOBS: {job["id"]: job for job in middleware.jobs.listed(time.time())},
            DISKS: {
                drive.identifier: middleware.disks.entry(drive)
                for drive in middleware.nas.present()
            },
            ALERTS: {alert["id"]: alert for alert in middleware.system.alerts()},
        }


def _raw(disk: dict[str, Any]) -> dict[str, Any]:
    """The columns of the table, as disk.sync_all sends them."""
    return {f"disk_{name}": value for name, value in disk.items()}
