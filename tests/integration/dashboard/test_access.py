"""Logging in, the first admin and one's own password, and those who try to get around them."""

from __future__ import annotations

import re
import threading
from datetime import timedelta
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from audit.models import AuditEvent, Kind
from dashboard import first_admin
from dashboard.models import SetupCode
from tests.integration.dashboard.conftest import PASSWORD, a_user

pytestmark = pytest.mark.django_db
JSON = {"Accept": "application/json"}
NEW = "battery staple 9"


def log_in(client: Client, name: str, password: str, **facts: Any) -> Any:
    return client.post("/login", {"user": name, "password": password}, **facts)


def notes(kind: Kind) -> list[str]:
    return [event.note for event in AuditEvent.objects.filter(kind=kind)]


# --- too many wrong passwords -----------------------------------------------------------------
def test_an_address_that_guesses_is_locked_and_told_for_how_long() -> None:
    a_user("viewer")
    client = Client()
    for _ in range(9):
        assert log_in(client, "viewer", "wrong").status_code == 422
    last = log_in(client, "viewer", "wrong")
    assert last.status_code == 429 and 595 <= int(last["Retry-After"]) <= 600
    assert "Too many wrong tries from your address. Try again in 10 min." in last.content.decode()
    assert log_in(client, "viewer", PASSWORD).status_code == 429  # even with the right one
    assert notes(Kind.LOGIN_LOCKED) == ["No login for 10 min after 10 wrong tries"]
    assert len(notes(Kind.LOGIN_FAILED)) == 10  # what is refused unread fills no log
    # Somebody elsewhere isn't concerned, and the lock ends.
    assert log_in(Client(), "viewer", PASSWORD, REMOTE_ADDR="192.0.2.1").status_code == 302
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=10, seconds=1))
    assert log_in(client, "viewer", PASSWORD).status_code == 302


def test_trying_while_locked_does_not_make_it_longer() -> None:
    client = Client()
    for _ in range(10):
        log_in(client, "x", "wrong")
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=9))
    for _ in range(5):
        assert int(log_in(client, "x", "wrong")["Retry-After"]) <= 60


@pytest.mark.parametrize("varied", ["name", "agent", "own login", "address in its network"])
def test_no_way_around_the_count(varied: str) -> None:
    a_user("admin")
    a_user("viewer")
    answers = []
    for turn in range(12):
        client = Client()
        facts: dict[str, Any] = {"REMOTE_ADDR": "2001:db8::1"}
        name = "admin"
        if varied == "name":
            name = f"somebody-{turn}"
        elif varied == "agent":
            facts["HTTP_USER_AGENT"] = f"browser {turn}"
        elif varied == "address in its network":
            facts["REMOTE_ADDR"] = f"2001:db8::{turn}:1"
        elif turn % 3 == 0:
            log_in(client, "viewer", PASSWORD, **facts)
        answers.append(log_in(client, name, "wrong", **facts).status_code)
    assert answers == [422] * 9 + [429] * 3
    facts = {"REMOTE_ADDR": "2001:db8:0:1::1"}
    assert log_in(Client(), "admin", "wrong", **facts).status_code == 422


@pytest.mark.django_db(transaction=True)
def test_many_tries_at_once_are_counted_before_they_are_answered() -> None:
    a_user("viewer")
    answers: list[int] = []

    def attempt() -> None:
        answers.append(log_in(Client(), "viewer", "wrong").status_code)
        connection.close()

    threads = [threading.Thread(target=attempt) for _ in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(notes(Kind.LOGIN_FAILED)) == 10
    assert sorted(answers) == [422] * 9 + [429] * 15


@pytest.mark.parametrize("name", ["a\0b", "x" * 5000, "𝕏" * 200, "", "setup code/"])
def test_strange_names_are_simply_wrong(name: str) -> None:
    assert log_in(Client(), name, "wrong").status_code == 422


def test_what_is_typed_as_a_name_is_kept_nowhere() -> None:
    """People type their password into the wrong field."""
    log_in(Client(), "MyPassword-4711", "x")
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            assert "MyPassword-4711" not in str(cursor.fetchall()), table
    assert notes(Kind.LOGIN_FAILED) == ["A login as somebody unknown failed"]


def test_djangos_own_login_is_no_second_door(client: Client) -> None:
    a_user("admin")
    form = {"username": "admin", "password": PASSWORD}
    for path in ("/admin/login/", "/admin/login/?next=/admin/"):
        assert client.post(path, form)["Location"].startswith("/login?next=")
    assert "sessionid" not in client.cookies


def test_an_inactive_person_does_not_get_in() -> None:
    user = a_user("viewer")
    client = Client()
    assert log_in(client, "viewer", PASSWORD).status_code == 302
    user.is_active = False
    user.save()
    assert client.get("/", headers=JSON).status_code == 401
    assert log_in(Client(), "viewer", PASSWORD).status_code == 422


# --- sessions ---------------------------------------------------------------------------------
def test_a_login_gets_a_session_of_its_own(client: Client) -> None:
    """A session key that somebody planted beforehand is worth nothing."""
    a_user("admin")
    a_user("viewer")
    session = client.session
    session["planted"] = True
    session.save()
    client.cookies["sessionid"] = planted = session.session_key
    token = client.get("/login").cookies["csrftoken"].value
    log_in(client, "viewer", PASSWORD)
    assert client.cookies["sessionid"].value != planted
    assert client.cookies["csrftoken"].value != token
    other = Client()
    other.cookies["sessionid"] = planted
    assert other.get("/", headers=JSON).status_code == 401


def test_logging_out_ends_the_session_on_the_server(client: Client) -> None:
    a_user("viewer")
    log_in(client, "viewer", PASSWORD)
    key = client.cookies["sessionid"].value
    client.post("/logout")
    assert not Session.objects.filter(session_key=key).exists()
    again = Client()
    again.cookies["sessionid"] = key
    assert again.get("/", headers=JSON).status_code == 401


def test_flags_of_the_cookies(client: Client, settings: Any) -> None:
    a_user("viewer")
    for secure in (False, True):
        settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = secure
        client.get("/login")
        log_in(client, "viewer", PASSWORD)
        for name in ("sessionid", "csrftoken"):
            cookie = client.cookies[name]
            assert cookie["httponly"] and cookie["samesite"] == "Lax", name
            assert bool(cookie["secure"]) == secure, name


# --- the own password -------------------------------------------------------------------------
def change(
    client: Client, old: str = PASSWORD, new: str = NEW, again: str = "", **facts: Any
) -> Any:
    form = {"old": old, "password": new, "again": again or new}
    return client.post("/profile", form, **facts)


def test_a_new_password_ends_all_other_sessions() -> None:
    a_user("viewer")
    here, there = Client(), Client()
    for client in (here, there):
        log_in(client, "viewer", PASSWORD)
    key = here.cookies["sessionid"].value
    assert change(here)["Location"] == "/profile?changed"
    assert "Your password is changed" in here.get("/profile?changed").content.decode()
    assert here.cookies["sessionid"].value != key
    assert there.get("/", headers=JSON).status_code == 401
    assert log_in(Client(), "viewer", PASSWORD).status_code == 422
    assert log_in(Client(), "viewer", NEW).status_code == 302
    told = "viewer changed the own password; other sessions and API tokens ended"
    assert notes(Kind.USER_CHANGED) == [told]


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"old": "wrong"}, "old"),
        ({"new": "short"}, "password"),
        ({"new": "password123"}, "password"),
        ({"new": "viewer1234"}, "password"),
        ({"again": "something else"}, "again"),
    ],
)
def test_what_is_wrong_stands_at_its_field(form: dict[str, str], field: str) -> None:
    a_user("viewer")
    client = Client()
    log_in(client, "viewer", PASSWORD)
    answer = change(client, **form)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert re.findall(r'name="(\w+)"[^>]*aria-invalid="true"', page) == [field]
    assert not re.search(r'type="password"[^>]*value=', page)
    assert User.objects.get().check_password(PASSWORD)


def test_an_open_browser_is_no_way_to_guess_the_password() -> None:
    a_user("viewer")
    client = Client()
    log_in(client, "viewer", PASSWORD)
    codes = [change(client, old=f"guess {turn}").status_code for turn in range(12)]
    assert codes == [422] * 9 + [429] * 3
    assert change(client).status_code == 429


def test_the_profile_says_who_one_is() -> None:
    a_user("operator")
    client = Client()
    log_in(client, "operator", PASSWORD)
    page = client.get("/profile").content.decode()
    assert "operator, operator" in page and "start and cancel burn-ins" in page


# --- the first admin --------------------------------------------------------------------------
@pytest.fixture
def code() -> str:
    return first_admin.new_code()


def set_up(client: Client, code: str, name: str = "olga", **facts: Any) -> Any:
    form = {"code": code, "user": name, "password": NEW, "again": NEW}
    return client.post("/setup", form, **facts)


def test_while_there_is_no_admin_every_page_leads_to_setup(client: Client, code: str) -> None:
    a_user("viewer")  # is none
    for path in ("/", "/history", "/profile", "/admin/", "/admin/auth/user/add/"):
        assert client.get(path)["Location"].startswith("/setup"), path
    assert client.get("/login")["Location"] == "/setup"
    assert "Setup code" in client.get("/setup").content.decode()


def test_the_code_makes_an_admin_once(client: Client, code: str) -> None:
    assert re.fullmatch(r"([A-Z2-9]{5}-){3}[A-Z2-9]{5}", code)
    assert code not in str(list(SetupCode.objects.values_list()))
    assert set_up(client, code.lower().replace("-", " "))["Location"] == "/"
    olga = User.objects.get()
    assert olga.is_superuser and olga.check_password(NEW)
    assert client.get("/admin/").status_code == 200
    assert notes(Kind.USER_ADDED) == ["olga became the first admin with the setup code"]
    other = Client()
    assert other.get("/setup")["Location"] == "/login"
    assert set_up(other, code, "mallory")["Location"] == "/login"
    assert User.objects.count() == 1 and not SetupCode.objects.exists()


def test_a_former_code_and_one_beside_an_admin_are_worth_nothing(client: Client, code: str) -> None:
    newer = first_admin.new_code()
    assert set_up(client, code).status_code == 422
    a_user("admin")  # made by command meanwhile
    assert set_up(client, newer)["Location"] == "/login"
    with pytest.raises(first_admin.CodeRefused):
        first_admin.make(newer, "mallory", NEW, source_ip=None)
    assert first_admin.new_code() == ""
    assert [user.username for user in User.objects.all()] == ["admin"]
    assert not SetupCode.objects.exists()


@pytest.mark.parametrize("wrong", ["", "-", "AAAAA-AAAAA-AAAAA-AAAAA", "\0", "x" * 10_000, "ß"])
def test_a_wrong_code_makes_nobody_and_tells_nothing(client: Client, code: str, wrong: str) -> None:
    a_user("viewer")
    answer = set_up(client, wrong, "viewer")
    page = answer.content.decode()
    assert answer.status_code == 422 and "This is not the code." in page
    assert re.findall(r'name="(\w+)"[^>]*aria-invalid="true"', page) == ["code"]
    assert User.objects.count() == 1
    assert notes(Kind.LOGIN_FAILED) == ["A wrong setup code was entered"]


def test_codes_can_not_be_guessed(client: Client, code: str) -> None:
    codes = [set_up(client, f"GUESS{turn}").status_code for turn in range(10)]
    assert codes == [422] * 9 + [429]
    assert set_up(client, code).status_code == 429 and not User.objects.exists()
    assert log_in(client, "olga", "wrong").status_code == 429  # one count for both


def test_a_bad_name_or_password_does_not_use_the_code_up(client: Client, code: str) -> None:
    a_user("viewer")
    for form, field in (
        ({"user": "Viewer"}, "user"),
        ({"user": "a b"}, "user"),
        ({"user": ""}, "user"),
        ({"password": "short", "again": "short"}, "password"),
        ({"again": "other"}, "again"),
    ):
        full = {"code": code, "user": "olga", "password": NEW, "again": NEW} | form
        answer = client.post("/setup", full)
        page = answer.content.decode()
        assert answer.status_code == 422, form
        assert re.search(rf'name="{field}"[^>]*aria-invalid="true"', page)
    assert set_up(client, code)["Location"] == "/"


@pytest.mark.django_db(transaction=True)
def test_of_two_who_come_at_once_with_the_code_one_becomes_admin() -> None:
    code = first_admin.new_code()
    made: list[str] = []
    start = threading.Barrier(6)

    def come(name: str) -> None:
        start.wait()
        try:
            made.append(first_admin.make(code, name, NEW, source_ip=None).username)
        except first_admin.CodeRefused:
            pass
        finally:
            connection.close()

    threads = [threading.Thread(target=come, args=(f"person-{turn}",)) for turn in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1 == User.objects.count()


# --- prepare ----------------------------------------------------------------------------------
def test_prepare_prints_a_code_until_there_is_an_admin(capsys: Any, client: Client) -> None:
    codes = []
    for _ in range(2):
        call_command("prepare", verbosity=0)
        printed = re.search(r"^Setup code: (\S+)$", capsys.readouterr().out, re.MULTILINE)
        assert printed
        codes.append(printed[1])
    assert codes[0] != codes[1]
    assert set_up(client, codes[1])["Location"] == "/"
    call_command("prepare", verbosity=0)
    assert "Setup code" not in capsys.readouterr().out


def test_prepare_makes_the_admin_of_the_environment_once(settings: Any, capsys: Any) -> None:
    settings.ADMIN_USER, settings.ADMIN_PASSWORD = "olga", NEW
    call_command("prepare", verbosity=0)
    olga = User.objects.get()
    assert olga.is_superuser and olga.check_password(NEW)
    assert "Setup code" not in (said := capsys.readouterr().out) and NEW not in said
    # Her own password stays hers, and nobody who was removed comes back by a restart.
    olga.set_password("another one 77")
    olga.save()
    call_command("prepare", verbosity=0)
    assert User.objects.get().check_password("another one 77")
    User.objects.update(username="renamed")
    call_command("prepare", verbosity=0)
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    ("name", "password", "why"),
    [("olga", "sh0rt!", "ADMIN_PASSWORD: .*10 char"), ("viewer", NEW, "ADMIN_USER=viewer exists")],
)
def test_prepare_refuses_a_bad_admin_by_name(
    settings: Any, name: str, password: str, why: str
) -> None:
    a_user("viewer")
    settings.ADMIN_USER, settings.ADMIN_PASSWORD = name, password
    with pytest.raises(CommandError, match=why) as error:
        call_command("prepare", verbosity=0)
    assert password not in str(error.value)
    assert not first_admin.admin_exists()


def test_the_rule_who_is_admin_is_the_same_in_both_places() -> None:
    from dashboard.roles import ROLES, role_of

    people = [a_user(role) for role in ("", *ROLES)]
    people.append(User.objects.create_superuser("root"))
    people.append(User.objects.create_superuser("gone", is_active=False))
    found = set(User.objects.filter(first_admin.admins()))
    assert found == {user for user in people if role_of(user) == "admin"} and len(found) == 2
