"""`./run lighthouse`: what Lighthouse says of each page, as a table."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser

from launcher.environment import VAR
from launcher.needs import NEEDS
from launcher.ports import kept
from tests.browser import chromium
from tests.story.places import PLACES, Place, Visitor
from tests.story.site import site

#: The newest that runs with the Node of Debian 12 and 13.
VERSION = "12.8.2"
CATEGORIES = ("performance", "accessibility", "best-practices")
#: A dialog is part of its page; the error pages answer with an error, which Lighthouse refuses.
SKIPPED = {"denied", "no-role", "not-found"}
SKIPPED |= {place.name for place in PLACES if place.name.startswith("admin")}


def main(arguments: list[str]) -> int:
    if not NEEDS["chromium"].find() or not shutil.which("npm"):
        print(
            "Lighthouse needs Chromium and npm (Debian: apt install chromium npm)", file=sys.stderr
        )
        return 1
    program = _installed()
    places = [
        place
        for place in PLACES
        if not place.act
        and place.name not in SKIPPED
        and place.world == "told"
        and (not arguments or place.name in arguments)
    ]
    worst = 100
    print(
        f"{'page':<20} {'device':<8}"
        + "".join(f"{name:>16}" for name in CATEGORIES)
        + "   LCP      CLS"
    )
    with tempfile.TemporaryDirectory() as data, site(Path(data)) as here:
        port = kept(Path(data) / "lighthouse.json", ["chromium"])["chromium"]
        with chromium(f"--remote-debugging-port={port}") as engine:
            visitor = Visitor(engine, here)
            for place in places:
                url = f"{here.url}{visitor.path(place)}"
                _be(engine, here.url, visitor.key(place.who) if place.who else "")
                for device in ("desktop", "mobile"):
                    told = _ask(program, port, url, device)
                    scores = [
                        round(100 * (told["categories"][name]["score"] or 0)) for name in CATEGORIES
                    ]
                    worst = min(worst, *scores[1:])
                    print(_line(place, device, scores, told["audits"]), flush=True)
    print(f"lowest of accessibility and best practices: {worst}")
    return 0 if worst >= 95 else 1


def _line(place: Place, device: str, scores: list[int], audits: dict[str, dict[str, float]]) -> str:
    paint = audits["largest-contentful-paint"].get("numericValue", 0) / 1000
    shift = audits["cumulative-layout-shift"].get("numericValue", 0)
    told = "".join(f"{score:>16}" for score in scores)
    return f"{place.name:<20} {device:<8}{told}   {paint:4.1f} s   {shift:.3f}"


def _installed() -> str:
    folder = VAR / "lighthouse"
    program = folder / "node_modules" / ".bin" / "lighthouse"
    if not program.exists():
        print(f"Installing lighthouse {VERSION} in {folder} …", flush=True)
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            ["npm", "install", "--silent", "--prefix", str(folder), f"lighthouse@{VERSION}"],
            check=True,
        )
    return str(program)


def _be(engine: Browser, url: str, key: str) -> None:
    """Log the browser in, or out. Lighthouse's own extra headers reach no websocket, so that the
    page would show that it is offline."""
    protocol = engine.new_browser_cdp_session()
    protocol.send("Storage.clearCookies")
    if key:
        cookie = {"name": "sessionid", "value": key, "url": url}
        protocol.send("Storage.setCookies", {"cookies": [cookie]})
    protocol.detach()


def _ask(program: str, port: int, url: str, device: str) -> dict[str, dict[str, dict[str, float]]]:
    with tempfile.NamedTemporaryFile("r", suffix=".json") as out:
        command = [
            program,
            url,
            "--quiet",
            "--output=json",
            f"--output-path={out.name}",
            f"--only-categories={','.join(CATEGORIES)}",
            f"--port={port}",
        ]
        if device == "desktop":
            command.append("--preset=desktop")
        subprocess.run(command, check=True)
        found: dict[str, dict[str, dict[str, float]]] = json.load(out)
        return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
