"""Django's admin: for the role admin, behind our own login."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect

from .roles import may


class EmptyIsNone:
    """Mixed into an admin: `?_to_field=` names no field. Django looks for one of that name."""

    def get_object(self, request: HttpRequest, object_id: str, from_field: Any = None) -> Any:
        return super().get_object(request, object_id, from_field or None)  # type: ignore[misc]


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
