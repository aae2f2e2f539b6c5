"""Who logged in, and who tried to, goes into the audit log."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

from axes.signals import user_locked_out
from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, User
from django.contrib.auth.signals import user_logged_in, user_login_failed
from django.db import transaction
from django.dispatch import receiver
from django.http import HttpRequest

from audit.events import record
from audit.models import Kind

from .words import duration

#: Stands for the name where a setup code was wrong; no account can have it.
SETUP_CODE = "setup code/"


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
    """Names an account, never what else was typed: that may be a password in the wrong field."""
    typed = str(credentials.get("username", ""))
    known = typed if User.objects.filter(username=typed).exists() else ""
    if typed == SETUP_CODE:
        note = "A wrong setup code was entered"
    else:
        note = f"A login as {known or 'somebody unknown'} failed"
    with transaction.atomic():
        record(Kind.LOGIN_FAILED, note, actor=known, source_ip=source_ip(request))


@receiver(user_locked_out, dispatch_uid="dashboard.locked_out")
def locked_out(request: HttpRequest, **_: Any) -> None:
    limit, cool_off = settings.AXES_FAILURE_LIMIT, settings.AXES_COOLOFF_TIME
    note = f"No login for {duration(cool_off.total_seconds())} after {limit} wrong tries"
    with transaction.atomic():
        record(Kind.LOGIN_LOCKED, note, source_ip=source_ip(request))
