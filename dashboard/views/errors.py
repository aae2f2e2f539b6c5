"""What is shown instead of a page that can't be: 400, 403, 404, 500, for people and programs."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string

from ..api import problems
from ..assets import files
from ..roles import public, wants_json


@public
def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _answer(request, 400, "This request makes no sense here.", "Nothing was changed.")


@public
def denied(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    reason = str(exception) if exception and str(exception) else "This is not for you."
    return _answer(request, 403, reason, "An admin can give you another role.")


@public
def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    return _answer(
        request,
        403,
        "This form is too old, or came from another site.",
        "Nothing was changed. Load the page again and repeat what you did.",
    )


@public
def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _answer(
        request, 404, "There is no such page.", "The drive or burn-in may have another number."
    )


@public
def broken(request: HttpRequest) -> HttpResponse:
    """Asks neither session nor database, either of which may be what broke."""
    sentence = "This page could not be made."
    if _is_api(request):
        return problems.answer(request, problems.Problem(500, sentence))
    if wants_json(request):
        return JsonResponse({"reasons": [sentence], "request": _id(request)}, status=500)
    meaning = (
        "Drives and burn-ins are not affected. The log has the reason, under the request’s id."
    )
    context = _words(500, sentence, meaning) | {"request_id": _id(request)}
    return HttpResponse(render_to_string("dashboard/error.html", context), status=500)


def _answer(request: HttpRequest, status: int, sentence: str, meaning: str) -> HttpResponse:
    if _is_api(request):
        return problems.answer(request, problems.Problem(status, sentence))
    if wants_json(request):
        return JsonResponse({"reasons": [sentence]}, status=status)
    context = _words(status, sentence, meaning)
    return render(request, "dashboard/error.html", context, status=status)


def _words(status: int, sentence: str, meaning: str) -> dict[str, Any]:
    sheets = files("css/all.css")
    return {"status": status, "sentence": sentence, "meaning": meaning, "sheets": sheets}


def _is_api(request: HttpRequest) -> bool:
    """What was refused before the API saw it, as a Host that isn't ours."""
    return request.path.startswith("/api/v1/")


def _id(request: HttpRequest) -> str:
    """What the log's lines about this request carry."""
    return str(getattr(request, "id", ""))
