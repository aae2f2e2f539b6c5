"""People of every role, and the web server as a process of its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
from django.contrib.auth.models import Group, User
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, WebError

from dashboard.flusher import SEQUENCE
from drives.models import Drive, System
from tests import needs
from tests.browser import chromium
from tests.integration.dashboard.web import Web
from tests.integration.rows import a_drive, a_system

PASSWORD = "correct horse"
OpensPage = Callable[..., Page]


def a_user(role: str, **facts: Any) -> User:
    user = User.objects.create_user(role or "nobody", password=PASSWORD, **facts)
    if role:
        user.groups.add(Group.objects.get_or_create(name=role)[0])
    return user


@pytest.fixture
def as_(db: None) -> Callable[[str], Client]:
    """A client of somebody with that role: viewer, operator, admin; "" has none."""
    clients: dict[str, Client] = {}

    def log_in(role: str) -> Client:
        if role not in clients:
            clients[role] = Client()
            clients[role].force_login(a_user(role))
        return clients[role]

    return log_in


@pytest.fixture
def nas(db: None) -> System:
    return a_system()


@pytest.fixture
def drive(nas: System) -> Drive:
    return a_drive(nas, temperature_c=34)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    needs.need("chromium")
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def _profiles(browser: Browser) -> list[BrowserContext]:
    """A module's browser profiles: the next test has their cache of scripts and styles, and nothing
    else of the one before."""
    return []


@pytest.fixture
def page_of(
    web: Web, browser: Browser, as_: Callable[[str], Client], _profiles: list[BrowserContext]
) -> Iterator[OpensPage]:
    """A browser's page of somebody with that role, logged in: `page_of("operator", width=390)`.

    Each call has a profile of its own. An exception in a script of a page fails the test."""
    complaints: list[str] = []
    free = list(_profiles)

    def complain(error: WebError) -> None:
        complaints.append(str(error.error))

    def open_page(role: str, *, width: int = 1440, height: int = 900) -> Page:
        if not free:
            _profiles.append(browser.new_context())
            free.append(_profiles[-1])
        profile = free.pop(0)
        profile.on("weberror", complain)
        key = as_(role).cookies["sessionid"].value
        profile.add_cookies([{"name": "sessionid", "value": key, "url": web.url}])
        page = profile.new_page()
        page.set_viewport_size({"width": width, "height": height})
        return page

    yield open_page
    for profile in _profiles:
        profile.remove_listener("weberror", complain)
        profile.clear_cookies()
        for page in profile.pages:
            # Its storage is the profile's.
            where = {"origin": web.url, "storageTypes": "local_storage"}
            profile.new_cdp_session(page).send("Storage.clearDataForOrigin", where)
            page.close()
    assert complaints == []


@pytest.fixture(scope="session")
def _web(
    tmp_path_factory: pytest.TempPathFactory, valkey_server: str, django_db_setup: None
) -> Iterator[Web]:
    server = Web(tmp_path_factory.mktemp("web"), valkey_server)
    yield server
    server.kill9()


@pytest.fixture
def web(_web: Web, valkey: str, transactional_db: None) -> Web:
    """A real web process: real HTTP, real websockets. It keeps nothing, so that one serves all
    tests; one that a test killed is started again."""
    if not _web.is_alive:
        _web.start()
    # As after a while: the emptied server has no number yet, and at the first one pages catch up.
    redis.Redis.from_url(valkey).set(SEQUENCE, time.time_ns() // 1000, nx=True)
    return _web
