"""Checking passwords and setup codes, not too often for one address.

django-axes counts the failures of an address in the database, whatever names they tried, and its
backend refuses a locked one before a password is looked at. Added here: passwords are checked one
at a time, so that many tries at once are counted before they are answered; an IPv6 network counts
as one address; and a locked address learns for how long.
"""

from __future__ import annotations

import threading
from datetime import timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any

from axes.models import AccessAttempt
from django.conf import settings
from django.contrib import auth
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_login_failed
from django.http import HttpRequest
from django.utils import timezone

from .login_events import SETUP_CODE
from .words import duration

#: What a provider gives to one customer, who may choose any address within it.
IPV6_PREFIX = 64
NAME_MAX = 150

_one_at_a_time = threading.Lock()


def counted_address(request: HttpRequest) -> str | None:
    """The address that failures are counted for (AXES_CLIENT_IP_CALLABLE)."""
    try:
        address = ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        return str(ip_network((int(address), IPV6_PREFIX), strict=False).network_address)
    return str(address)


def counted_name(request: HttpRequest, credentials: dict[str, Any] | None = None) -> str:
    """No name is counted or stored (AXES_USERNAME_CALLABLE): what was typed there may be a
    password, and whoever knows a name could lock that person out."""
    return ""


def checked(request: HttpRequest, name: str, password: str) -> User | None:
    """The user of that name and password. None when they don't go together, or when the address
    is locked, which `locked_seconds` tells apart."""
    # No account has such a name, and PostgreSQL takes none of them.
    if "\0" in name or len(name) > NAME_MAX:
        name = ""
    with _one_at_a_time:
        # Also those that waited here while another one was the last too many.
        if locked_seconds(request):
            return None
        user = auth.authenticate(request, username=name, password=password)
    assert user is None or isinstance(user, User)
    return user


def count_wrong_code(request: HttpRequest) -> None:
    """A wrong setup code counts as a wrong password."""
    with _one_at_a_time:
        if not locked_seconds(request):
            credentials = {"username": SETUP_CODE}
            user_login_failed.send(sender=__name__, credentials=credentials, request=request)


def locked_seconds(request: HttpRequest) -> int:
    """For how long this address may not try any more; 0 when it may."""
    cool_off: timedelta = settings.AXES_COOLOFF_TIME
    now = timezone.now()
    attempts = list(
        AccessAttempt.objects.filter(
            ip_address=counted_address(request), attempt_time__gt=now - cool_off
        )
        .order_by("attempt_time")
        .values_list("attempt_time", "failures_since_start")
    )
    left = sum(failures for _, failures in attempts)
    for at, failures in attempts:
        if left < settings.AXES_FAILURE_LIMIT:
            break
        left -= failures
        if left < settings.AXES_FAILURE_LIMIT:
            return max(1, round((at + cool_off - now).total_seconds()))
    return 0


def locked_sentence(seconds: int) -> str:
    # Up to a whole minute: who comes back then is let in.
    wait = seconds if seconds < 60 else -(-seconds // 60) * 60
    return f"Too many wrong tries from your address. Try again in {duration(wait)}."
