"""REST API v2.0, up to 25.10: its paths follow from the methods' names.

`disk.query` is GET /disk, `disk.update` PUT /disk/id/…, a method without parameters a GET, any
other a POST. One parameter is the whole body, several an object by their names. Errors: 422
{attribute: [{message, errno}]} or {message, errno}, 404 {message} of a row that isn't there, 500
{message, traceback}, 400 {message} for what is no JSON or no argument; and what the web framework
says in plain text: 401, 404 and 405 of a path. 403 says nothing.
"""

from __future__ import annotations

import errno
import json
import re
import traceback
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote

from . import filters
from .auth import Session
from .errors import CallError, Invalid, NotFound
from .jobs import Job
from .methods import REQUIRED, Method, Parameter
from .middleware import Middleware

ROOT = "/api/v2.0"
NO_BODY = object()
CRUD = {"query": "GET", "create": "POST", "update": "PUT", "delete": "DELETE"}


class Text(str):
    """An answer that is no JSON."""


UNAUTHORIZED, NOT_FOUND = Text("401: Unauthorized"), Text("404: Not Found")


class Refused(Exception):
    """An answer that is no 200."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(body)
        self.status, self.body = status, body


@dataclass(frozen=True)
class Route:
    """`one` is a query for the row whose id the path has."""

    verb: str
    pattern: re.Pattern[str]
    method: Method
    one: bool = False


class Rest:
    """`answer` is the one way in."""

    def __init__(self, middleware: Middleware) -> None:
        self.middleware = middleware
        self.release = middleware.release
        self._routes = [
            Route(verb, re.compile(pattern), method, one)
            for method in middleware.methods.values()
            if not method.websocket_only and not method.private(self.release)
            for verb, pattern, one in _paths(method)
        ]

    def answer(
        self, session: Session, verb: str, path: str, query: str, authorization: str, raw: bytes
    ) -> tuple[int, Any]:
        """Status and JSON. `path` is what follows ROOT."""
        try:
            if not self.release.rest:
                raise Refused(404, NOT_FOUND)
            return 200, self._answer(session, verb, path.rstrip("/"), query, authorization, raw)
        except Refused as refused:
            return refused.status, refused.body
        except Invalid as invalid:
            wrong: dict[str | None, Any] = {}
            for attribute, message, number in invalid.errors:
                wrong.setdefault(attribute, []).append({"message": message, "errno": number})
            return 422, wrong
        except CallError as error:
            return 422, {"message": error.message, "errno": error.number}
        except NotFound as error:
            return 404, {"message": str(error)}
        except Exception as error:
            return 500, {"message": str(error), "traceback": traceback.format_exc()}

    def _answer(
        self, session: Session, verb: str, path: str, query: str, authorization: str, raw: bytes
    ) -> Any:
        fitting = [
            (route, found) for route in self._routes if (found := route.pattern.fullmatch(path))
        ]
        if not fitting:
            raise Refused(404, NOT_FOUND)
        route, found = next(
            ((route, found) for route, found in fitting if route.verb == verb), (None, None)
        )
        if route is None or found is None:
            raise Refused(405, Text("405: Method Not Allowed"))
        if not self.middleware.accounts.log_in_by_header(session, authorization) and (
            not route.method.no_auth
        ):
            raise Refused(401, UNAUTHORIZED)
        if session.credentials:
            self.middleware.system.rest_used = True
        body = self._body(raw)
        if not self.middleware.may_call(session, route.method):
            raise Refused(403, Text(""))
        key = unquote(found[1]) if found.groups() else None
        result = self.middleware.call(session, route.method, self._params(route, key, query, body))
        return result.id if isinstance(result, Job) else result

    def _body(self, raw: bytes) -> Any:
        try:
            return json.loads(raw) if raw else NO_BODY
        except ValueError as error:
            told: dict[str, Any] = {"message": str(error)}
            if self.release.system == "Linux":
                told = {"message": f"json parse error: {error}", "errno": errno.EINVAL}
            raise Refused(400, told) from None

    def _params(self, route: Route, key: str | None, query: str, body: Any) -> list[Any]:
        method = route.method
        if method.filterable and route.one:
            column, value = self._primary(method, key or "")
            extra = self._of_query_string(query)[1] if self.release.system == "Linux" else {}
            return [[[column, "=", value]], {**extra, "get": True}]
        if method.filterable:
            chosen, options = self._of_query_string(query)
            if chosen or options:
                return [chosen, options]
        params: list[Any] = []
        wanted = list(method.parameters)
        if method.item:
            params, wanted = [_number(key or "", wanted[0].types)], wanted[1:]
        if body is NO_BODY or (not wanted and not body):
            return params
        if len(wanted) < 2:
            return [*params, body]
        return params + self._by_name(wanted, body)

    def _by_name(self, wanted: list[Parameter], body: Any) -> list[Any]:
        if not isinstance(body, dict):
            words = "Endpoint accepts multiple params, object/dict expected."
            raise Refused(400, {"message": words})
        left = {self._renamed(name): value for name, value in body.items()}
        params = []
        for one in wanted:
            name = one.called(self.release)
            if name not in left and one.default is REQUIRED:
                raise Refused(400, {"message": f"{name} attribute expected."})
            params.append(left.pop(name, one.default))
        if left:
            words = f"The following attributes are not expected: {', '.join(left)}"
            raise Refused(400, {"message": words})
        return params

    def _renamed(self, name: str) -> str:
        """Clients of old say query-filters also where it is filters by now."""
        return name.removeprefix("query-") if self.release.pydantic else name

    def _of_query_string(self, query: str) -> tuple[list[Any], dict[str, Any]]:
        """The body is read only where this gave nothing."""
        pairs = parse_qsl(query, keep_blank_values=True)
        return filters.of_query_string(pairs, self.release.options_in_query_string)

    def _primary(self, method: Method, key: str) -> tuple[str, Any]:
        if method.name != "disk.query":
            return "id", int(key) if key.isdigit() else key
        if not self.release.options_in_query_string:
            raise KeyError("id")  # CORE filters on a column that this table doesn't have
        return "identifier", key


def _number(key: str, types: tuple[type, ...]) -> Any:
    return int(key) if int in types and key.isdigit() else key


def _paths(method: Method) -> list[tuple[str, str, bool]]:
    """(verb, pattern, is it a query for one row) of each of a method's routes."""
    service, _, name = method.name.rpartition(".")
    base = "/" + service.replace(".", "/")
    by_id = base + "/id/([^/]+)"
    if name == "query":
        return [("GET", base, False), ("GET", by_id, True)]
    if name in CRUD:
        return [(CRUD[name], by_id if method.item else base, False)]
    if name == "config":
        return [("GET", base, False)]
    if method.item:
        return [("POST", f"{by_id}/{name}", False)]
    verb = "POST" if method.parameters and not method.filterable else "GET"
    return [(verb, f"{base}/{name}", False)]


def path_of(name: str) -> str:
    """The path by which a fault knows a method of any transport: "disk.query" is /disk."""
    service, _, short = name.rpartition(".")
    return "/" + (service if short in ("query", "config") else name).replace(".", "/")
