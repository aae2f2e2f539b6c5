"""`./run screenshots [FOLDER] [NAME…]`: every page and dialog, light and dark, wide and narrow."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any, Literal

from launcher.environment import VAR
from tests.browser import chromium
from tests.story.places import PLACES, Place, Visitor
from tests.story.site import WORLDS, site

WIDTHS = (1440, 390)
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


#: A list of hundreds goes on below; who judges a page has seen enough of it by then.
TALLEST = 6000


def main(arguments: list[str]) -> int:
    if {"-h", "--help"} & set(arguments):
        print(__doc__, "Names:", ", ".join(place.name for place in PLACES), sep="\n")
        return 0
    folder = Path(arguments[0] if arguments else VAR / "screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    chosen = [place for place in PLACES if not arguments[1:] or place.name in arguments[1:]]
    if unknown := set(arguments[1:]) - {place.name for place in chosen}:
        print(f"There is no page named {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    for world, made in WORLDS.items():
        places = [place for place in chosen if place.world == world]
        if places:
            _shoot(places, folder, made)
    print(f"{4 * len(chosen)} pictures in {folder}")
    return 0


def _shoot(places: list[Place], folder: Path, made: dict[str, Any]) -> None:
    with (
        tempfile.TemporaryDirectory() as data,
        site(Path(data), **made) as here,
        chromium() as browser,
    ):
        visitor = Visitor(browser, here)
        for place in places:
            for width in WIDTHS:
                context = visitor.context(place.who, width)
                page = visitor.open(context, place)
                for theme in THEMES:
                    page.emulate_media(color_scheme=theme)
                    file = folder / f"{place.name}-{width}-{theme}.png"
                    # A dialog floats over what the window shows. Else the window is as tall as the
                    # page, so that head and tabs stand where they belong.
                    if "dialog" not in place.name:
                        tall = page.evaluate("document.documentElement.scrollHeight")
                        page.set_viewport_size({"width": width, "height": min(tall, TALLEST)})
                    page.screenshot(path=file, animations="disabled")
                context.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
