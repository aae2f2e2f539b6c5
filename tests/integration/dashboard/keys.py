"""A page by keyboard alone: its stops by Tab, and what has the focus."""

from __future__ import annotations

from playwright.sync_api import Page

STOPS = 120
#: The name of what has the focus, as a screen reader says it: near enough.
FOCUSED = """() => {
  const at = document.activeElement;
  return (at.getAttribute('aria-label') || at.labels?.[0]?.textContent || at.textContent)
    .trim().replace(/\\s+/g, ' ');
}"""


def tab_to(page: Page, name: str, *, back: bool = False) -> None:
    """Press Tab until that has the focus."""
    _walk(page, "Shift+Tab" if back else "Tab", name)


def arrow_to(page: Page, name: str) -> None:
    """The same with the arrow down, in a menu."""
    _walk(page, "ArrowDown", name)


def _walk(page: Page, key: str, name: str) -> None:
    stops = []
    for _ in range(STOPS):
        page.keyboard.press(key)
        stops.append(page.evaluate(FOCUSED))
        if stops[-1] == name:
            return
    raise AssertionError(f"no way by {key} to {name!r}: {stops}")


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)
