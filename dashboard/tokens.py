"""API tokens: a program's way in. Only a token's digest is stored; the token is shown once.

A token never allows more than its owner may at that moment. It ends with his password, and when he
is shut out.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from audit.events import record
from audit.models import Kind

from .models import ApiToken
from .roles import ROLES, role_of

#: Tells a token from any other text; config/redaction.py knows it too.
PREFIX = "burnin_"
RANDOM_BYTES = 32
LONGEST_NAME = 100
#: When it was last used is written at most so often.
USED_EVERY = timedelta(minutes=1)


class TokenRefused(ValueError):
    """No such token is made; `field` names what is wrong with the wish."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field, self.reason = field, reason


def issue(
    owner: User,
    *,
    name: str,
    role: str,
    expires_at: datetime | None,
    source_ip: str | None = None,
) -> tuple[ApiToken, str]:
    """A new token of somebody's own: its row, and the text that is never shown again.

    role: the highest that it gives. Raises TokenRefused.
    """
    name = name.strip()
    if not name or len(name) > LONGEST_NAME:
        raise TokenRefused("name", f"Name it in 1 to {LONGEST_NAME} characters")
    own = role_of(owner)
    if role not in ROLES or own not in ROLES or ROLES.index(role) > ROLES.index(own):
        raise TokenRefused("role", f"You can give {own or 'no role'} at most")
    if expires_at is not None and expires_at <= timezone.now():
        raise TokenRefused("expires", "That day is over")
    text = PREFIX + secrets.token_urlsafe(RANDOM_BYTES)
    with transaction.atomic():
        token = ApiToken.objects.create(
            owner=owner, name=name, role=role, digest=_digest(text), expires_at=expires_at
        )
        until = f" until {expires_at:%Y-%m-%d}" if expires_at else ""
        note = f"API token {name!r} with role {role}{until}"
        actor = owner.get_username()
        record(Kind.TOKEN_CREATED, note, actor=actor, source_ip=source_ip)
    return token, text


def revoke(token: ApiToken, *, by: str, source_ip: str | None = None) -> None:
    """It opens nothing any more. Once; the row stays for the record."""
    with transaction.atomic():
        left = ApiToken.objects.filter(pk=token.pk, revoked_at=None)
        if left.update(revoked_at=timezone.now()):
            note = f"API token {token.name!r} of {token.owner.get_username()}"
            record(Kind.TOKEN_REVOKED, note, actor=by, source_ip=source_ip)


def revoke_all(owner: User, why: str, *, by: str, source_ip: str | None = None) -> None:
    """Whoever had somebody's password or session may have made himself a token too."""
    with transaction.atomic():
        left = ApiToken.objects.filter(owner=owner, revoked_at=None)
        names = list(left.values_list("name", flat=True))
        left.update(revoked_at=timezone.now())
        for name in names:
            note = f"API token {name!r} of {owner.get_username()}: {why}"
            record(Kind.TOKEN_REVOKED, note, actor=by, source_ip=source_ip)


class EndWithPassword:
    """No rule for passwords: Django calls each validator once a new password is stored, whether by
    a page or by a command.
    """

    def validate(self, password: str, user: AbstractBaseUser | None = None) -> None:
        return

    def get_help_text(self) -> str:
        return "A new password ends this person’s sessions and revokes the API tokens."

    def password_changed(self, password: str, user: AbstractBaseUser | None = None) -> None:
        if isinstance(user, User):
            revoke_all(user, "the password was changed", by="")


def find(text: str) -> ApiToken | None:
    """The token that this text is, as long as it opens anything."""
    now = timezone.now()
    in_force = Q(revoked_at=None) & (Q(expires_at=None) | Q(expires_at__gt=now))
    tokens = ApiToken.objects.select_related("owner").prefetch_related("owner__groups")
    token = tokens.filter(in_force, digest=_digest(text), owner__is_active=True).first()
    if token and (token.last_used_at is None or now - token.last_used_at >= USED_EVERY):
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return token


def role_given(token: ApiToken) -> str:
    """The token's role, or its owner's where that is lower by now; empty for none."""
    own = role_of(token.owner)
    return min(token.role, own, key=ROLES.index) if own else ""


def _digest(text: str) -> str:
    # 256 random bits need neither salt nor slowness.
    return hashlib.sha256(text.encode()).hexdigest()
