"""Logging in and out."""

from __future__ import annotations

from django.conf import settings
from django.contrib import auth
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_http_methods, require_POST

from ..roles import public, wants_json


@public
@never_cache
@csrf_protect
@require_http_methods(["GET", "POST"])
def log_in(request: HttpRequest) -> HttpResponse:
    """Fields `user` and `password`; afterwards to the page that was asked for."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    context = {"next": wanted, "user_name": "", "error": ""}
    if request.method == "POST":
        name, password = request.POST.get("user", ""), request.POST.get("password", "")
        user = auth.authenticate(request, username=name, password=password)
        if user is not None:
            auth.login(request, user)
            return redirect(wanted if _is_ours(request, wanted) else settings.LOGIN_REDIRECT_URL)
        context |= {"user_name": name, "error": "That name and password don’t go together."}
        if wants_json(request):
            return JsonResponse({"errors": {"password": [context["error"]]}}, status=422)
    elif request.user.is_authenticated:
        return redirect(settings.LOGIN_REDIRECT_URL)
    return render(request, "dashboard/login.html", context)


@public
@require_POST
def log_out(request: HttpRequest) -> HttpResponseBase:
    auth.logout(request)
    return redirect(settings.LOGIN_URL)


def _is_ours(request: HttpRequest, address: str) -> bool:
    return url_has_allowed_host_and_scheme(
        address, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
