"""Viewer, operator, admin: who may do what. Each view declares the lowest role that may call it."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar
from urllib.parse import quote

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, Group, User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect
from django_htmx.http import HttpResponseClientRedirect

from .first_admin import admin_exists

ROLES = ("viewer", "operator", "admin")
PUBLIC = "public"
#: Declared by a view that decides by itself, because a token may open it too: those of the API.
BY_ITSELF = "by itself"
SETUP_URL = "/setup"

View = TypeVar("View", bound=Callable[..., Any])


def make_groups(using: str = "default", **_: Any) -> None:
    """The groups behind the roles; called after each migrate."""
    for name in ROLES:
        Group.objects.using(using).get_or_create(name=name)


def role_of(user: AbstractBaseUser | AnonymousUser) -> str:
    """The highest role of a user; empty for somebody who has none. Asks once a request."""
    if not user.is_authenticated or not user.is_active:
        return ""
    known: str | None = getattr(user, "_role", None)
    if known is None:
        assert isinstance(user, User)
        if user.is_superuser:
            known = ROLES[-1]
        else:
            names = {group.name for group in user.groups.all()}
            known = next((name for name in reversed(ROLES) if name in names), "")
        user._role = known  # type: ignore[attr-defined]
    return known


def may(user: AbstractBaseUser | AnonymousUser, needed: str) -> bool:
    """Whether the user has that role or a higher one."""
    own = role_of(user)
    return bool(own) and ROLES.index(own) >= ROLES.index(needed)


def public(view: View) -> View:
    """Declares that anybody may call a view, logged in or not."""
    view.required_role = PUBLIC  # type: ignore[attr-defined]
    return view


def role(
    needed: str,
) -> Callable[[Callable[..., HttpResponseBase]], Callable[..., HttpResponseBase]]:
    """Declares and enforces the lowest role that may call a view.

    Somebody who isn't logged in is sent to the login page; too low a role gets a 403 page that
    names the role it takes. A page's script that accepts JSON gets 401 and 403 as JSON.
    """
    if needed not in ROLES:
        raise ValueError(f"{needed!r} is not a role")

    def declare(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            return _refusal(request, needed) or view(request, *args, **kwargs)

        checked.required_role = needed  # type: ignore[attr-defined]
        return checked

    return declare


class RoleBackend(ModelBackend):
    """Passwords as Django keeps them; Django's permissions are those of the role: admins have all
    of them, others none. So it doesn't matter which of Django's flags an admin has."""

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        return may(user_obj, "admin")

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:
        return may(user_obj, "admin")


class DeclaredRoles:
    """Middleware: refuses a view that declares no role, so that none is open by oversight.

    All of Django's own admin takes the role admin, whatever its views check themselves.
    """

    sync_capable = async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        match = request.resolver_match
        if match and match.app_name == "admin":
            return _refusal(request, "admin")
        if not hasattr(view, "required_role"):
            raise PermissionDenied("This address declares no role, so nobody may use it.")
        return None


def wants_json(request: HttpRequest) -> bool:
    """Whether a page's own script asks (edit.js, settings.js); browsers and htmx accept text/html.
    Programs have the API."""
    return "application/json" in request.headers.get("Accept", "")


def _refusal(request: HttpRequest, needed: str) -> HttpResponse | None:
    """What somebody without that role gets instead of the view; None lets him in."""
    if not request.user.is_authenticated:
        return _to_login(request)
    if may(request.user, needed):
        return None
    own = role_of(request.user)
    yours = f"yours is {own}" if own else "you have none yet"
    message = f"This takes the role {needed}; {yours}."
    if wants_json(request):
        return JsonResponse({"reasons": [message]}, status=403)
    raise PermissionDenied(message)


def _to_login(request: HttpRequest) -> HttpResponse:
    """To the login, or while there is no admin to the page that makes the first one."""
    if wants_json(request):
        return JsonResponse({"reasons": ["Log in first."]}, status=401)
    login = str(settings.LOGIN_URL) if admin_exists() else SETUP_URL
    if request.headers.get("HX-Request"):
        # The page that asked is what to come back to, not the fragment.
        return HttpResponseClientRedirect(login)
    return redirect(f"{login}?next={quote(request.get_full_path())}")
