"""The doors of a real web process: who may connect from where, with what Host and Origin, for how
long; and what every answer carries."""

from __future__ import annotations

import http.client
import re
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from audit.models import AuditEvent, Kind
from dashboard.roles import ROLES
from drives.models import Drive
from launcher.environment import ROOT
from tests.integration.dashboard.conftest import PASSWORD, a_user
from tests.integration.dashboard.test_roles import PEOPLE, address, routes
from tests.integration.dashboard.web import Web
from tests.integration.dashboard.websocket import Closed, WebSocket
from tests.integration.rows import a_job

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(120)]
As = Callable[[str], Client]
WEBSOCKETS = ("live/rows", "live/ids")


def cookie_of(client: Client) -> str:
    return f"sessionid={client.cookies['sessionid'].value}"


def hears(socket: WebSocket) -> bool:
    return "sequence" in socket.message()


def closing_code(socket: WebSocket, timeout: float = 15) -> int:
    """Whatever arrives before, it is closed in the end."""
    end = time.monotonic() + timeout
    with pytest.raises(Closed) as closed:
        while time.monotonic() < end:
            socket.message(end - time.monotonic())
    return closed.value.code


# --- websockets -------------------------------------------------------------------------------
def test_every_websocket_by_every_role(web: Web, as_: As) -> None:
    for path in WEBSOCKETS:
        for role in PEOPLE:
            cookie = "" if role is None else cookie_of(as_(role))
            socket = WebSocket(f"ws://127.0.0.1:{web.port}/{path}", cookie=cookie)
            if role in ROLES:
                assert hears(socket), (path, role)
            else:
                assert closing_code(socket) == (4401 if role is None else 4403), (path, role)
            socket.close()


EVIL = "http://evil.example"


#: Host, Origin, further headers; None is the page's own, an empty one isn't sent.
FORGED: list[tuple[str | None, str | None, tuple[str, ...], bool]] = [
    (None, None, (), True),
    ("localhost:{port}", "http://localhost:{port}", (), True),
    # APP_URL's page, through a proxy that rewrites Host
    (None, "http://localhost:8080", (), True),
    (None, EVIL, (), False),
    (None, "", (), False),
    (None, "null", (), False),
    (None, "file://", (), False),
    (None, "http://127.0.0.1", (), False),
    # another program of this very host: cookies don't tell ports apart
    (None, "http://127.0.0.1:9", (), False),
    (None, "http://localhost:{port}", (), False),
    (None, "http://127.0.0.1:{port}.evil.example", (), False),
    (None, "http://127.0.0.1:{port}@evil.example", (), False),
    (None, "http://evil.example#127.0.0.1:{port}", (), False),
    (None, "127.0.0.1:{port}", (), False),
    (None, "javascript://127.0.0.1:{port}", (), False),
    (None, "http://[::1", (), False),
    (None, "http://127.0.0.1:x", (), False),
    # DNS rebinding: the page's own name leads to us
    ("evil.example", EVIL, (), False),
    ("evil.example:{port}", "http://evil.example:{port}", (), False),
    ("evil.example", None, (), False),
    ("evil.example", "http://localhost:8080", (), False),
    ("", None, (), False),
    ("127.0.0.1:{port}.evil.example", None, (), False),
    # said twice, or where a proxy would say it
    (None, None, ("Origin: http://evil.example",), False),
    (None, EVIL, ("Origin: http://127.0.0.1:{port}",), False),
    ("evil.example", EVIL, ("X-Forwarded-Host: 127.0.0.1:{port}",), False),
    (None, EVIL, ("X-Forwarded-Host: evil.example",), False),
]


def test_forged_hosts_and_origins(web: Web, as_: As) -> None:
    cookie = cookie_of(as_("admin"))

    def here(text: str | None) -> str | None:
        return text and text.replace("{port}", str(web.port))

    for host, origin, extra, is_ours in FORGED:
        cell = f"Host {host!r}, Origin {origin!r}, {extra}"
        socket = WebSocket(
            f"ws://127.0.0.1:{web.port}/live/rows",
            cookie=cookie,
            host=here(host),
            origin=here(origin),
            headers=[str(here(line)) for line in extra],
        )
        if is_ours:
            assert socket.status == 101 and hears(socket), cell
        else:
            assert socket.status in {400, 403}, cell
        socket.close()


def test_the_tables_are_as_big_as_the_documentation_says() -> None:
    said = (ROOT / "docs" / "safety.md").read_text()
    ours = sum(is_ours for *_, is_ours in FORGED)
    for wanted in (
        f"{len(WEBSOCKETS)} websockets × {len(PEOPLE)} kinds of people, {len(FORGED) - ours} forged"
        f" pairs of Host and Origin, and {ours} that are ours",
        f"{len(CALLERS)} callers over IPv4, IPv6 and mapped addresses",
    ):
        assert wanted in said, f"docs/safety.md must say: {wanted}"


def _log_out(client: Client, user: User) -> None:
    client.post("/logout")


def _expire(client: Client, user: User) -> None:
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))


def _deactivate(client: Client, user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


def _take_role(client: Client, user: User) -> None:
    user.groups.clear()


def _new_password(client: Client, user: User) -> None:
    user.set_password("another one 77")
    user.save()


@pytest.mark.parametrize(
    ("end", "then"),
    [(_log_out, 4401), (_expire, 4401), (_deactivate, 4401), (_take_role, 4403),
     (_new_password, 4401)],
)  # fmt: skip
def test_an_open_websocket_ends_with_what_it_was_opened_by(
    web: Web, as_: As, end: Callable[[Client, User], None], then: int
) -> None:
    address = f"ws://127.0.0.1:{web.port}/live/rows"
    cookie = cookie_of(as_("viewer"))
    socket, other = (
        WebSocket(address, cookie=cookie_of(as_(role))) for role in ("viewer", "admin")
    )
    assert hears(socket) and hears(other)
    if end is _expire:
        other.close()
    end(as_("viewer"), User.objects.get(username="viewer"))
    began = time.monotonic()
    assert closing_code(socket) == 4013
    assert time.monotonic() - began < 6
    assert closing_code(WebSocket(address, cookie=cookie)) == then
    if end is not _expire:
        assert hears(other)  # the next heartbeat


def test_who_changed_the_own_password_is_let_in_again(web: Web, as_: As) -> None:
    client = as_("viewer")
    address = f"ws://127.0.0.1:{web.port}/live/rows"
    socket = WebSocket(address, cookie=cookie_of(client))
    assert hears(socket)
    form = {"old": PASSWORD, "password": "battery staple 9", "again": "battery staple 9"}
    assert client.post("/profile", form).status_code == 302
    assert closing_code(socket) == 4013
    assert hears(WebSocket(address, cookie=cookie_of(client)))


# --- ALLOWED_IPS ------------------------------------------------------------------------------
ALLOWED, PROXY, STRANGER = "127.0.0.2", "127.0.0.3", "127.0.0.1"
BEHIND = "10.9.1.1"


@pytest.fixture
def walled(tmp_path: Path, valkey: str, transactional_db: None) -> Iterator[Web]:
    """Listens on IPv6 too, where IPv4 clients arrive as mapped addresses (::ffff:127.0.0.2)."""
    server = Web(
        tmp_path,
        valkey,
        bind="::",
        TEST_ALLOWED_IPS=f"{ALLOWED}, 10.9.0.0/16, fd00:9::/32",
        TEST_TRUSTED_PROXIES=PROXY,
    )
    try:
        server.start()
        yield server
    finally:
        server.kill9()


#: From where, with which headers, and who that is; None gets nowhere.
CALLERS: list[tuple[str, list[tuple[str, str]], str | None]] = [
    (ALLOWED, [], ALLOWED),
    (STRANGER, [], None),
    ("::1", [], None),
    # forged by somebody who is no proxy of ours
    (STRANGER, [("X-Forwarded-For", ALLOWED)], None),
    ("::1", [("X-Forwarded-For", ALLOWED)], None),
    (STRANGER, [("X-Real-IP", ALLOWED), ("Forwarded", f"for={ALLOWED}")], None),
    (STRANGER, [("X-Client-IP", ALLOWED), ("True-Client-IP", ALLOWED)], None),
    # by the proxy, and by somebody behind it
    (PROXY, [("X-Forwarded-For", BEHIND)], BEHIND),
    (PROXY, [("X-Forwarded-For", "fd00:9::7")], "fd00:9::7"),
    (PROXY, [("X-Forwarded-For", f"::ffff:{BEHIND}")], BEHIND),
    (PROXY, [("X-Forwarded-For", f"198.51.100.9, {BEHIND}")], BEHIND),
    (PROXY, [], None),
    (PROXY, [("X-Forwarded-For", f"{BEHIND}, 198.51.100.9")], None),
    (PROXY, [("X-Forwarded-For", BEHIND), ("X-Forwarded-For", "198.51.100.9")], None),
    (PROXY, [("X-Forwarded-For", f"{BEHIND}, nonsense")], None),
    (PROXY, [("X-Forwarded-For", "")], None),
    # who is allowed can't pretend to be somebody else
    (ALLOWED, [("X-Forwarded-For", BEHIND)], ALLOWED),
]


def test_only_the_allowed_reach_pages_and_websockets(walled: Web, as_: As) -> None:
    cookie = cookie_of(as_("viewer"))
    for source, headers, client in CALLERS:
        cell = f"from {source} with {headers}"
        status, answer = ask(walled, "/health/live", source, headers)
        assert status == (403 if client is None else 200), cell
        assert ("ALLOWED_IPS" in answer) == (client is None), cell
        host = "[::1]" if ":" in source else "127.0.0.1"
        socket = WebSocket(
            f"ws://{host}:{walled.port}/live/rows",
            cookie=cookie,
            source=source,
            headers=[f"{name}: {value}" for name, value in headers],
        )
        assert socket.status == (403 if client is None else 101), cell
        if client is not None:
            assert hears(socket), cell
        socket.close()
        # The audit log names who it really was.
        before = AuditEvent.objects.count()
        ask(walled, "/login", source, headers, form="user=olga&password=wrong")
        if client is None:
            assert AuditEvent.objects.count() == before, cell
        else:
            event = AuditEvent.objects.latest("pk")
            assert (event.kind, event.source_ip) == (Kind.LOGIN_FAILED, client), cell


def ask(
    web: Web, path: str, source: str, headers: list[tuple[str, str]], form: str = ""
) -> tuple[int, str]:
    """(status, body) of a GET, or of a POST of that form with its token."""
    host = "::1" if ":" in source else "127.0.0.1"
    connection = http.client.HTTPConnection(host, web.port, 10, source_address=(source, 0))
    token = "a" * 32
    connection.putrequest("POST" if form else "GET", path)
    for name, value in headers:
        connection.putheader(name, value)
    body = f"{form}&csrfmiddlewaretoken={token}".encode() if form else b""
    if form:
        connection.putheader("Cookie", f"csrftoken={token}")
        connection.putheader("Content-Type", "application/x-www-form-urlencoded")
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


# --- what every answer carries ----------------------------------------------------------------
def test_every_answer_forbids_foreign_code(web: Web, as_: As, drive: Drive) -> None:
    job = a_job(drive)
    a_user("nobody-else")
    seen = set()
    for route in [*routes(), "static/js/live.js", "static/nothing", "no/such/page"]:
        for cookie in ("", cookie_of(as_("viewer")), cookie_of(as_("admin"))):
            for method, host in (("GET", ""), ("POST", ""), ("GET", "evil.example")):
                connection = http.client.HTTPConnection("127.0.0.1", web.port, 10)
                headers = {"Cookie": cookie} | ({"Host": host} if host else {})
                where = address(route, job) if route in routes() else f"/{route}"
                connection.request(method, where, headers=headers)
                answer = connection.getresponse()
                cell = f"{method} {where} {answer.status}"
                seen.add(answer.status)
                policy = answer.headers["Content-Security-Policy"]
                scripts = re.findall(r"script-src ([^;]*)", policy)
                assert policy.startswith("default-src 'none';"), cell
                # None named is none allowed: the report as it goes by mail.
                assert scripts in ([], ["'self'"]), cell
                assert "unsafe" not in policy and "frame-ancestors 'none'" in policy, cell
                assert answer.headers["X-Content-Type-Options"] == "nosniff", cell
                assert answer.headers["X-Frame-Options"] == "DENY", cell
                if not route.startswith("static/js"):
                    assert "no-store" in answer.headers["Cache-Control"], cell
                if host and not route.startswith("static/js"):
                    assert answer.status == 400, cell
                connection.close()
    assert {200, 302, 400, 403, 404} <= seen
