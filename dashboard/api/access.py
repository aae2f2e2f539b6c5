"""Who may call an operation: a token's owner, or somebody who is logged in on the page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.contrib.auth.models import User
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from ninja.security.base import AuthBase
from ninja.utils import check_csrf

from .. import tokens
from ..doorkeeper import Pass, still_good
from ..login_events import source_ip
from ..roles import ROLES, role, role_of
from .problems import Problem, answer

SAFE = {"GET", "HEAD", "OPTIONS"}


@dataclass(frozen=True)
class Caller:
    """Who calls, with which role (that of the token, where it is lower), and from where."""

    user: User
    role: str
    source_ip: str | None

    @property
    def name(self) -> str:
        return self.user.get_username()


class RoleNeeded(AuthBase):
    """Declares the lowest role that may call an operation; every operation has one."""

    openapi_type = "http"
    openapi_scheme = "bearer"
    openapi_description = "A token from your profile page. A session works too, with X-CSRFToken."

    def __init__(self, needed: str) -> None:
        if needed not in ROLES:
            raise ValueError(f"{needed!r} is not a role")
        super().__init__()
        self.needed = needed

    def __call__(self, request: HttpRequest) -> Caller:
        """Raises Problem: 401 for nobody, 403 for too low a role."""
        caller = _caller(request)
        if not caller.role or ROLES.index(caller.role) < ROLES.index(self.needed):
            has = f"yours is {caller.role}" if caller.role else "you have none"
            raise Problem(403, f"This takes the role {self.needed}; {has}.")
        return caller


def _caller(request: HttpRequest) -> Caller:
    header = request.headers.get("Authorization", "")
    if header:
        scheme, _, text = header.partition(" ")
        token = tokens.find(text.strip()) if scheme.lower() == "bearer" else None
        if token is None:
            raise Problem(401, "This token is unknown, was revoked, or is over.")
        return Caller(token.owner, tokens.role_given(token), source_ip(request))
    if not request.user.is_authenticated:
        raise Problem(401, "Send a token: Authorization: Bearer …")
    # Only a browser brings its cookie by itself, so only here another site could be behind it.
    if request.method not in SAFE and check_csrf(request) is not None:
        raise Problem(403, "X-CSRFToken is missing or wrong.")
    assert isinstance(request.user, User)
    return Caller(request.user, role_of(request.user), source_ip(request))


def may_still(request: HttpRequest, needed: str) -> bool:
    """Whether who was let in a while ago would be let in now."""
    header = request.headers.get("Authorization", "")
    if not header:
        caller = caller_of(request)
        one = Pass(request.session.session_key or "", caller.user.pk, needed)
        return bool(still_good({one}))
    try:
        role = _caller(request).role
    except Problem:
        return False
    return bool(role) and ROLES.index(role) >= ROLES.index(needed)


def caller_of(request: HttpRequest) -> Caller:
    """Who was let in by RoleNeeded."""
    caller = request.auth  # type: ignore[attr-defined]
    assert isinstance(caller, Caller)
    return caller


def by_token_too(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """A page for viewers that a token opens as well: the description, which programs read."""
    page = role("viewer")(view)

    @wraps(page)
    def called(request: HttpRequest, *args: Any, **facts: Any) -> HttpResponseBase:
        if "Authorization" not in request.headers:
            return page(request, *args, **facts)
        try:
            viewer(request)
        except Problem as problem:
            return answer(request, problem)
        return view(request, *args, **facts)

    return called


viewer, operator, admin = RoleNeeded("viewer"), RoleNeeded("operator"), RoleNeeded("admin")
