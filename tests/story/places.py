"""Every page and dialog of the product, with who opens it: walked by the tests and screenshots.

A new page or dialog gets its line here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import requests
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.story.site import Site
from tests.story.worlds import LONG


@dataclass(frozen=True)
class Place:
    """A page, or what it shows after `act`. In `path`, {job:sdc} and {drive:sdc} become ids.

    who: a name of the story; empty is nobody. part: a selector of what the page shows beyond the
    place it was opened from; empty is all of it. world: which of the sites it is opened on.
    """

    name: str
    path: str
    who: str = "alice"
    act: Callable[[Page], Any] | None = None
    part: str = ""
    world: str = "told"


def opened(name: str, dialog: str) -> Callable[[Page], None]:
    """Press that link and wait for its dialog."""

    def act(page: Page) -> None:
        page.get_by_role("link", name=name).first.click()
        expect(page.get_by_role("dialog", name=dialog)).to_be_visible()
        expect(page.locator("dialog").get_by_text(re.compile("^Asking "))).to_have_count(0)

    return act


def selected(page: Page) -> None:
    """Four free drives: two without anything on them, old data on the third, the last too hot."""
    for name in ("sdh", "sdk", "sdl", "sdo"):
        page.get_by_role("checkbox", name=f"Select {name}", exact=True).check()
    expect(page.locator("#batch")).to_be_visible()


def compact(page: Page) -> None:
    """As chosen in the menu, which a phone hasn't."""
    page.evaluate("document.documentElement.dataset.rows = 'compact'")


def a_batch(page: Page) -> None:
    selected(page)
    page.locator("#batch-burn-in").click()
    expect(page.locator("[data-says-tally]")).to_be_visible()


def asking(page: Page) -> None:
    """A batch whose hosts have not answered yet, and never do."""
    page.route(re.compile("/batch/verdicts"), lambda route: None)
    selected(page)
    page.locator("#batch-burn-in").click()
    expect(page.get_by_role("dialog")).to_be_visible()


def all_selected(page: Page) -> None:
    page.locator("#pick-all").evaluate("box => box.click()")
    expect(page.locator("#batch")).to_be_visible()


def outcomes(page: Page) -> None:
    """Start what a batch can start; it is taken back behind the dialog."""
    a_batch(page)
    page.get_by_label("Overwrite everything on these 2 drives").check()
    page.get_by_role("button", name="Start 2 burn-ins").click()
    expect(page.get_by_role("dialog").get_by_text("of 2: burn-in queued")).to_be_visible()
    page.evaluate(TAKE_BACK)


def a_menu(page: Page) -> None:
    page.get_by_role("button", name="More for sdk").click()
    expect(page.get_by_role("link", name="Open drive")).to_be_visible()


def an_edit(page: Page) -> None:
    a_menu(page)
    page.get_by_role("button", name="Edit location and notes…").click()
    expect(page.locator("dialog[open]")).to_be_visible()


def quick(page: Page) -> None:
    opened("Burn in… sdk", "Burn in sdk")(page)
    page.get_by_label("Quick screening").check()


def cancelling_all(page: Page) -> None:
    page.get_by_role("button", name=re.compile("Cancel all")).click()
    expect(page.get_by_role("dialog")).to_be_visible()


def what_it_can_do(page: Page) -> None:
    page.get_by_text("What it can do").first.click()
    expect(page.get_by_text("Surface runs").first).to_be_visible()


def checked(page: Page) -> None:
    page.get_by_role("button", name="Check everything").first.click()
    expect(page.locator(".findings").first).to_be_visible()


def removing(page: Page) -> None:
    page.get_by_role("link", name="Remove…").first.click()
    expect(page.get_by_role("button", name="Remove nas-1")).to_be_visible()


def changing(page: Page) -> None:
    page.get_by_role("link", name="Change…").first.click()
    expect(page.get_by_label("Name", exact=True)).to_have_value("nas-1")


def a_host_key(page: Page) -> None:
    card = page.locator(".system-cards > section").first.get_attribute("id") or ""
    page.goto(f"{page.url}/{card.removeprefix('card-')}/host-key")
    expect(page.get_by_role("button", name="Confirm this key")).to_be_visible()


def unread(page: Page) -> None:
    """Something changed, and the server doesn't tell what."""
    page.route("**/table*", lambda route: route.fulfill(status=503, body="later"))
    page.evaluate("document.dispatchEvent(new Event('table:reload'))")
    expect(page.get_by_text("What you see may be old.", exact=True)).to_be_visible()


def offline(page: Page) -> None:
    """The page loads, then the server can't be heard any more."""
    page.route_web_socket(re.compile("/live/"), lambda socket: socket.close())
    page.reload()
    expect(page.locator("#offline")).to_be_visible()


cancelling_long = opened("Cancel… burn-in", "Cancel the burn-in")
cancelling = opened("Cancel… burn-in of sda", "Cancel the burn-in of sda")
DIALOG = "dialog[open]"


TAKE_BACK = """async () => {
  const headers = JSON.parse(document.body.getAttribute('hx-headers:inherited'));
  for (const link of document.querySelectorAll('dialog a[href^="/history/"]')) {
    const address = link.getAttribute('href').replace('/history/', '/jobs/') + '/cancel';
    await fetch(address, { method: 'POST', headers });
  }
}"""

PLACES = (
    Place("drives", "/"),
    Place("drives-viewer", "/", "vera"),
    Place("drives-unread", "/", act=unread),
    Place("drives-compact", "/", act=compact),
    Place("drives-filtered", "/?q=ST18000&state=failed"),
    Place("dialog-start", "/", act=opened("Burn in… sdk", "Burn in sdk"), part=DIALOG),
    Place("dialog-old-data", "/", act=opened("Burn in… sdl", "Burn in sdl"), part=DIALOG),
    Place("dialog-quick", "/", act=quick, part=DIALOG),
    Place("dialog-cancel", "/", act=cancelling, part=DIALOG),
    Place("dialog-cancel-all", "/", act=cancelling_all, part=DIALOG),
    Place("drives-selected", "/", act=selected, part="#batch"),
    Place("dialog-batch", "/", act=a_batch, part=DIALOG),
    Place("dialog-batch-asking", "/", act=asking, part=DIALOG),
    Place("drives-menu", "/", act=a_menu, part="#row-menu"),
    Place("dialog-edit", "/", act=an_edit, part=DIALOG),
    Place("drives-offline", "/", act=offline),
    Place("start", "/drives/{drive:sdk}/start"),
    Place("cancel", "/jobs/{job:sda}/cancel"),
    Place("drive-passed", "/drives/{drive:sdc}"),
    Place("drive-running", "/drives/{drive:sda}"),
    Place("drive-never", "/drives/{drive:sdk}"),
    Place("drive-sas", "/drives/{drive:sdm}"),
    Place("drive-nvme", "/drives/{drive:nvd0}", "vera"),
    Place("drive-in-use", "/drives/{drive:sdi}"),
    Place("drive-absent", "/drives/{drive:da3}"),
    Place("history", "/history"),
    Place("history-nothing", "/history?state=failed&drive=999999"),
    Place("history-filtered", "/history?q=could+not&since=2020-01-01&sort=-took"),
    Place("stats", "/stats"),
    Place("audit", "/audit"),
    Place("audit-nothing", "/audit?q=nothing-like-this"),
    Place("job-passed", "/history/{job:sdc}"),
    Place("job-failed", "/history/{job:sdn}"),
    Place("job-running", "/history/{job:sda}"),
    Place("job-paused", "/history/{job:sdb}"),
    Place("job-waiting", "/history/{job:da1}"),
    Place("job-queued", "/history/{job:sde}"),
    Place("job-inconclusive", "/history/{job:sdg}"),
    Place("job-refused", "/history/{job:sdl}"),
    Place("print", "/history/{job:sdn}/print"),
    Place("profile", "/profile"),
    Place("tokens", "/profile/tokens"),
    Place("settings", "/settings", "olga"),
    Place("report-preview", "/settings/report", "olga"),
    Place("systems", "/systems", "olga", act=what_it_can_do),
    Place("systems-checked", "/systems", "olga", act=checked, part=".system-cards"),
    Place("systems-add", "/systems/add", "olga"),
    Place("systems-change", "/systems", "olga", act=changing),
    Place("systems-host-key", "/systems", "olga", act=a_host_key),
    Place("systems-remove", "/systems", "olga", act=removing),
    Place("denied", "/admin/"),
    Place("no-role", "/", "nina"),
    Place("not-found", "/nowhere"),
    Place("login", "/login", ""),
    Place("api-docs", "/api/v1/docs"),
    Place("admin", "/admin/", "olga"),
    Place("admin-people", "/admin/auth/user/", "olga"),
    Place("admin-drive", "/admin/drives/drive/{drive:sdc}/change/", "olga"),
    Place("admin-job", "/admin/burnin/job/{job:sdn}/change/", "olga"),
    Place("admin-events", "/admin/audit/auditevent/", "olga"),
    # Last: two drives have one more burn-in behind them afterwards.
    Place("dialog-outcomes", "/", act=outcomes, part=DIALOG),
    Place("setup", "/setup", "", world="untold"),
    Place("empty-drives", "/", "olga", world="empty"),
    Place("empty-history", "/history", "olga", world="empty"),
    Place("empty-stats", "/stats", "olga", world="empty"),
    Place("empty-audit", "/audit?kind=burnin_passed", "olga", world="empty"),
    Place("empty-systems", "/systems", "olga", world="empty"),
    Place("many-drives", "/", "olga", world="many"),
    Place("many-selected", "/", "olga", act=all_selected, part="#batch", world="many"),
    Place("dialog-many-cancel-all", "/", "olga", act=cancelling_all, part=DIALOG, world="many"),
    Place("many-systems", "/systems", "olga", world="many"),
    Place("long-drives", "/", "olga", world="long"),
    Place("dialog-long-cancel", "/", "olga", act=cancelling_long, part=DIALOG, world="long"),
    Place("long-drive", f"/drives/{{drive:{LONG}}}", "olga", world="long"),
    Place("long-job", f"/history/{{job:{LONG}}}", "olga", world="long"),
    Place("long-print", f"/history/{{job:{LONG}}}/print", "olga", world="long"),
    Place("long-history", "/history", "olga", world="long"),
    Place("long-stats", "/stats", "olga", world="long"),
    Place("long-audit", "/audit", "olga", world="long"),
    Place("long-systems", "/systems", "olga", world="long"),
    Place("broken", "/stats", "olga", world="broken"),
)


class Visitor:
    """Opens places in a browser, as whom they are for."""

    def __init__(self, browser: Browser, site: Site) -> None:
        self.browser, self.site = browser, site
        self._keys: dict[str, str] = {}
        self._ids: dict[str, dict[str, Any]] = {}

    def key(self, who: str) -> str:
        if who not in self._keys:
            self._keys[who] = self.site.session(who)
        return self._keys[who]

    def path(self, place: Place) -> str:
        """The address with its ids; raises KeyError for a drive that the story hasn't."""

        def look_up(found: re.Match[str]) -> str:
            if not self._ids:
                answer = requests.get(
                    f"{self.site.url}/api/v1/drives?limit=500",
                    cookies={"sessionid": self.key(place.who)},
                    timeout=60,
                )
                present = sorted(answer.json()["items"], key=lambda drive: bool(drive["present"]))
                self._ids = {drive["devname"]: drive for drive in present}
            drive = self._ids[found[2]]
            return str(drive["burnin"]["id"] if found[1] == "job" else drive["id"])

        return re.sub(r"\{(job|drive):([^}]+)\}", look_up, place.path)

    def context(self, who: str, width: int, **options: Any) -> BrowserContext:
        context = self.browser.new_context(
            viewport={"width": width, "height": 844 if width < 720 else 900},
            color_scheme="light",
            reduced_motion="reduce",
            has_touch=width < 720,
            **options,
        )
        context.set_default_timeout(120_000)
        if who:
            context.add_cookies(
                [{"name": "sessionid", "value": self.key(who), "url": self.site.url}]
            )
        return context

    def open(self, context: BrowserContext, place: Place) -> Page:
        """Give the page once it is still."""
        page = context.new_page()
        page.goto(self.site.url + self.path(place))
        page.wait_for_load_state("networkidle")
        if place.act:
            place.act(page)
        return page
