"""Every page and dialog × wide and narrow: axe finds nothing in light or dark, nothing is wider
than the screen, nothing complains, nothing shouts; and by keyboard, the focus is always seen.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.story.places import PLACES, Place, Visitor

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.timeout(300)]
VisitorOf = Callable[[Place], Visitor]
AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text()
#: WCAG 2.0 to 2.2, A and AA, and what axe calls best practices.
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"]
#: A table goes on below these in the same way, and 500 rows take axe a minute.
SHORTEN = "document.querySelectorAll('tbody tr:nth-of-type(n + 40)').forEach((row) => row.remove())"
RUN = """([part, options]) => axe.run(part || document, {...options, resultTypes: ['violations']})
  .then(found => found.violations.map(one =>
    `${one.id}: ${one.nodes.map(node => node.target.join(' ')).slice(0, 3)}`))"""
LISTEN = """window.refused = []; document.addEventListener('securitypolicyviolation', (event) =>
  window.refused.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`))"""
#: No shouting, no begging, and no button that doesn't say what it does.
WORDS = """() => [
  ...(document.body.innerText.match(/.*(!|\\bplease\\b|\\bsorry\\b|\\boops\\b).*/gi) ?? []),
  ...[...document.querySelectorAll('button, a.button')].map(one => one.textContent.trim())
    .filter(text => /^(ok|okay|yes|no|submit|continue)$/i.test(text)),
].map(text => `words: ${text}`)"""
#: Django's own admin and the API's page of documentation have their own faults.
NOT_OURS = {place.name for place in PLACES if place.name.startswith(("admin", "api-docs"))}
#: What these places are about.
EXPECTED = {
    "not-found": {404},
    "denied": {403},
    "no-role": {403},
    "broken": {500},
    "drives-unread": {503},
}


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


#: Where the focus is, whether it is drawn, and whether something lies over it.
FOCUS = """() => {
  const at = document.activeElement;
  if (!at || at === document.body) return null;
  const box = at.getBoundingClientRect();
  const drawn = (element) => {
    const style = getComputedStyle(element);
    return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1;
  };
  const x = Math.min(Math.max(box.left + Math.min(box.width / 2, 20), 1), innerWidth - 2);
  const y = (Math.max(box.top, 0) + Math.min(box.bottom, innerHeight)) / 2;
  const top = document.elementFromPoint(x, y);
  const hidden = box.bottom < 0 || box.top > innerHeight || box.right < 0 || box.left > innerWidth;
  return {
    name: `${at.tagName} ${at.getAttribute('aria-label') || at.textContent.trim().slice(0, 40)}`,
    // The calendar button of a date has a ring of its own inside of it.
    // A choice that is a card has it around the card.
    ring: at.type === 'date' || [at, ...(at.labels ?? [])].some(drawn),
    seen: !hidden && Boolean(top)
      && (at.contains(top) || top.contains(at) || Boolean(at.labels?.[0]?.contains(top))),
  };
}"""
STOPS = 90


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.name)
def test_nothing_is_wrong(place: Place, width: int, visitor_of: VisitorOf) -> None:
    """Loaded once: everything in light, the colours again in dark, then the way of the focus."""
    visitor = visitor_of(place)
    # The policy holds for the page; axe comes from outside of it.
    context = visitor.context(place.who, width)
    context.add_init_script(LISTEN)
    page = context.new_page()
    complaints = listen(page, place)
    try:
        page.goto(visitor.site.url + visitor.path(place))
        if page.locator("#live").count():
            expect(page.locator("body[data-connected]")).to_be_attached()
        if place.act:
            place.act(page)
        wide = page.evaluate("document.documentElement.scrollWidth")
        if wide > width:
            complaints.append(f"sideways: {wide} px")
        if place.name not in NOT_OURS:
            if not page.title() or page.locator("h1").count() != 1:
                complaints.append(f"title: {page.title()!r}, {page.locator('h1').count()} h1")
            complaints += page.evaluate(WORDS)
            complaints += axe(page, place.part)
            complaints += unseen_focus(page)
        complaints += page.evaluate("window.refused")
        assert complaints == [], "\n".join(complaints)
    finally:
        context.close()


def axe(page: Page, part: str) -> list[str]:
    """What it finds, in light by all rules, in dark by those of colours."""
    before = page.viewport_size
    assert before is not None
    page.evaluate(SHORTEN)
    # What lies under a bar that stays can be scrolled out from under it: nothing does here.
    if not page.locator("dialog[open]").count():
        high = page.evaluate("document.documentElement.scrollHeight")
        page.set_viewport_size({"width": before["width"], "height": high})
    page.evaluate(AXE)
    found: list[str] = page.evaluate(RUN, [part, {"runOnly": RULES}])
    page.emulate_media(color_scheme="dark")
    dark: list[str] = page.evaluate(RUN, [part, {"runOnly": ["color-contrast"]}])
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(before)
    return found + [f"dark {one}" for one in dark]


def unseen_focus(page: Page) -> list[str]:
    """Stops of the Tab key that aren't drawn, or that something lies over."""
    stops: list[dict[str, Any]] = []
    for _ in range(STOPS):
        page.keyboard.press("Tab")
        found = page.evaluate(FOCUS)
        if found and not found["seen"]:
            # A menu follows the button that it stands at with the next frame, not with the scroll.
            page.evaluate(
                "() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))"
            )
            found = page.evaluate(FOCUS)
        if found is None and stops:
            break
        if found:
            stops.append(found)
    if not stops:
        return ["focus: nothing can be reached by keyboard"]
    return [
        f"focus: {stop['name']}, ring {stop['ring']}, seen {stop['seen']}"
        for stop in stops
        if not (stop["ring"] and stop["seen"])
    ]
