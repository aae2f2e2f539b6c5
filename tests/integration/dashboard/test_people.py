"""Making people and giving them roles, in Django's admin."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command
from django.test import Client

from audit.models import AuditEvent
from dashboard.roles import role_of
from tests.integration.dashboard.conftest import PASSWORD, a_user

pytestmark = pytest.mark.django_db
NEW = "battery staple 9"


@pytest.fixture(params=["of the group", "superuser"])
def admin(request: pytest.FixtureRequest) -> Client:
    """An admin; which of Django's flags make him one makes no difference."""
    client = Client()
    if request.param == "superuser":
        client.force_login(User.objects.create_superuser("admin", password=PASSWORD))
    else:
        client.force_login(a_user("admin"))
    return client


def add(admin: Client, name: str, role: str) -> Any:
    form = {"username": name, "password1": NEW, "password2": NEW, "role": role}
    return admin.post("/admin/auth/user/add/", form)


def edit(admin: Client, user: User, **form: Any) -> Any:
    return admin.post(f"/admin/auth/user/{user.pk}/change/", form)


def audited() -> list[tuple[str, str, str]]:
    kinds = ("user_added", "user_changed")
    events = AuditEvent.objects.filter(kind__in=kinds).order_by("pk")
    return [(event.kind, event.actor, event.note) for event in events]


@pytest.mark.parametrize("role", ["", "viewer", "operator", "admin"])
def test_an_admin_adds_somebody_with_a_role(admin: Client, role: str) -> None:
    assert admin.get("/admin/auth/user/add/").status_code == 200
    assert add(admin, "olga", role).status_code == 302
    olga = User.objects.get(username="olga")
    assert role_of(olga) == role and olga.check_password(NEW)
    assert olga.is_superuser == olga.is_staff == (role == "admin")
    assert audited() == [("user_added", "admin", f"olga was added with the role {role or 'none'}")]
    assert AuditEvent.objects.latest("pk").source_ip == "127.0.0.1"


def test_a_role_is_changed_and_somebody_shut_out(admin: Client) -> None:
    add(admin, "olga", "admin")
    olga = User.objects.get(username="olga")
    her = Client()
    her.force_login(olga)
    assert her.get("/admin/").status_code == 200
    edit(admin, olga, role="viewer", is_active="on")
    assert her.get("/admin/").status_code == 403 and her.get("/").status_code == 200
    olga = User.objects.get(username="olga")
    assert (olga.is_staff, olga.is_superuser) == (False, False)
    edit(admin, olga, role="viewer")
    assert her.get("/", headers={"Accept": "application/json"}).status_code == 401
    edit(admin, olga, role="viewer")  # nothing changed: nothing told
    edit(admin, olga, role="operator", is_active="on")
    assert [note for _, _, note in audited()[1:]] == [
        "olga: role admin → viewer",
        "olga: made inactive",
        "olga: role viewer → operator, made active",
    ]


def test_a_new_password_by_an_admin_ends_sessions_and_is_told(admin: Client) -> None:
    olga = a_user("viewer")
    her = Client()
    her.force_login(olga)
    form = {"password1": NEW, "password2": NEW}
    assert admin.post(f"/admin/auth/user/{olga.pk}/password/", form).status_code == 302
    assert her.get("/").status_code == 302
    assert audited() == [
        ("user_changed", "admin", "viewer was given a new password; sessions and API tokens ended")
    ]


def test_what_the_forms_do_not_offer_can_not_be_sent(admin: Client) -> None:
    olga = a_user("viewer")
    forged = {"role": "viewer", "is_active": "on", "is_superuser": "on", "is_staff": "on",
              "groups": [group.pk for group in Group.objects.all()], "username": "admin2",
              "password": "x", "user_permissions": [1]}  # fmt: skip
    edit(admin, olga, **forged)
    olga = User.objects.get(pk=olga.pk)
    assert (role_of(olga), olga.is_superuser, olga.username) == ("viewer", False, "viewer")
    assert olga.check_password(PASSWORD)
    assert edit(admin, olga, role="root", is_active="on").status_code == 200  # shown again


def test_the_last_admin_stays(admin: Client) -> None:
    me = User.objects.get(username="admin")
    for form in ({"role": "viewer", "is_active": "on"}, {"role": "admin"}):
        answer = edit(admin, me, **form)
        assert answer.status_code == 200 and "no admin left" in answer.content.decode()
    assert role_of(User.objects.get(username="admin")) == "admin"
    add(admin, "olga", "admin")
    assert edit(admin, me, role="viewer", is_active="on").status_code == 302


def test_nobody_is_deleted(admin: Client) -> None:
    olga = a_user("viewer")
    assert admin.post(f"/admin/auth/user/{olga.pk}/delete/", {"post": "yes"}).status_code == 403
    form = {"action": "delete_selected", "_selected_action": olga.pk, "post": "yes"}
    admin.post("/admin/auth/user/", form)
    assert User.objects.filter(pk=olga.pk).exists()


def test_only_people_are_edited_there_and_no_hash_is_shown(admin: Client) -> None:
    olga = a_user("viewer")
    index = admin.get("/admin/").content.decode()
    assert "Users" in index
    for gone in ("Periodic", "Groups", "Access attempt", "crontab"):
        assert gone not in index
    pages = [admin.get(path).content.decode()
             for path in ("/admin/auth/user/", f"/admin/auth/user/{olga.pk}/change/")]  # fmt: skip
    for page in pages:
        assert "viewer" in page and "salt" not in page and olga.password[:12] not in page


# --- by command -------------------------------------------------------------------------------
def typed(monkeypatch: pytest.MonkeyPatch, *passwords: str) -> None:
    """What somebody types at the terminal, one after the other."""
    left = iter(passwords)
    monkeypatch.setattr("getpass.getpass", lambda *_: next(left))


def test_a_new_password_by_command_is_told_and_ends_sessions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    olga = a_user("viewer")
    her = Client()
    her.force_login(olga)
    typed(monkeypatch, NEW, "another", "short", "short", NEW, NEW)
    call_command("changepassword", "viewer")
    assert User.objects.get(pk=olga.pk).check_password(NEW)
    assert her.get("/").status_code == 302
    told = "viewer was given a new password; sessions and API tokens ended"
    assert audited() == [("user_changed", "command line", told)]


def test_an_admin_made_by_command_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    typed(monkeypatch, NEW, NEW)
    call_command("createsuperuser", "olga")
    assert role_of(User.objects.get(username="olga")) == "admin"
    assert audited() == [("user_added", "command line", "olga was added with the role admin")]


@pytest.mark.parametrize(
    ("command", "name", "passwords", "why"),
    [
        ("changepassword", "nobody here", [], "nobody named"),
        ("changepassword", "viewer", ["short"] * 6, "Nothing was changed"),
        ("createsuperuser", "VIEWER", [], "already"),
        ("createsuperuser", "a b", [], "valid username"),
        ("createsuperuser", "olga", [NEW, "other"] * 3, "Nothing was changed"),
    ],
)
def test_a_command_that_is_refused_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, command: str, name: str, passwords: list[str], why: str
) -> None:
    olga = a_user("viewer")
    typed(monkeypatch, *passwords)
    with pytest.raises(CommandError, match=why):
        call_command(command, name)
    assert User.objects.get() == olga and User.objects.get().check_password(PASSWORD)
    assert audited() == []
