"""Every page and dialog × light and dark × wide and narrow: axe finds nothing, nothing is wider
than the screen, no script, request or policy complains. And by keyboard: the focus is always seen.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.story.places import PLACES, Place, Visitor

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.timeout(300)]
VisitorOf = Callable[[Place], Visitor]
AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text()
#: WCAG 2.0 to 2.2, A and AA, and what axe calls best practices.
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"]
RUN = """rules => axe.run(document, {runOnly: rules, resultTypes: ['violations']}).then(found =>
  found.violations.map(one =>
    `${one.id}: ${one.nodes.map(node => node.target.join(' ')).slice(0, 3)}`))"""
LISTEN = """window.refused = []; document.addEventListener('securitypolicyviolation', (event) =>
  window.refused.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`))"""
#: Django's own admin has its own faults; ours is what stands around it.
NOT_OURS = {place.name for place in PLACES if place.name.startswith("admin")}
#: What these places are about.
EXPECTED = {"not-found": {404}, "denied": {403}, "no-role": {403}}


def listen(page: Page, place: Place) -> list[str]:
    """What the page complains about from now on."""
    complaints: list[str] = []
    allowed = EXPECTED.get(place.name, set())
    page.on("pageerror", lambda error: complaints.append(f"script: {error}"))
    page.on("requestfailed", lambda request: complaints.append(f"request: {request.url}"))
    page.on(
        "response",
        lambda answer: (
            complaints.append(f"{answer.status}: {answer.url}")
            if answer.status >= 400 and answer.status not in allowed
            else None
        ),
    )
    page.on(
        "console",
        lambda message: (
            complaints.append(f"{message.type}: {message.text}")
            if message.type in {"error", "warning"}
            and not any(f"status of {status}" in message.text for status in allowed)
            else None
        ),
    )
    return complaints


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.name)
def test_nothing_is_wrong(place: Place, width: int, theme: str, visitor_of: VisitorOf) -> None:
    visitor = visitor_of(place)
    # The policy holds for the page; axe comes from outside of it.
    context = visitor.context(place.who, width, theme)
    context.add_init_script(LISTEN)
    page = context.new_page()
    complaints = listen(page, place)
    try:
        page.goto(visitor.site.url + visitor.path(place))
        page.wait_for_load_state("networkidle")
        if place.act:
            place.act(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, "sideways scroll"
        assert page.title() and page.locator("h1").count() == 1
        assert page.evaluate("window.refused") == []
        if place.name not in NOT_OURS:
            page.evaluate(AXE)
            assert page.evaluate(RUN, RULES) == []
        assert complaints == []
    finally:
        context.close()


#: Where the focus is, whether it is drawn, and whether something lies over it.
FOCUS = """() => {
  const at = document.activeElement;
  if (!at || at === document.body) return null;
  const box = at.getBoundingClientRect();
  const style = getComputedStyle(at);
  const x = Math.min(Math.max(box.left + Math.min(box.width / 2, 20), 1), innerWidth - 2);
  const y = (Math.max(box.top, 0) + Math.min(box.bottom, innerHeight)) / 2;
  const top = document.elementFromPoint(x, y);
  const hidden = box.bottom < 0 || box.top > innerHeight || box.right < 0 || box.left > innerWidth;
  return {
    name: `${at.tagName} ${at.getAttribute('aria-label') || at.textContent.trim().slice(0, 40)}`,
    // The calendar button of a date has a ring of its own inside of it.
    ring: at.type === 'date'
      || (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1),
    seen: !hidden && Boolean(top)
      && (at.contains(top) || top.contains(at) || Boolean(at.labels?.[0]?.contains(top))),
  };
}"""
STOPS = 90


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.name)
def test_the_focus_is_always_seen(place: Place, width: int, visitor_of: VisitorOf) -> None:
    if place.name in NOT_OURS:
        pytest.skip("Django's own admin")
    visitor = visitor_of(place)
    context = visitor.context(place.who, width, "light")
    try:
        page = visitor.open(context, place)
        stops: list[dict[str, Any]] = []
        for _ in range(STOPS):
            page.keyboard.press("Tab")
            found = page.evaluate(FOCUS)
            if found is None and stops:
                break
            if found:
                stops.append(found)
        assert stops, "nothing can be reached by keyboard"
        unseen = [stop["name"] for stop in stops if not (stop["ring"] and stop["seen"])]
        assert unseen == []
    finally:
        context.close()
