"""/api/v1: what pages can do, for programs. It calls the same services as the pages do.

Each operation declares the lowest role that may call it; `urls` refuses to be made without.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.urls import URLPattern, URLResolver, re_path
from ninja import NinjaAPI, Swagger

from ..roles import BY_ITSELF
from . import audit, burnins, drives, problems, settings, stats, systems
from .access import RoleNeeded, by_token_too
from .parsing import StorableParser
from .problems import CONTENT_TYPE, ProblemOut

DESCRIPTION = """\
Send a token of your profile page with each request:
`Authorization: Bearer burnin_…`. Errors are `application/problem+json` with the field named.
Sizes are bytes, temperatures °C, times UTC in ISO 8601.
"""


class _Api(NinjaAPI):
    def get_openapi_schema(self, **options: Any) -> Any:
        """Made once: it takes a while, and is the same until the next start."""
        made = self.__dict__.setdefault("_described", {})
        key = repr(options)
        if key not in made:
            made[key] = self._describe(**options)
        return made[key]

    def _describe(self, **options: Any) -> Any:
        """What the framework can't know: errors have a type of their own, some may come from every
        operation, and the first sentence about one is its title."""
        schema = super().get_openapi_schema(**options)
        for methods in schema["paths"].values():
            for operation in methods.values():
                title, _, more = operation.pop("description").partition(". ")
                operation["summary"] = title.removesuffix(".")
                if more:
                    operation["description"] = more
                for status in (413, 503) if "requestBody" in operation else (503,):
                    operation["responses"].setdefault(status, _problem(status))
                for status, answer in operation["responses"].items():
                    if int(status) >= 400 and "application/json" in answer.get("content", {}):
                        answer["content"][CONTENT_TYPE] = answer["content"].pop("application/json")
        return schema


def _problem(status: int) -> dict[str, Any]:
    shape = {"$ref": f"#/components/schemas/{ProblemOut.__name__}"}
    content = {"application/json": {"schema": shape}}
    return {"description": HTTPStatus(status).phrase, "content": content}


def _make() -> NinjaAPI:
    api = _Api(
        title="Burn-in",
        version="1",
        description=DESCRIPTION,
        urls_namespace="api",
        parser=StorableParser(),
        # The shapes stay folded: each operation shows its own.
        docs=Swagger({"defaultModelsExpandDepth": 0}),
        docs_decorator=by_token_too,
    )
    problems.install(api)
    api.add_router("/drives", drives.router)
    api.add_router("/burnin", burnins.router)
    api.add_router("/settings", settings.router)
    api.add_router("/systems", systems.router)
    api.add_router("/stats", stats.router)
    api.add_router("", audit.router)
    return api


api = _make()


def operations() -> dict[tuple[str, str], str]:
    """(method, path) of every operation to the lowest role that may call it."""
    found = {}
    for prefix, router in api._routers:
        for path, view in router.path_operations.items():
            for operation in view.operations:
                (auth,) = operation.auth_callbacks or (None,)
                if not isinstance(auth, RoleNeeded):
                    raise TypeError(f"{operation.view_func.__name__} declares no role")
                for method in operation.methods:
                    found[method, f"{prefix}{path}"] = auth.needed
    return found


def urls() -> list[URLPattern | URLResolver]:
    """The addresses. Who may call is decided by each operation, which answers as a problem."""
    patterns: list[Any] = [*api.urls[0], re_path("", problems.nowhere)]
    operations()
    for pattern in patterns:
        pattern.callback = problems.told_as_problem(pattern.callback)
        if not hasattr(pattern.callback, "required_role"):
            pattern.callback.required_role = BY_ITSELF
    return patterns
