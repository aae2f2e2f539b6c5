"""REST API v2.0, up to 25.10: its paths follow from the methods' names.

`disk.query` is GET /disk, `disk.update` PUT /disk/id/…, a method without parameters a GET, any
other a POST. One parameter is the whole body, several an object by their names. Errors: 422
{attribute: [{message, errno}]} or {message, errno}, 404 {message}, 500 {message, traceback}, 400
for what is no JSON or no argument, 401, 403.
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
from .methods import Method
from .middleware import Middleware

ROOT = "/api/v2.0"
UNAUTHORIZED = {"message": "401: Unauthorized"}
CRUD = {"query": "GET", "create": "POST", "update": "PUT", "delete": "DELETE"}


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
                raise Refused(404, {"message": "404: Not Found"})
            return 200, self._answer(session, verb, path.rstrip("/"), query, authorization, raw)
        except Refused as refused:
            return refused.status, refused.body
        except Invalid as invalid:
            wrong: dict[str, Any] = {}
            for attribute, message, number in invalid.errors:
                wrong.setdefault(attribute, []).append({"message": message, "errno": number})
            return 422, wrong
        except CallError as error:
            return 422, {"message": error.message, "errno": error.number}
        except filters.BadFilter as error:
            return 422, {"message": str(error), "errno": errno.EINVAL}
        except NotFound:
            return 404, {"message": "Object does not exist"}
        except Exception as error:
            return 500, {"message": str(error), "traceback": traceback.format_exc()}

    def _answer(
        self, session: Session, verb: str, path: str, query: str, authorization: str, raw: bytes
    ) -> Any:
        fitting = [
            (route, found) for route in self._routes if (found := route.pattern.fullmatch(path))
        ]
        route, found = next(
            ((route, found) for route, found in fitting if route.verb == verb), (None, None)
        )
        if not self.middleware.accounts.log_in_by_header(session, authorization) and not (
            route and route.method.no_auth
        ):
            raise Refused(401, UNAUTHORIZED)
        if session.credentials:
            self.middleware.system.rest_used = True
        if not fitting:
            raise Refused(404, {"message": "404: Not Found"})
        if route is None or found is None:
            raise Refused(405, {"message": "405: Method Not Allowed"})
        if not self.middleware.may_call(session, route.method):
            raise Refused(403, {"message": "403: Forbidden"})
        try:
            body = json.loads(raw) if raw else None
        except ValueError as error:
            raise Refused(400, {"message": f"Failed to parse JSON: {error}"}) from None
        key = unquote(found[1]) if found.groups() else None
        result = self.middleware.call(session, route.method, self._params(route, key, query, body))
        return result.id if isinstance(result, Job) else result

    def _params(self, route: Route, key: str | None, query: str, body: Any) -> list[Any]:
        method = route.method
        if method.filterable:
            chosen, options = self._filters(query, body)
            if route.one:
                column, value = self._primary(method, key or "")
                chosen, options = [*chosen, [column, "=", value]], {**options, "get": True}
            return [chosen, options]
        params: list[Any] = []
        rest = method.parameters
        if method.item:
            params, rest = [_number(key or "", rest[0].types)], rest[1:]
        if route.verb == "GET" or body is None:
            return params
        if len(rest) == 1:
            return [*params, body]
        unknown = set(body) - {one.name for one in rest} if isinstance(body, dict) else {"a body"}
        if unknown:
            raise Refused(400, {"message": f"Unknown argument: {', '.join(sorted(unknown))}"})
        given = [body.get(one.name, one.default) for one in rest]
        return params + given

    def _primary(self, method: Method, key: str) -> tuple[str, Any]:
        if method.name != "disk.query":
            return "id", int(key) if key.isdigit() else key
        if not self.release.options_in_query_string:
            raise KeyError("id")  # CORE filters on a column that this table doesn't have
        return "identifier", key

    def _filters(self, query: str, body: Any) -> tuple[list[Any], dict[str, Any]]:
        """The body is read only where the query string gave nothing."""
        pairs = parse_qsl(query, keep_blank_values=True)
        chosen, options = filters.of_query_string(pairs, self.release.options_in_query_string)
        if not chosen and not options and isinstance(body, dict):
            return body.get("query-filters", []), body.get("query-options", {})
        return chosen, options


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
