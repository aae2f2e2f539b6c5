"""For whoever watches this program: is it alive, and can it work?"""

from __future__ import annotations

import redis
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_GET
from prometheus_client import CONTENT_TYPE_LATEST

from live.changes import server

from .. import metrics as exposition
from ..api.access import RoleNeeded
from ..api.problems import Problem, answer
from ..roles import BY_ITSELF, public


@public
@require_GET
def alive(request: HttpRequest) -> JsonResponse:
    """200 as long as requests are answered at all."""
    return JsonResponse({"status": "ok"})


@public
@require_GET
def ready(request: HttpRequest) -> JsonResponse:
    """200 when database and broker answer, else 503; says which of them does."""
    found = {"database": _database_answers(), "broker": _broker_answers()}
    whole = all(found.values())
    body = {"status": "ok" if whole else "not ready"}
    body |= {name: "ok" if answers else "no answer" for name, answers in found.items()}
    return JsonResponse(body, status=200 if whole else 503)


@require_GET
def metrics(request: HttpRequest) -> HttpResponse:
    """For Prometheus, with a viewer's token or session."""
    try:
        RoleNeeded("viewer")(request)
    except Problem as problem:
        return answer(request, problem)
    return HttpResponse(exposition.text(), content_type=CONTENT_TYPE_LATEST)


# Its own check takes a token too, which a page's does not.
metrics.required_role = BY_ITSELF  # type: ignore[attr-defined]


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def _broker_answers() -> bool:
    try:
        return bool(server().ping())
    except (redis.RedisError, OSError):
        return False
