"""One web server for each world of the story, one browser: for all tests here."""

from __future__ import annotations

import contextlib
import functools
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
def site_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Site]]:
    """The site of a world, which runs from the first one who asks for it until the end."""
    with contextlib.ExitStack() as ends:

        @functools.cache
        def started(world: str) -> Site:
            return ends.enter_context(site(tmp_path_factory.mktemp(world), **WORLDS[world]))

        yield started


@pytest.fixture(scope="session")
def visitor_of(browser: Browser, site_of: Callable[[str], Site]) -> Callable[[Place], Visitor]:
    """The visitor of the site that a place belongs to."""
    made: dict[str, Visitor] = {}

    def visitor(place: Place) -> Visitor:
        if place.world not in made:
            made[place.world] = Visitor(browser, site_of(place.world))
        return made[place.world]

    return visitor
