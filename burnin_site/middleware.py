"""What every answer carries: headers that keep it safe, and the id of its request; and its line in
the log."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Awaitable, Callable

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.encoding import escape_uri_path

from audit.trace import about

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
HEADERS = {
    # Scripts and styles come from our own files only: no inline code, no other host.
    "Content-Security-Policy": POLICY,
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "X-Content-Type-Options": "nosniff",
    # Nothing that needed a login is kept by a browser or proxy; static files say otherwise.
    "Cache-Control": "no-store, private",
}


REQUEST_ID = "X-Request-ID"

logger = logging.getLogger(__name__)


class SafeHeaders:
    """Sets these headers on every answer that doesn't set them itself, and gives each request an id
    that its log lines, those of its tasks, and its answer carry."""

    sync_capable = async_capable = True

    def __init__(
        self, get_response: Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]
    ) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if self.is_async:
            return self._answer_async(request)
        request_id = _name(request)
        with about(request=request_id):
            began = time.monotonic()
            response = self.get_response(request)
            assert isinstance(response, HttpResponseBase)
            _log(request, response, began)
        return _with_headers(response, request_id)

    async def _answer_async(self, request: HttpRequest) -> HttpResponseBase:
        request_id = _name(request)
        with about(request=request_id):
            began = time.monotonic()
            response = await self.get_response(request)  # type: ignore[misc]
            _log(request, response, began)
        return _with_headers(response, request_id)


def _name(request: HttpRequest) -> str:
    """A fresh id: one that a client sends is somebody else's word."""
    request.id = uuid.uuid4().hex[:12]  # type: ignore[attr-defined]
    return str(request.id)  # type: ignore[attr-defined]


def _log(request: HttpRequest, response: HttpResponseBase, began: float) -> None:
    """Without the query, which may hold what somebody looks for."""
    where, took = escape_uri_path(request.path), (time.monotonic() - began) * 1000
    logger.info("%s %s %d in %.0f ms", request.method, where, response.status_code, took)


def _with_headers(response: HttpResponseBase, request_id: str) -> HttpResponseBase:
    response.headers[REQUEST_ID] = request_id
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    return response
