"""Who logged in, and who tried to, goes into the audit log."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.contrib.auth.signals import user_logged_in, user_login_failed
from django.db import transaction
from django.dispatch import receiver
from django.http import HttpRequest

from audit.events import record
from audit.models import Kind


def source_ip(request: HttpRequest | None) -> str | None:
    """Where a request came from; None when the server doesn't know (a unix socket, a test)."""
    try:
        return str(ip_address(request.META.get("REMOTE_ADDR", ""))) if request else None
    except ValueError:
        return None


@receiver(user_logged_in, dispatch_uid="dashboard.logged_in")
def logged_in(request: HttpRequest | None, user: AbstractBaseUser, **_: Any) -> None:
    name = user.get_username()
    with transaction.atomic():
        record(Kind.LOGIN, f"{name} logged in", actor=name, source_ip=source_ip(request))


@receiver(user_login_failed, dispatch_uid="dashboard.login_failed")
def login_failed(credentials: dict[str, Any], request: HttpRequest | None = None, **_: Any) -> None:
    name = str(credentials.get("username", ""))[:150]
    with transaction.atomic():
        record(
            Kind.LOGIN_FAILED,
            f"A login as {name or 'nobody'} failed",
            actor=name,
            source_ip=source_ip(request),
        )
