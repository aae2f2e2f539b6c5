"""Errors as application/problem+json (RFC 9457), with the field named."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.core.exceptions import ValidationError as FieldErrors
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from ninja import Field, NinjaAPI, Schema
from ninja.errors import HttpError, ValidationError

CONTENT_TYPE = "application/problem+json"

logger = logging.getLogger(__name__)


class ProblemOut(Schema):
    """What every error answer holds."""

    type: str = Field("about:blank", description="always about:blank: the status says the kind")
    title: str = Field(..., examples=["Unprocessable Content"])
    status: int = Field(..., examples=[422])
    detail: str = Field(..., description="one sentence", examples=["serial: it must be typed"])
    errors: dict[str, list[str]] = Field({}, description="field to sentences")
    reasons: list[str] = Field([], description="why it was refused, a sentence each")
    request: str = Field("", description="to quote when asking for help; the log has it too")


class Problem(Exception):
    """Ends a request with this answer. `extra` is added to it."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        errors: dict[str, list[str]] | None = None,
        reasons: list[str] | None = None,
        extra: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail
        self.errors, self.reasons, self.extra = errors or {}, reasons or [], extra or {}


def invalid(field: str, sentence: str) -> Problem:
    """A 422 that names one field."""
    return Problem(422, f"{field}: {sentence}", errors={field: [sentence]})


def body_of(problem: Problem, request: HttpRequest) -> dict[str, Any]:
    return {
        "type": "about:blank",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.detail,
        "errors": problem.errors,
        "reasons": problem.reasons,
        "request": getattr(request, "id", ""),
        **problem.extra,
    }


def answer(request: HttpRequest, problem: Problem) -> HttpResponse:
    body = body_of(problem, request)
    response = JsonResponse(body, status=problem.status, content_type=CONTENT_TYPE)
    if problem.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def install(api: NinjaAPI) -> None:
    """Whatever goes wrong in an operation is answered as a problem."""

    @api.exception_handler(Problem)
    def _problem(request: HttpRequest, error: Problem) -> HttpResponse:
        return answer(request, error)

    @api.exception_handler(Http404)
    def _nothing(request: HttpRequest, error: Http404) -> HttpResponse:
        return answer(request, Problem(404, "There is nothing of that number."))

    @api.exception_handler(PermissionDenied)
    def _denied(request: HttpRequest, error: PermissionDenied) -> HttpResponse:
        return answer(request, Problem(403, str(error) or "This is not for you."))

    @api.exception_handler(HttpError)
    def _http(request: HttpRequest, error: HttpError) -> HttpResponse:
        if isinstance(error.__cause__, Problem):  # found while the body was read
            return answer(request, error.__cause__)
        return answer(request, Problem(error.status_code, str(error)))

    @api.exception_handler(ValidationError)
    def _invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
        errors: dict[str, list[str]] = {}
        for each in error.errors:
            errors.setdefault(_field(each["loc"]), []).append(str(each["msg"]))
        detail = "; ".join(f"{name}: {', '.join(said)}" for name, said in errors.items())
        return answer(request, Problem(422, detail, errors=errors))

    @api.exception_handler(FieldErrors)
    def _refused(request: HttpRequest, error: FieldErrors) -> HttpResponse:
        if not hasattr(error, "error_dict"):
            return answer(request, Problem(422, "; ".join(error.messages), reasons=error.messages))
        errors = {name: list(map(str, said)) for name, said in error.message_dict.items()}
        detail = "; ".join(f"{name}: {', '.join(said)}" for name, said in errors.items())
        return answer(request, Problem(422, detail, errors=errors))

    @api.exception_handler(SuspiciousOperation)
    def _suspicious(request: HttpRequest, error: SuspiciousOperation) -> HttpResponse:
        if isinstance(error, RequestDataTooBig):
            most = f"{settings.DATA_UPLOAD_MAX_MEMORY_SIZE:,} bytes"
            return answer(request, Problem(413, f"The body is larger than {most}."))
        return answer(request, Problem(400, "This request makes no sense here."))

    @api.exception_handler(OperationalError)
    def _busy(request: HttpRequest, error: OperationalError) -> HttpResponse:
        logger.exception("the database")
        return answer(request, Problem(503, "The database doesn’t answer; try again."))

    @api.exception_handler(Exception)
    def _broken(request: HttpRequest, error: Exception) -> HttpResponse:
        logger.exception("%s %s", request.method, request.path)
        return answer(request, Problem(500, "This program has an error; the log has the reason."))


def told_as_problem(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """The view with the framework's own answer to a method that it doesn't take as a problem."""

    @wraps(view)
    def called(request: HttpRequest, *args: Any, **facts: Any) -> HttpResponseBase:
        response = view(request, *args, **facts)
        if response.status_code != 405:
            return response
        refused = answer(request, Problem(405, f"This address takes {response['Allow']}."))
        refused.headers["Allow"] = response["Allow"]
        return refused

    return called


@csrf_exempt
def nowhere(request: HttpRequest) -> HttpResponse:
    """Whatever address is none of the API's."""
    return answer(request, Problem(404, "The API has no such address; /api/v1/docs lists them."))


def _field(location: Any) -> str:
    """("body", "wish", "drive_ids", 0) is drive_ids.0, ("query", "limit") is limit."""
    parts = [str(part) for part in location]
    skipped = 2 if parts[:1] == ["body"] and len(parts) > 2 else 1
    return ".".join(parts[skipped:]) or "body"
