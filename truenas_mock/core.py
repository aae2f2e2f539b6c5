"""core.*: jobs, what methods there are, options of a connection. Subscriptions are the
connections' own: see events."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from . import filters, smart
from .auth import Session
from .errors import CallError
from .jobs import RUNNING, Job, TestWait, Wrapper
from .methods import FILTERS, OPTIONS, Method, fields, needs, takes

if TYPE_CHECKING:
    from .middleware import Middleware


class Core:
    def __init__(self, middleware: Middleware) -> None:
        self.middleware = middleware
        self.nas, self.release, self.jobs = middleware.nas, middleware.release, middleware.jobs

    def methods(self) -> list[Method]:
        number = needs("id", int)
        service, target = takes("service", None, str), takes("target", "WS", str)
        core, scale = "13.3", "22.12.1"
        return [
            Method("core.ping", lambda: "pong", no_auth=True),
            Method("core.set_options", self._set_options, (needs("options", dict),), since="25.04",
                   session=True, no_auth=True, websocket_only=True),
            Method("core.get_jobs", self._get_jobs, (FILTERS, OPTIONS), session=True),
            Method("core.job_abort", self._abort, (number,), session=True, changes=True),
            Method("core.job_wait", self._wait, (number,), session=True, job=True),
            Method("core.get_services", self._services, until=core),
            Method("core.get_services", self._services, (target,), since=scale),
            Method("core.get_methods", self._get_methods, (service,), until=core),
            Method("core.get_methods", self._get_methods, (service, target), since=scale),
            Method("core.bulk", self._bulk,
                   (needs("method", str), needs("params", list), takes("description", None, str)),
                   session=True, job=True, changes=True),
        ]  # fmt: skip

    # --- jobs ---------------------------------------------------------------------------------
    def _visible(self, session: Session, row: dict[str, Any]) -> bool:
        """From 24.04 who is no full admin sees only what he has started himself."""
        if not session.read_only or not self.release.has("24.04"):
            return True
        return row.get("credentials") is not None and row["credentials"] == session.credentials

    def _get_jobs(self, session: Session, chosen: Any, options: Any) -> Any:
        rows = [row for row in self.jobs.listed(time.time()) if self._visible(session, row)]
        return filters.apply(self.release, rows, chosen, options)

    def _job(self, session: Session, number: int) -> Job:
        """KeyError where there is none, as below 24.04; CallError where it is somebody else's."""
        job = self.jobs.get(number, time.time())
        if not self._visible(session, {"credentials": job.credentials}):
            words = "Only users with full administrative privileges can access internally ran jobs"
            raise CallError(words, errno.EPERM)
        return job

    def _abort(self, session: Session, number: int) -> None:
        job = self._job(session, number)
        was_running = job.state == RUNNING
        now = time.time()
        self.jobs.abort(number, now)
        if was_running and isinstance(job, TestWait) and self.release.abort_stops:
            with self.nas.change():
                smart.stop(self.nas.drives[job.key], now)

    def _wait(self, session: Session, number: int) -> Job:
        target = self._job(session, number)
        return Wrapper("core.job_wait", [number], time.time(), target=target)

    def _bulk(self, session: Session, name: str, params: list[Any], description: Any) -> Job:
        """The same method once for each list of parameters; each outcome beside the others."""
        method = self.middleware.method(name)

        #: Up to 25.04 only a job's outcome has its id.
        plain = {"job_id": None} if self.release.has("25.10") else {}

        def one(arguments: Any) -> dict[str, Any]:
            try:
                result = self.middleware.call(session, method, list(arguments))
            except Exception as error:
                return {**plain, "error": str(error), "result": None}
            if isinstance(result, Job):
                return {"job_id": result.id, "error": None, "result": None}
            return {**plain, "error": None, "result": result}

        work: Callable[[], Any] = lambda: [one(arguments) for arguments in params]  # noqa: E731
        return Job("core.bulk", [name, params, description], time.time(), work=work)

    # --- what there is ------------------------------------------------------------------------
    def _services(self, target: str = "WS") -> dict[str, Any]:
        names = sorted({name.rpartition(".")[0] for name in self.middleware.methods})
        return {
            name: {
                "type": "crud" if f"{name}.query" in self.middleware.methods else "service",
                "config": {"namespace": name, "private": False},
                "cli_description": None,
            }
            for name in names
        }

    def _get_methods(self, service: str | None, target: str = "WS") -> dict[str, Any]:
        """`target` REST leaves out what only a websocket can."""
        return {
            method.name: {
                "description": method.function.__doc__,
                "cli_description": "",
                "examples": {},
                "accepts": [
                    {"_name_": one.name, "_required_": one.default is None}
                    for one in method.parameters
                ],
                "returns": [],
                "item_method": method.item,
                "no_auth_required": method.no_auth,
                "filterable": method.filterable,
                "job": method.job,
                "websocket": True,
            }
            for method in self.middleware.methods.values()
            if not method.private(self.release)
            and not (target == "REST" and method.websocket_only)
            and (service is None or method.name.rpartition(".")[0] == service)
        }

    def _set_options(self, session: Session, options: dict[str, Any]) -> Any:
        names = ("legacy_jobs", "private_methods", "py_exceptions")
        allowed: dict[str, type] = {"py_exceptions": bool}
        if not self.release.legacy_jobs:
            allowed |= dict.fromkeys(names, bool)
        fields(self.release, "options", options, allowed)
        session.new_jobs = not options.get("legacy_jobs", not session.new_jobs)
        if self.release.legacy_jobs:
            return None
        return dict.fromkeys(names, False) | options | {"legacy_jobs": not session.new_jobs}
