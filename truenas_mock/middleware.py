"""The middleware: every method that the release has, called in one way by all transports."""

from __future__ import annotations

import time
from typing import Any

from . import core, disks, pools, selftests, system
from .auth import Accounts, Session
from .errors import ENOMETHOD, CallError
from .jobs import Job, Jobs
from .methods import Method
from .nas import Nas
from .releases import Release


class Middleware:
    """
    Attributes:
        down_until: seconds since the epoch until which it restarts; nginx shows its error page.
        generation: counts its restarts: a websocket of an earlier one is dropped.
    """

    def __init__(self, nas: Nas, release: Release) -> None:
        self.nas, self.release = nas, release
        self.jobs = Jobs(nas, release)
        self.accounts = Accounts(nas, release)
        self.disks = disks.Disks(nas, release)
        self.pools = pools.Pools(nas, release, self.jobs)
        self.tests = selftests.SelfTests(nas, release, self.jobs, self.disks)
        self.system = system.System(nas, release)
        self.down_until, self.generation = 0.0, 0
        rooms = (
            self.accounts, self.disks, self.pools, self.tests, self.system, core.Core(self),
        )  # fmt: skip
        self.methods: dict[str, Method] = {
            method.name: method
            for room in rooms
            for method in room.methods()
            if release.has(method.since, method.until)
        }

    @property
    def is_down(self) -> bool:
        return time.time() < self.down_until

    def method(self, name: str) -> Method:
        """CallError where this release has none of that name."""
        try:
            return self.methods[name]
        except KeyError:
            service, _, method = name.rpartition(".")
            known = any(one.startswith(f"{service}.") for one in self.methods)
            words = (
                f"Method '{method}' not found in '{service}'"
                if known
                else f"Service '{service}' not found"
            )
            raise CallError(words, ENOMETHOD) from None

    def may_call(self, session: Session, method: Method) -> bool:
        """Do the rights of the one who is logged in reach that far?"""
        return method.no_auth or not (session.read_only and method.changes)

    def call(self, session: Session, method: Method, params: list[Any]) -> Any:
        """What the method returns; a Job where it is one. Raises what errors.py has, and whatever
        else goes wrong in it."""
        self.accounts.limit(session, method)
        arguments = method.arguments(self.release, params)
        if method.session:
            arguments.insert(0, session)
        with self.nas.lock:
            self.nas.read()
            result = method.function(*arguments)
        time.sleep(session.late)
        session.late = 0.0
        if isinstance(result, Job) and not result.id:
            result.credentials = session.credentials
            self.jobs.add(result)
        return result

    def restart(self, seconds: float) -> None:
        """It forgets jobs, sessions and temperatures, and is away for so long."""
        self.down_until = time.time() + seconds
        self.generation += 1
        self.jobs.lose()
        self.accounts.forget()
        self.disks.forget_temperatures()
