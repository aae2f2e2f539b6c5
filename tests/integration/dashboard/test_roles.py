"""Every address × every role × looking and acting: who gets in, who is sent to log in, who is
refused. The websockets are walked in test_doors.py."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RoutePattern

from burnin.models import Job
from dashboard.api.v1 import operations
from dashboard.roles import BY_ITSELF, PUBLIC, ROLES, DeclaredRoles
from dashboard.routing import websocket_urlpatterns
from drives.models import Drive
from tests.integration.dashboard.conftest import a_user
from tests.integration.rows import a_job

pytestmark = pytest.mark.django_db
#: The lowest role of each address, as decided here and not read from the code.
NEEDED = {
    "": "viewer",
    "table": "viewer",
    "history": "viewer",
    "history.csv": "viewer",
    "stats": "viewer",
    "audit": "viewer",
    "audit.csv": "viewer",
    "audit.json": "viewer",
    "history/<int:job_id>": "viewer",
    "history/<int:job_id>/print": "viewer",
    "history/<int:job_id>/report.json": "viewer",
    "history/<int:job_id>/report.csv": "viewer",
    "history/<int:job_id>/surface.csv": "viewer",
    "drives/<int:drive_id>": "viewer",
    "profile": "viewer",
    "drives/<int:drive_id>/start": "operator",
    "drives/<int:drive_id>/guard": "operator",
    "drives/<int:drive_id>/menu": "viewer",
    "drives/<int:drive_id>/edit": "operator",
    "drives/<int:drive_id>/self-test/<selftest:type>": "operator",
    "drives/<int:drive_id>/self-test/<selftest:type>/cancel": "operator",
    "batch": "operator",
    "batch/verdicts": "operator",
    "batch/self-test/<selftest:type>": "operator",
    "jobs/cancel-all": "operator",
    "jobs/<int:job_id>/pause": "operator",
    "jobs/<int:job_id>/resume": "operator",
    "jobs/<int:job_id>/cancel": "operator",
    "jobs/acknowledge": "operator",
    "freeze": "operator",
    "thaw": "operator",
    "systems": "viewer",
    "systems/add": "admin",
    "systems/try/<str:step>": "admin",
    "systems/<int:system_id>/edit": "admin",
    "systems/<int:system_id>/check": "admin",
    "systems/<int:system_id>/pause": "admin",
    "systems/<int:system_id>/resume": "admin",
    "systems/<int:system_id>/remove": "admin",
    "systems/<int:system_id>/host-key": "admin",
    "settings": "admin",
    "settings/report": "admin",
    "settings/test/<str:what>": "admin",
    "settings/unsent/<int:delivery_id>/again": "admin",
    "profile/tokens": "viewer",
    "profile/tokens/<int:token_id>/revoke": "viewer",
    "api/v1/docs": "viewer",
    "api/v1/openapi.json": "viewer",
    "login": PUBLIC,
    "logout": PUBLIC,
    "setup": PUBLIC,
    "health/live": PUBLIC,
    "health/ready": PUBLIC,
}
#: What not even an admin may: nobody and no record is deleted, no record added by hand, no event
#: changed, and nothing here completes names.
NOBODY_MAY = {"admin/autocomplete/", "admin/auth/user/<path:object_id>/delete/"} | {
    f"admin/{record}/{act}"
    for record in ("drives/drive", "burnin/job", "audit/auditevent")
    for act in ("add/", "<path:object_id>/delete/", "<path:object_id>/change/")
}
#: Nobody at all, somebody without a role, and the three.
PEOPLE = (None, "", *ROLES)
SAMPLES = {"app_label": "auth", "url": "no/such/page", "type": "short"}


def routes(*, by_itself: bool = False) -> dict[str, URLPattern]:
    """All of the site's, by their pattern; Django's own admin begins with admin/.

    by_itself: instead those that decide by themselves who may; test_api.py walks them.
    """

    def walk(before: str, patterns: list[URLPattern | URLResolver]) -> Iterator[tuple[str, object]]:
        for each in patterns:
            route = before + str(each.pattern)
            if isinstance(each, URLPattern):
                yield route, each
            else:
                yield from walk(route, each.url_patterns)

    return {
        route: pattern
        for route, pattern in walk("", get_resolver().url_patterns)  # type: ignore[arg-type]
        if (getattr(pattern.callback, "required_role", None) == BY_ITSELF) == by_itself
    }


def needed_by(route: str) -> str:
    return "admin" if route.startswith("admin/") else NEEDED[route]


def address(route: str, job: Job | None = None) -> str:
    """A real address of that route."""
    ids = {"job_id": job.pk, "drive_id": job.drive_id} if job else {}

    def sample(found: re.Match[str]) -> str:
        name = found[0].strip("<>()?P").split(":")[-1].split(">")[0]
        return str(ids.get(name, SAMPLES.get(name, 1)))

    return "/" + re.sub(r"\(\?P<\w+>[^)]*\)|<[^>]+>", sample, route).replace("^", "").rstrip("$")


@pytest.fixture
def job(drive: Drive) -> Job:
    return a_job(drive)


@pytest.fixture
def people(db: None) -> dict[str | None, Client]:
    clients = {None: Client()}
    for role in PEOPLE[1:]:
        a_user(role or "")
        clients[role] = Client()
    return clients


def test_every_route_declares_the_role_that_is_decided_here() -> None:
    found = {
        route: getattr(pattern.callback, "required_role", None)
        for route, pattern in routes().items()
        if not route.startswith("admin/")
    }
    assert found == NEEDED


def test_only_the_api_decides_by_itself() -> None:
    found = {route.removeprefix("api/v1/") for route in routes(by_itself=True)}
    operated = {path.replace("{", "<").replace("}", ">").strip("/") for _, path in operations()}
    # The last one: its root, and whatever is none of its addresses.
    assert found == operated | {"metrics", ""}


def test_every_websocket_declares_a_role() -> None:
    found = {
        str(route.pattern): getattr(route.callback.consumer_class, "required_role", None)
        for route in websocket_urlpatterns
    }
    assert found == {"live/<str:wanted>": "viewer"}


@pytest.mark.parametrize("route", routes())
def test_who_may(route: str, people: dict[str | None, Client], job: Job) -> None:
    from django.contrib.auth.models import User

    where, needed = address(route, job), needed_by(route)
    for role, client in people.items():
        for method in ("get", "post"):
            if role is not None:
                client.force_login(User.objects.get(username=role or "nobody"))
            passwords = dict(User.objects.values_list("username", "password"))
            cell = f"{method} {where} as {role!r}"
            answer = getattr(client, method)(where)
            if needed == PUBLIC:
                assert answer.status_code not in {401, 403, 500}, cell
                continue
            allowed = bool(role) and ROLES.index(str(role)) >= ROLES.index(needed)
            script = getattr(client, method)(where, headers={"Accept": "application/json"})
            if role is None:
                # A refusal to this method comes first where the view takes only the other.
                assert answer.status_code in {302, 405}, cell
                if answer.status_code == 302:
                    assert answer["Location"].startswith("/login?next="), cell
                    assert script.status_code == 401, cell
            elif allowed:
                usual = answer.status_code not in {401, 403, 500}
                assert usual or (route in NOBODY_MAY and answer.status_code == 403), cell
            else:
                assert answer.status_code in {403, 405}, cell
                if answer.status_code == 403:
                    assert needed in answer.content.decode(), cell
                    assert script.status_code == 403 and script.json()["reasons"], cell
            if not allowed:
                assert dict(User.objects.values_list("username", "password")) == passwords, cell
                job.refresh_from_db()
                assert job.cancel_requested_at is None and Job.objects.count() == 1, cell
    assert people


@pytest.mark.parametrize("route", routes())
def test_no_form_is_taken_without_its_token(route: str, job: Job) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(a_user("admin", is_superuser=True))
    strict.get("/")  # has the cookie, not the token
    for headers in ({}, {"Accept": "application/json"}):
        answer = strict.post(address(route, job), headers=headers)
        assert answer.status_code == 403 and b"came from another site" in answer.content


def test_a_look_never_changes_anything(job: Job) -> None:
    """GET of every address, even as admin."""
    from django.core import serializers

    from audit.models import AuditEvent
    from drives.models import System

    client = Client()
    client.force_login(a_user("admin", is_superuser=True))

    def all_rows() -> str:
        rows = [*Job.objects.all(), *Drive.objects.all(), *System.objects.all()]
        return str(serializers.serialize("json", rows)) + str(AuditEvent.objects.count())

    before = all_rows()
    for route in routes():
        assert client.get(address(route, job)).status_code != 500
    assert all_rows() == before


def test_a_view_without_a_role_is_refused() -> None:
    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse("open to all by oversight")

    request = RequestFactory().get("/")
    request.resolver_match = None
    with pytest.raises(PermissionDenied):
        DeclaredRoles(view).process_view(request, view, (), {})


def test_the_walk_is_as_big_as_the_documentation_says() -> None:
    own = [route for route in routes() if not route.startswith("admin/")]
    assert all(isinstance(routes()[route].pattern, RoutePattern) for route in own)
    cells = len(routes()) * len(PEOPLE) * 2
    said = (Path(__file__).resolve().parents[3] / "docs" / "safety.md").read_text()
    wanted = (
        f"{len(routes())} routes ({len(own)} of ours, {len(routes()) - len(own)} of Django's admin)"
        f" × {len(PEOPLE)} kinds of people × GET and POST = {cells} cells"
    )
    assert wanted in said, f"docs/safety.md must say: {wanted}"
