"""One's own API tokens: make one, see it once, revoke it."""

from __future__ import annotations

from datetime import datetime, time
from typing import Any

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from .. import tokens
from ..login_events import source_ip
from ..models import ApiToken
from ..roles import ROLES, role, role_of

#: Later days can't be told in every time zone.
LAST_YEAR = 9000


@never_cache
@require_http_methods(["GET", "POST"])
@role("viewer")
def own_tokens(request: HttpRequest) -> HttpResponse:
    """GET: the list and a form. POST: a new token, which this one answer shows."""
    user = request.user
    assert isinstance(user, User)
    if request.method == "GET":
        return _page(request, user, {"role": "viewer"})
    wish = {name: request.POST.get(name, "").strip() for name in ("name", "role", "expires")}
    try:
        _, text = tokens.issue(
            user,
            name=wish["name"],
            role=wish["role"],
            expires_at=_end_of_day(wish["expires"]),
            source_ip=source_ip(request),
        )
    except tokens.TokenRefused as error:
        return _page(request, user, wish, status=422, errors={error.field: error.reason})
    return _page(request, user, {"role": "viewer"}, status=201, made=text)


@require_POST
@role("viewer")
def revoke(request: HttpRequest, token_id: int) -> HttpResponse:
    """One's own; an admin may revoke anybody's."""
    found = ApiToken.objects.select_related("owner").filter(pk=token_id)
    if role_of(request.user) != "admin":
        found = found.filter(owner_id=request.user.pk)
    tokens.revoke(
        get_object_or_404(found), by=request.user.get_username(), source_ip=source_ip(request)
    )
    return redirect("/profile/tokens")


def _end_of_day(text: str) -> datetime | None:
    """2027-01-31 is good until midnight, local time; empty for ever. Raises TokenRefused."""
    if not text:
        return None
    try:
        day = datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError:
        raise tokens.TokenRefused("expires", "A day as 2027-01-31") from None
    if not 1970 <= day.year <= LAST_YEAR:
        raise tokens.TokenRefused("expires", f"A day from 1970 to {LAST_YEAR}")
    return timezone.make_aware(datetime.combine(day, time.max))


def _page(
    request: HttpRequest,
    user: User,
    wish: dict[str, str],
    *,
    status: int = 200,
    errors: dict[str, str] | None = None,
    made: str = "",
) -> HttpResponse:
    own = role_of(user)
    # An admin sees everybody's, to be able to revoke them.
    rows = ApiToken.objects.select_related("owner").filter(revoked_at=None)
    if own != "admin":
        rows = rows.filter(owner=user)
    context: dict[str, Any] = {
        "tokens": rows,
        "roles": ROLES[: ROLES.index(own) + 1],
        "wish": wish,
        "errors": errors or {},
        "made": made,
        "now": timezone.now(),
    }
    return render(request, "dashboard/tokens.html", context, status=status)
