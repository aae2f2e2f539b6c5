"""Logging in and out, the first admin, and one's own password."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import auth
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from audit.events import record
from audit.models import Kind

from .. import first_admin, throttle
from ..account_forms import PasswordForm, SetupForm
from ..login_events import source_ip
from ..roles import SETUP_URL, public, role

BACKEND = "dashboard.roles.RoleBackend"


@sensitive_post_parameters()
@public
@never_cache
@csrf_protect
@require_http_methods(["GET", "POST"])
def log_in(request: HttpRequest) -> HttpResponse:
    """Fields `user` and `password`; afterwards to the page that was asked for.

    422 when they don't go together, 429 with Retry-After for an address that tried too often.
    """
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    context: dict[str, Any] = {"next": wanted, "user_name": "", "error": ""}
    if request.method == "GET":
        if request.user.is_authenticated:
            return redirect(settings.LOGIN_REDIRECT_URL)
        if not first_admin.admin_exists():
            return redirect(SETUP_URL)
        return render(request, "dashboard/login.html", context)
    locked = throttle.locked_seconds(request)
    name, password = request.POST.get("user", ""), request.POST.get("password", "")
    user = None if locked else throttle.checked(request, name, password)
    if user is not None:
        auth.login(request, user)
        return redirect(wanted if _is_ours(request, wanted) else settings.LOGIN_REDIRECT_URL)
    locked = locked or throttle.locked_seconds(request)
    error = (
        throttle.locked_sentence(locked) if locked else "That name and password don’t go together."
    )
    context |= {"user_name": name, "error": error, "locked": bool(locked)}
    return _refused(request, "login.html", context, locked)


@public
@require_POST
def log_out(request: HttpRequest) -> HttpResponseBase:
    auth.logout(request)
    return redirect(settings.LOGIN_URL)


@sensitive_post_parameters()
@public
@never_cache
@csrf_protect
@require_http_methods(["GET", "POST"])
def setup(request: HttpRequest) -> HttpResponse:
    """Makes the first admin of whoever has the code that `prepare` printed, and logs him in.

    Not there while an admin exists. The code is looked at first: without it nothing is told.
    """
    if first_admin.admin_exists():
        return redirect(settings.LOGIN_URL)
    if request.method == "GET":
        return render(request, "dashboard/setup.html", {"form": SetupForm()})
    form = SetupForm(request.POST)
    locked = throttle.locked_seconds(request)
    if locked or not first_admin.is_right(request.POST.get("code", "")):
        if not locked:
            throttle.count_wrong_code(request)
            locked = throttle.locked_seconds(request)
        error = throttle.locked_sentence(locked) if locked else "This is not the code."
        context = {"form": form, "code_error": error}
        return _refused(request, "setup.html", context, locked)
    if not form.is_valid():
        return _refused(request, "setup.html", {"form": form})
    try:
        user = first_admin.make(
            form.cleaned_data["code"],
            form.cleaned_data["user"],
            form.cleaned_data["password"],
            source_ip=source_ip(request),
        )
    except (first_admin.CodeRefused, IntegrityError):
        # Somebody was quicker: with the code, or with the name.
        return redirect(SETUP_URL)
    auth.login(request, user, backend=BACKEND)
    return redirect(settings.LOGIN_REDIRECT_URL)


@sensitive_post_parameters()
@never_cache
@csrf_protect
@require_http_methods(["GET", "POST"])
@role("viewer")
def profile(request: HttpRequest) -> HttpResponse:
    """One's own role and password. A new password ends one's other sessions and one's API tokens;
    this session goes on.
    """
    user = request.user
    assert isinstance(user, User)
    if request.method == "GET":
        context = {"form": PasswordForm(user), "changed": "changed" in request.GET}
        return render(request, "dashboard/profile.html", context)
    form = PasswordForm(user, request.POST)
    locked = throttle.locked_seconds(request)
    old = request.POST.get("old", "")
    if locked or throttle.checked(request, user.get_username(), old) is None:
        locked = locked or throttle.locked_seconds(request)
        error = throttle.locked_sentence(locked) if locked else "This is not your password."
        context = {"form": form, "old_error": error}
        return _refused(request, "profile.html", context, locked)
    if not form.is_valid():
        return _refused(request, "profile.html", {"form": form})
    with transaction.atomic():
        user.set_password(form.cleaned_data["password"])
        user.save(update_fields=["password"])
        name = user.get_username()
        note = f"{name} changed the own password; other sessions and API tokens ended"
        record(Kind.USER_CHANGED, note, actor=name, source_ip=source_ip(request))
    auth.update_session_auth_hash(request, user)
    return redirect("/profile?changed")


def _refused(
    request: HttpRequest, page: str, context: dict[str, Any], locked_seconds: int = 0
) -> HttpResponse:
    """The page again with its errors: 422, or 429 for an address that has to wait."""
    status = 429 if locked_seconds else 422
    headers = {"Retry-After": str(locked_seconds)} if locked_seconds else {}
    response = render(request, f"dashboard/{page}", context, status=status)
    for header, value in headers.items():
        response[header] = value
    return response


def _is_ours(request: HttpRequest, address: str) -> bool:
    return url_has_allowed_host_and_scheme(
        address, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
