"""The main job as a person does it, in a real browser on the whole product."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from launcher.product import ADMIN
from tests.browser import chromium
from tests.stack import Stack

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.timeout(300)]
#: Milliseconds: a time limit for a broken run.
LONG = 150_000


def test_log_in_type_the_serial_and_watch_it_pass_without_a_reload(stack: Stack) -> None:
    drive = stack.wait_for_drives("da0")["da0"]
    with chromium() as browser:
        page = browser.new_page()
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda message: message.type == "error" and complaints.append(message.text),
        )

        page.goto(stack.url)
        page.get_by_label("Name").fill(ADMIN)
        page.get_by_label("Password").fill((stack.data / "password").read_text())
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        page.evaluate("window.markedByTest = true")

        row = page.locator(f"#drive-{drive.id}")
        row.get_by_text("Burn in…").click()
        dialog = page.get_by_role("dialog", name="Burn in da0")
        start = dialog.get_by_role("button", name="Start burn-in")
        expect(dialog.get_by_text("Checked just now:")).to_be_visible(timeout=30_000)
        expect(start).to_be_disabled()
        dialog.get_by_label("Type the serial number").fill(drive.serial[:-1])
        expect(start).to_be_disabled()
        dialog.get_by_label("Type the serial number").fill(drive.serial)
        start.click()
        expect(dialog).not_to_be_visible(timeout=30_000)

        expect(row.get_by_role("progressbar")).to_be_visible(timeout=LONG)
        expect(row.locator(".state b")).to_have_text("Passed", timeout=LONG)
        expect(page.locator("#said")).to_contain_text("da0 passed")
        assert page.evaluate("window.markedByTest === true"), "the page was loaded again"

        row.get_by_role("link", name="da0", exact=True).click()
        page.get_by_role("link", name="Evidence of burn-in").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("bytes verified twice")
        expect(page.get_by_role("row").filter(has_text="Every byte was verified")).to_be_visible()
        assert complaints == []
