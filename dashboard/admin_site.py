"""Django's admin: for the role admin, behind our own login."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect

from .roles import may


class Site(admin.AdminSite):
    site_title = site_header = "Burn-in admin"
    index_title = "People and records"
    enable_nav_sidebar = False

    def has_permission(self, request: HttpRequest) -> bool:
        return may(request.user, "admin")

    # One door: what asks for passwords here would be a second one. DeclaredRoles has let in
    # nobody but admins.
    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        return redirect("/login")

    def logout(self, request: HttpRequest, extra_context: Any = None) -> HttpResponseBase:  # type: ignore[override]
        from .views.accounts import log_out

        return log_out(request)

    def password_change(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:  # type: ignore[override]
        return redirect("/profile")
