"""Open pages while the way to the server goes away: a laptop that slept, tabs that the browser
froze, another network, a server that was started anew, a Valkey that lost everything. Each page
catches up by itself, and what a person was doing is still there."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import redis
from django.db import transaction
from playwright.sync_api import Browser, BrowserContext, Page, expect

from audit.models import AuditEvent, Kind
from burnin.models import JobState
from drives.models import Drive
from live.changes import changed
from tests.integration.dashboard.open_page import MARK, MARKED, change, row
from tests.integration.dashboard.relay import Relay, relay
from tests.integration.dashboard.web import Web
from tests.integration.rows import a_drive, a_job

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(300),
    pytest.mark.needs("chromium"),
]
OFFLINE = "This page is offline."


@pytest.fixture
def network(web: Web) -> Iterator[Relay]:
    with relay(web.port) as passing:
        yield passing


@pytest.fixture
def context(
    network: Relay, browser: Browser, as_: Callable[..., object]
) -> Iterator[BrowserContext]:
    """An operator's tabs, whose clock can be put forward. An exception in one fails the test."""
    complaints: list[str] = []
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    key = as_("operator").cookies["sessionid"].value  # type: ignore[attr-defined]
    context.add_cookies([{"name": "sessionid", "value": key, "url": network.url}])
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    context.clock.install()
    yield context
    context.close()
    assert complaints == []


def opened(context: BrowserContext, network: Relay, path: str) -> Page:
    page = context.new_page()
    page.goto(network.url + path)
    expect(page.locator("body[data-connected]")).to_be_attached()
    page.wait_for_load_state("networkidle")  # a table that it reloads at its start is there
    page.evaluate(MARK)
    return page


class Desk:
    """What an operator has open, half done: an accident must not touch it."""

    def __init__(self, context: BrowserContext, network: Relay, drive: Drive) -> None:
        two, four = a_drive(drive.system, "sdb"), a_drive(drive.system, "sdd")
        self.three = a_drive(drive.system, "sdc", location="Bay 9")
        self.job = a_job(four, state=JobState.RUNNING)
        # A selection, and a location half typed.
        self.home = opened(context, network, "/?q=sd")
        for name in ("sda", "sdb"):
            self.home.get_by_role("checkbox", name=f"Select {name}", exact=True).check()
        row(self.home, self.three).locator("[data-place]").click()
        self.home.keyboard.type("Bay 1")
        # A dialog with another order of stages.
        self.asking = opened(context, network, "/")
        row(self.asking, two).get_by_text("Burn in…").click()
        self.dialog = self.asking.get_by_role("dialog", name="Burn in sdb")
        expect(self.dialog.locator("[data-refused]")).to_be_visible()
        self.dialog.get_by_role("checkbox", name="SMART long").uncheck()
        self.dialog.get_by_role("button", name="Move Surface up").click()
        # A drive with notes half typed, and the log of a burn-in with a filter.
        self.drive = opened(context, network, f"/drives/{drive.pk}")
        self.notes = self.drive.get_by_label("Notes")
        self.notes.fill("came in a torn b")
        self.report = opened(context, network, f"/history/{self.job.pk}")
        self.filter = self.report.get_by_label("Filter the log")
        self.filter.fill("goes on")
        self.pages = (self.home, self.asking, self.drive, self.report)

    def freeze(self) -> None:
        """The browser lets no script of theirs run, as with tabs that nobody looked at for long."""
        for page in self.pages:
            page.evaluate("document.onfreeze = () => { window.wasFrozen = true; }")
        self._put_into("frozen")

    def thaw(self) -> None:
        self._put_into("active")
        for page in self.pages:
            assert page.evaluate("window.wasFrozen === true")

    def _put_into(self, state: str) -> None:
        for page in self.pages:
            session = page.context.new_cdp_session(page)
            session.send("Page.setWebLifecycleState", {"state": state})
            session.detach()

    def shows(self, celsius: int, lines: int, accident: str) -> None:
        """Every page has that temperature, the log so many lines, and no page was loaded again."""
        for page in (self.home, self.asking):
            temperatures = page.locator("#drives tr[data-state] .temp")
            expect(temperatures, accident).to_have_text([f"{celsius} °C"] * 4)
        expect(self.drive.locator("main"), accident).to_contain_text(f"{celsius} °C")
        log = self.report.get_by_label(f"Log of burn-in {self.job.pk}")
        expect(log.locator("li:visible"), accident).to_have_count(lines)
        for page in self.pages:
            expect(page.get_by_text(OFFLINE), accident).to_be_hidden()
            assert page.evaluate(MARKED), f"{page.url} was loaded again after {accident}"

    def is_as_it_was_left(self, accident: str) -> None:
        expect(self.home.locator("#batch-count"), accident).to_have_text("2 selected")
        field = self.home.get_by_label("Location of sdc")
        expect(field, accident).to_be_focused()
        expect(field, accident).to_have_value("Bay 1")
        expect(self.dialog, accident).to_be_visible()
        expect(self.dialog.get_by_role("checkbox", name="SMART long")).not_to_be_checked()
        expect(self.dialog.get_by_role("button", name="Move Surface up")).to_be_focused()
        stages = self.dialog.locator("[data-stage] label.check").all_inner_texts()
        assert stages == ["SMART short", "Surface validate", "SMART long"], accident
        expect(self.notes, accident).to_be_focused()
        expect(self.notes, accident).to_have_value("came in a torn b")
        expect(self.filter, accident).to_be_focused()
        expect(self.filter, accident).to_have_value("goes on")


def test_after_each_accident_pages_catch_up_and_keep_what_somebody_was_doing(
    drive: Drive, web: Web, network: Relay, context: BrowserContext
) -> None:
    desk = Desk(context, network, drive)
    accidents = ("sleep", "frozen", "network", "restart", "flush")
    for lines, accident in enumerate(accidents, start=1):
        if accident == "frozen":
            desk.freeze()
        if accident in {"sleep", "frozen"}:
            network.forget()
        elif accident == "network":
            network.cut()
        elif accident == "restart":
            web.kill9()
        if accident in {"network", "restart"}:
            for page in desk.pages:
                expect(page.get_by_text(OFFLINE), accident).to_be_visible()
        # What happens now, no page hears of.
        with transaction.atomic():
            Drive.objects.update(temperature_c=40 + lines)
            AuditEvent.objects.create(
                kind=Kind.BURNIN_RESUMED, note=f"goes on, {lines}", job_id=desk.job.pk
            )
            if accident != "flush":
                changed(Drive.objects.values_list("pk", flat=True))
        if accident == "frozen":
            desk.thaw()
        if accident in {"sleep", "frozen"}:
            for page in desk.pages:
                page.clock.fast_forward("08:00:00")
        elif accident == "network":
            network.mend()
        elif accident == "restart":
            web.start()
        else:
            redis.Redis.from_url(web.valkey).flushall()
        desk.shows(40 + lines, lines, accident)
        desk.is_as_it_was_left(accident)
    # And they hear of changes again.
    change(desk.three, temperature_c=55)
    expect(row(desk.home, desk.three)).to_contain_text("55 °C")
    desk.home.keyboard.type("2")
    desk.home.keyboard.press("Enter")
    expect(row(desk.home, desk.three)).to_contain_text("Bay 12")
