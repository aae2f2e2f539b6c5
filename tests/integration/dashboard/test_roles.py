"""Every address × every role: who is let in, who is sent to log in, who is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver

from burnin.models import Job
from dashboard.roles import PUBLIC, ROLES, DeclaredRoles
from drives.models import Drive
from tests.integration.rows import a_job

pytestmark = pytest.mark.django_db
#: The lowest role of each address, as decided here and not read from the code.
NEEDED = {
    "home": "viewer",
    "table": "viewer",
    "drives_json": "viewer",
    "history": "viewer",
    "job": "viewer",
    "start": "operator",
    "guard": "operator",
    "cancel": "operator",
    "acknowledge": "operator",
    "login": PUBLIC,
    "logout": PUBLIC,
    "alive": PUBLIC,
    "ready": PUBLIC,
}
POST_ONLY = {"acknowledge", "logout"}


def routes() -> Iterator[URLPattern]:
    """All but Django's own admin, which guards itself."""

    def walk(patterns: list[URLPattern | URLResolver]) -> Iterator[URLPattern]:
        for pattern in patterns:
            if isinstance(pattern, URLPattern):
                yield pattern
            elif pattern.app_name != "admin":
                yield from walk(pattern.url_patterns)

    return walk(get_resolver().url_patterns)


@pytest.fixture
def job(drive: Drive) -> Job:
    return a_job(drive)


def test_every_route_declares_the_role_that_is_decided_here() -> None:
    found = {str(route.name): getattr(route.callback, "required_role", None) for route in routes()}
    assert found == NEEDED


@pytest.mark.parametrize("name", [name for name, role in NEEDED.items() if role != PUBLIC])
@pytest.mark.parametrize("role", [None, "", *ROLES])
def test_who_may(
    name: str, role: str | None, as_: Callable[[str], Client], job: Job, client: Client
) -> None:
    who = client if role is None else as_(role)
    send = who.post if name in POST_ONLY else who.get
    answer = send(address(name, job))
    if role is None:
        assert answer.status_code == 302
        assert answer["Location"].startswith("/login?next=")
        assert send(address(name, job), headers={"Accept": "application/json"}).status_code == 401
    elif role and ROLES.index(role) >= ROLES.index(NEEDED[name]):
        assert answer.status_code in {200, 302}
    else:
        assert answer.status_code == 403
        assert NEEDED[name] in answer.content.decode()
        told = send(address(name, job), headers={"Accept": "application/json"})
        assert told.status_code == 403 and told.json()["reasons"]


@pytest.mark.parametrize("name", ["start", "cancel"])
def test_a_viewer_can_not_act_by_post(name: str, as_: Callable[[str], Client], job: Job) -> None:
    assert as_("viewer").post(address(name, job)).status_code == 403
    job.refresh_from_db()
    assert job.cancel_requested_at is None and Job.objects.count() == 1


def test_a_superuser_is_an_admin(client: Client, drive: Drive) -> None:
    from tests.integration.dashboard.conftest import a_user

    client.force_login(a_user("", is_superuser=True))
    assert client.get("/").status_code == 200


def test_a_view_without_a_role_is_refused() -> None:
    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse("open to all by oversight")

    request = RequestFactory().get("/")
    request.resolver_match = None
    with pytest.raises(PermissionDenied):
        DeclaredRoles(view).process_view(request, view, (), {})


def address(name: str, job: Job) -> str:
    from django.urls import NoReverseMatch, reverse

    for kwargs in ({}, {"job_id": job.pk}, {"drive_id": job.drive_id}):
        try:
            return reverse(name, kwargs=kwargs)
        except NoReverseMatch:
            continue
    raise AssertionError(name)
