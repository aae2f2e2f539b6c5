"""API tokens: what they open, for whom, and how they end."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from audit.models import AuditEvent, Kind
from config.redaction import redact
from dashboard import tokens
from dashboard.models import ApiToken
from tests.integration.dashboard.conftest import PASSWORD, a_user

pytestmark = pytest.mark.django_db
NEW = "battery staple 9"


def a_token(owner: User, role: str = "viewer", **facts: Any) -> tuple[ApiToken, str]:
    return tokens.issue(owner, name="a script", role=role, expires_at=facts.get("expires_at"))


def status(text: str, method: str = "get", path: str = "drives", **body: Any) -> int:
    """What the API answers to that token."""
    call = getattr(Client(), method)
    answer = call(
        f"/api/v1/{path}",
        body,
        content_type="application/json",
        headers={"Authorization": f"Bearer {text}"},
    )
    assert isinstance(answer.status_code, int)
    return answer.status_code


def test_a_token_opens_what_its_role_may() -> None:
    _, text = a_token(a_user("operator"))
    assert status(text) == 200
    assert status(text, "post", "burnin/cancel-all") == 403
    _, text = a_token(User.objects.get(), "operator")
    assert status(text, "post", "burnin/cancel-all") == 200
    assert status(text, path="settings") == 403


def test_a_program_reads_the_description_by_its_token() -> None:
    owner = a_user("viewer")
    (token, text), (_, other) = a_token(owner), a_token(owner)
    assert status(text, path="openapi.json") == status(other, path="docs") == 200
    tokens.revoke(token, by="viewer")
    assert status(text, path="openapi.json") == status("nonsense", path="docs") == 401
    # By login as before, and for nobody else.
    client = Client()
    assert client.get("/api/v1/openapi.json").status_code == 302
    client.force_login(owner)
    described = client.get("/api/v1/openapi.json").json()
    assert "/api/v1/burnin/start" in described["paths"]
    owner.groups.set([])
    assert status(other, path="openapi.json") == 403


def test_no_token_gives_more_than_its_owner_has() -> None:
    owner = a_user("operator")
    with pytest.raises(tokens.TokenRefused):
        a_token(owner, "admin")
    _, text = a_token(owner, "operator")
    owner.groups.set([])
    assert status(text) == 403


def test_it_ends() -> None:
    owner = a_user("viewer")
    revoked, first = a_token(owner)
    over, second = a_token(owner, expires_at=timezone.now() + timedelta(days=1))
    _, third = a_token(owner)
    tokens.revoke(revoked, by="viewer")
    ApiToken.objects.filter(pk=over.pk).update(expires_at=timezone.now())
    assert [status(text) for text in (first, second, third)] == [401, 401, 200]
    User.objects.update(is_active=False)
    assert status(third) == 401
    assert AuditEvent.objects.filter(kind=Kind.TOKEN_CREATED).count() == 3
    assert AuditEvent.objects.filter(kind=Kind.TOKEN_REVOKED).count() == 1


def test_only_a_digest_is_stored_and_no_log_shows_it() -> None:
    _, text = a_token(a_user("viewer"))
    stored = str(list(ApiToken.objects.values())) + str(list(AuditEvent.objects.values()))
    assert text not in stored and text.removeprefix(tokens.PREFIX) not in stored
    assert text not in redact(f"Authorization: Bearer {text}, token={text}")


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer nonsense", "Basic dTpw", "Bearer " + "x" * 9999]
)
def test_other_credentials_are_refused(header: str) -> None:
    answer = Client().get("/api/v1/drives", headers={"Authorization": header})
    assert answer.status_code == 401 and answer["Content-Type"] == "application/problem+json"
    assert answer["WWW-Authenticate"] == "Bearer"


def test_the_page_makes_shows_once_and_revokes() -> None:
    client = Client()
    client.force_login(a_user("operator"))
    made = client.post(
        "/profile/tokens", {"name": "n8n", "role": "operator", "expires": "2099-01-31"}
    )
    assert made.status_code == 201
    (text,) = {
        word
        for word in made.content.decode().replace("<", " ").replace(">", " ").split()
        if word.startswith(tokens.PREFIX)
    }
    assert status(text) == 200
    page = client.get("/profile/tokens").content.decode()
    assert "n8n" in page and text not in page
    token = ApiToken.objects.get()
    assert client.post(f"/profile/tokens/{token.pk}/revoke").status_code == 302
    assert status(text) == 401


@pytest.mark.parametrize(
    "field, wish",
    [
        ("name", {"name": " ", "role": "viewer"}),
        ("role", {"name": "x", "role": "admin"}),
        ("role", {"name": "x", "role": "root"}),
        ("expires", {"name": "x", "role": "viewer", "expires": "tomorrow"}),
        ("expires", {"name": "x", "role": "viewer", "expires": "2001-01-01"}),
    ],
)
def test_the_page_names_what_is_wrong(field: str, wish: dict[str, str]) -> None:
    client = Client()
    client.force_login(a_user("operator"))
    answer = client.post("/profile/tokens", wish)
    assert answer.status_code == 422 and f'id="token-{field}-hint">' in answer.content.decode()
    assert answer.content.decode().count('aria-invalid="true"') == 1
    assert not ApiToken.objects.exists()


def test_nobody_revokes_another_ones_but_an_admin() -> None:
    token, _ = a_token(a_user("viewer"))
    for role, expected in (("operator", 404), ("admin", 302)):
        client = Client()
        client.force_login(a_user(role))
        assert client.post(f"/profile/tokens/{token.pk}/revoke").status_code == expected
    token.refresh_from_db()
    assert token.revoked_at is not None


def _own_page(owner: User) -> None:
    client = Client()
    client.force_login(owner)
    form = {"old": PASSWORD, "password": NEW, "again": NEW}
    assert client.post("/profile", form).status_code == 302


def _an_admin(owner: User, what: str, **form: str) -> None:
    client = Client()
    client.force_login(a_user("admin"))
    assert client.post(f"/admin/auth/user/{owner.pk}/{what}/", form).status_code == 302


def _command(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("getpass.getpass", lambda *_: NEW)
    call_command("changepassword", owner.get_username(), verbosity=0)


@pytest.mark.parametrize(
    ("way", "actor"),
    [
        ("profile", ""),
        ("admin", ""),
        ("command", ""),
        ("no password", "admin"),
        ("inactive", "admin"),
    ],
)
def test_a_new_password_or_being_shut_out_revokes_them(
    monkeypatch: pytest.MonkeyPatch, way: str, actor: str
) -> None:
    """Whoever stole the password may have made himself a token with it."""
    owner, other = a_user("operator"), a_user("viewer")
    _, text = a_token(owner)
    tokens.issue(owner, name="another", role="operator", expires_at=None)
    _, others = a_token(other)
    if way == "profile":
        _own_page(owner)
    elif way == "admin":
        _an_admin(owner, "password", password1=NEW, password2=NEW, usable_password="true")
    elif way == "no password":
        form = {"usable_password": "false", "unset-password": "yes"}
        _an_admin(owner, "password", **form)
        told = AuditEvent.objects.filter(kind=Kind.USER_CHANGED).values_list("note", flat=True)
        assert list(told) == ["operator was left without a password; sessions and API tokens ended"]
    elif way == "inactive":
        _an_admin(owner, "change", role="operator")
        User.objects.filter(pk=owner.pk).update(is_active=True)  # later it is let in again
    else:
        _command(owner, monkeypatch)
    assert status(text) == 401 and status(others) == 200
    ended = AuditEvent.objects.filter(kind=Kind.TOKEN_REVOKED)
    why = {"inactive": "made inactive", "no password": "the password was taken away"}.get(
        way, "the password was changed"
    )
    assert sorted((event.actor, event.note) for event in ended) == [
        (actor, f"API token 'a script' of operator: {why}"),
        (actor, f"API token 'another' of operator: {why}"),
    ]


def test_a_login_or_a_role_revokes_none() -> None:
    owner = a_user("operator")
    _, text = a_token(owner)
    assert Client().post("/login", {"user": "operator", "password": PASSWORD}).status_code == 302
    _an_admin(owner, "change", role="viewer", is_active="on")
    assert status(text) == 200
