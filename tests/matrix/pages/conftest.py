"""One web server with the story, two without, one browser: for all tests here."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser

from tests import needs
from tests.browser import chromium
from tests.story.places import Place, Visitor
from tests.story.site import WORLDS, Site, site


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    needs.need("chromium")
    with chromium() as started:
        yield started


@pytest.fixture(scope="session")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("story")) as started:
        yield started


@pytest.fixture(scope="session")
def untold(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("first-run"), **WORLDS["untold"]) as started:
        yield started


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("empty"), **WORLDS["empty"]) as started:
        yield started


@pytest.fixture(scope="session")
def visitor_of(browser: Browser, request: pytest.FixtureRequest) -> Callable[[Place], Visitor]:
    """The visitor of the site that a place belongs to."""
    made: dict[str, Visitor] = {}

    def visitor(place: Place) -> Visitor:
        if place.world not in made:
            made[place.world] = Visitor(browser, request.getfixturevalue(place.world))
        return made[place.world]

    return visitor
