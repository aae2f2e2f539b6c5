"""JSON-RPC 2.0 over a websocket, as 25.04 and later speak it; 26 speaks nothing else."""

from __future__ import annotations

from typing import Any

from .answers import WITH_POOLS
from .release import LAST_WITH_SMART, Release
from .session import Login, kept

START = "smart.test.manual_test"


class JsonRpc:
    """One NAS by its kept session: a Dialect."""

    label = "JSON-RPC"

    def __init__(self, login: Login) -> None:
        self._session = kept(login)

    def close(self) -> None:
        """The session stays open for the next poll."""

    def version(self) -> Any:
        return self._session.ask("system.version")

    def disks(self) -> Any:
        return self._session.ask("disk.query", [], WITH_POOLS)

    def boot_disks(self) -> Any:
        return self._session.ask("boot.get_disks")

    def pools(self) -> Any:
        return self._session.ask("pool.query")

    def unused(self) -> Any:
        return self._session.ask("disk.get_unused")

    def details(self) -> Any:
        return self._session.ask("disk.details", {"type": "BOTH", "join_partitions": False})

    def temperatures(self, names: list[str], release: Release) -> Any:
        if release.line <= LAST_WITH_SMART:
            return self._session.ask("disk.temperatures", names, {})
        return self._session.ask("disk.temperatures", names)

    def has_smart(self, release: Release) -> bool:
        """By the NAS's own list of methods; by its version where that can't be had."""
        told = self._session.has(START)
        return release.has_smart if told is None else told

    def jobs(self) -> Any:
        return self._session.ask("core.get_jobs", [["method", "=", "smart.test.wait"]])

    def manual_test(self, tests: list[dict[str, str]]) -> Any:
        return self._session.tell(START, tests)

    def abort_job(self, job_id: int) -> Any:
        return self._session.tell("core.job_abort", job_id)
