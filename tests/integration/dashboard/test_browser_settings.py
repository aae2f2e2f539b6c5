"""The Settings page in a real browser: saved on leaving, refused at the field, tested."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from config import runtime
from notifications.models import Delivery
from tests.integration.dashboard.web import Web
from tests.integration.notifications.servers import receiver
from tests.waiting import wait_for

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(180),
    pytest.mark.needs("chromium"),
]
PageOf = Callable[..., Page]


def test_fields_are_saved_refused_taken_back_and_tested(web: Web, page_of: PageOf) -> None:
    page = page_of("admin")
    page.goto(f"{web.url}/settings")
    # Enter saves, and says so at the field.
    page.get_by_label("Burn-ins at once").fill("4")
    page.keyboard.press("Enter")
    field = page.locator("[data-field=max_parallel_burnins]")
    expect(field.get_by_text("saved")).to_be_visible()
    expect(page.get_by_text("1 differs from the environment’s defaults")).to_be_visible()
    assert runtime.current().max_parallel_burnins == 4
    # What is refused stands there with its reason, and is tried again when another makes it right.
    page.get_by_label("Pause above").fill("46")
    page.get_by_label("Start up to").focus()
    expect(page.get_by_text("Must be above the resume limit, 48 °C")).to_be_visible()
    assert runtime.current().temp_pause_c == 55
    page.get_by_label("Start up to").fill("40")
    page.get_by_label("Go on below").fill("42")
    page.get_by_label("Stop above").focus()
    wait_for(lambda: runtime.current().temp_pause_c == 46, 20, "the pause limit is saved")
    expect(page.locator("[aria-invalid]")).to_have_count(0)
    # Escape takes back.
    page.get_by_label("Stop above").fill("99")
    page.keyboard.press("Escape")
    expect(page.get_by_label("Stop above")).to_have_value("62")
    # A secret is gone from the page as soon as it is saved.
    page.get_by_label("Password").fill("hunter22")
    page.get_by_role("switch", name="Mail when a drive passes").check()
    expect(page.get_by_label("Password")).to_have_value("")
    expect(page.get_by_placeholder("Set just now. Type to replace")).to_be_visible()
    wait_for(lambda: runtime.current().smtp_alert_on_pass, 20, "the switch is saved")
    assert runtime.current().smtp_password == "hunter22"
    # A test waits for the field that was being typed in.
    page.get_by_label("Server").fill("127.0.0.1")
    page.get_by_label("Mode").select_option("plain")
    page.get_by_role("button", name="Test connection").click()
    words = "127.0.0.1 port 25: Connection refused"
    expect(page.locator("#mail-answer")).to_contain_text(words)
    page.get_by_role("button", name="Send test mail").click()
    expect(page.locator("#mail-answer")).to_contain_text("Fill in server and recipient first.")
    page.get_by_label("To", exact=True).fill("ops@example.org")
    page.get_by_role("button", name="Send test mail").click()
    expect(page.locator("#mail-answer")).to_contain_text(words)
    page.reload()
    expect(page.get_by_label("Server")).to_have_value("127.0.0.1")


def test_the_webhook_is_tested_and_what_was_not_sent_is_sent_again(
    web: Web, page_of: PageOf
) -> None:
    Delivery.objects.create(
        source="event-1", channel="webhook", payload={"title": "sdn failed"}, state="failed",
        attempts=15, said="hooks.example answered 500", next_try_at=timezone.now(),
    )  # fmt: skip
    page = page_of("admin")
    page.goto(f"{web.url}/settings")
    answer, test = page.locator("#webhook-answer"), page.get_by_role("button", name="Test webhook")
    with receiver() as hook:
        hook.answers = [(403, "no entry", {}), (200, "ok", {})]
        # By keyboard: each field is saved on leaving, the test uses what was typed.
        page.get_by_label("URL", exact=True).fill(hook.url)
        page.get_by_label("Secret").fill("sesame-open")
        test.focus()
        page.keyboard.press("Enter")
        expect(answer).to_contain_text("nothing was sent")
        page.get_by_role("switch", name="Allow local addresses").focus()
        page.keyboard.press("Space")
        test.focus()
        page.keyboard.press("Enter")
        expect(answer).to_contain_text("127.0.0.1 answered 403 no entry")
        page.keyboard.press("Enter")
        expect(answer).to_contain_text("Done in")
    unsent = page.locator("#unsent")
    expect(unsent).to_contain_text("given up after 15 tries")
    expect(unsent).to_contain_text("hooks.example answered 500")
    page.get_by_role("button", name="Send again").click()
    expect(unsent).to_contain_text("next try")
    assert "sesame-open" not in page.content()
    # What takes a restart is only shown.
    card = page.locator(".panel", has_text="Needs a restart")
    expect(card).to_contain_text("SQLite")
    expect(card.locator("input, select, textarea, button")).to_have_count(0)
