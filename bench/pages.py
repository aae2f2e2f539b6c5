"""The home page with many drives, in Chromium over loopback, as a first visitor sees it.

The web server is the product's own (daphne, WhiteNoise, gzip) on a database of its own; there is no
NAS and no worker behind it. Bytes are what crossed the wire. Largest paint, layout shift and the
main thread's time are Chromium's own figures. A row update is one drive whose temperature
changed: the message is parsed, the row morphed, styled, laid out and painted. Its time is what the
main thread had of a processor, not the clock's, which counts other programs' turns too; what the
waiting for it costs by itself is measured before each update, and taken off. How soon a change is
seen is the clock's: from its mark to the message on the page.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from launcher.needs import NEEDS

from .scene import Scene

if TYPE_CHECKING:
    from playwright.sync_api import CDPSession, Page, WebSocket

GOALS = {"bytes": 200_000, "paint": 1000.0, "shift": 0.02, "update": 16.0, "seen": 1000.0}
WATCH = """
window.measured = { paint: 0, shift: 0 };
function watch(type, note) {
  const observer = new PerformanceObserver((list) => list.getEntries().forEach(note));
  observer.observe({ type, buffered: true });
}
watch('largest-contentful-paint', (entry) => { measured.paint = entry.startTime; });
watch('layout-shift', (entry) => { measured.shift += entry.value; });
"""
UPDATES = 20


@dataclass(frozen=True)
class Measured:
    """bytes: over the wire; paint, update, seen: ms; shift: Chromium's own measure, no unit."""

    bytes: float
    paint: float
    shift: float
    update: float
    seen: float


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="./run bench pages", description=__doc__)
    parser.add_argument("--drives", type=int, default=500)
    parser.add_argument("--running", type=int, default=50)
    parser.add_argument("--runs", type=int, default=5, help="cold loads; medians are printed")
    options = parser.parse_args(arguments)
    if not NEEDS["chromium"].find():
        print("bench: needs Chromium", file=sys.stderr)
        return 1
    with (
        tempfile.TemporaryDirectory(prefix="bench-pages-") as folder,
        Scene(Path(folder), options.drives, options.running) as scene,
    ):
        found = _measure(scene, options.runs)
    print(f"home page, {options.drives} drives, {options.running} running, {options.runs} runs")
    for name, words, unit in (
        ("bytes", "cold, compressed, with scripts and styles", "bytes"),
        ("paint", "largest paint", "ms"),
        ("shift", "layout shift", ""),
        ("update", "main thread for one row's update", "ms"),
        ("seen", "a change of ours has arrived after", "ms"),
    ):
        value, goal = getattr(found, name), GOALS[name]
        told = (
            f"{value:,.3f}"
            if name == "shift"
            else f"{value:,.0f}"
            if value > 100
            else f"{value:.1f}"
        )
        print(
            f"{words:44} {told:>9} {unit:5} goal {goal:,g}  {'ok' if value <= goal else 'MISSED'}"
        )
    return 0


def _measure(scene: Scene, runs: int) -> Measured:
    from tests.browser import chromium

    with chromium() as browser:
        loads = [_load(browser, scene) for _ in range(runs)]
        update, seen = _updates(browser, scene)
    middle = {
        name: statistics.median(load[name] for load in loads)
        for name in ("bytes", "paint", "shift")
    }
    return Measured(**middle, update=update, seen=seen)


def _load(browser: Any, scene: Scene) -> dict[str, float]:
    page, protocol = _page(browser, scene)
    received = 0.0

    def count(event: dict[str, Any]) -> None:
        nonlocal received
        received += event["encodedDataLength"]

    protocol.send("Network.enable")
    protocol.on("Network.loadingFinished", count)
    page.goto(scene.url, wait_until="load")
    page.wait_for_selector("body[data-connected]")
    page.wait_for_timeout(500)  # late shifts count too
    found = page.evaluate("measured")
    page.context.close()
    return {**found, "bytes": received}


def _updates(browser: Any, scene: Scene) -> tuple[float, float]:
    """Median ms of the main thread that one changed row costs over a page at rest, and median ms
    until its message is there."""
    page, protocol = _page(browser, scene)
    sockets: list[WebSocket] = []
    page.on("websocket", lambda socket: sockets.append(socket))
    page.goto(scene.url, wait_until="load")
    page.wait_for_selector("body[data-connected]")
    page.wait_for_timeout(1500)
    page.evaluate("clearInterval(window.ticking)")
    protocol.send("Performance.enable", {"timeDomain": "threadTicks"})
    costs, delays = [], []
    for number in range(UPDATES):
        before = _busy(protocol)
        _wait(page)
        waiting = _busy(protocol) - before
        drive_id, celsius = scene.warm(number)
        before = _busy(protocol)
        # Waiting for an element would look for it in the page at each frame, which costs more than
        # the update does.
        row = f"#drive-{drive_id}"
        with sockets[-1].expect_event("framereceived", lambda told, row=row: row in told):
            announced = time.monotonic()
            scene.announce(drive_id)
        delays.append((time.monotonic() - announced) * 1000)
        _wait(page)
        costs.append((_busy(protocol) - before - waiting) * 1000)
        shown = page.locator(f"{row} .temp").inner_text()
        assert f"{celsius} °C" in shown, shown
    page.context.close()
    return statistics.median(costs), statistics.median(delays)


def _wait(page: Page) -> None:
    page.wait_for_timeout(300)
    page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")


def _busy(protocol: CDPSession) -> float:
    """Seconds of a processor that the page's main thread has had."""
    metrics = protocol.send("Performance.getMetrics")["metrics"]
    return float(next(one["value"] for one in metrics if one["name"] == "TaskDuration"))


def _page(browser: Any, scene: Scene) -> tuple[Page, CDPSession]:
    """A fresh context: nothing cached, logged in."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.add_cookies([{"name": "sessionid", "value": scene.session, "url": scene.url}])
    context.add_init_script(WATCH)
    page = context.new_page()
    return page, context.new_cdp_session(page)
