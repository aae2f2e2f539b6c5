"""What belongs to a person, in a real browser: logging in and out, the password, the look of the
pages, API tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import requests
from playwright.sync_api import Browser, Page, expect

from audit.models import AuditEvent, Kind
from drives.models import Drive
from tests.integration.dashboard.conftest import PASSWORD, a_user
from tests.integration.dashboard.web import Web

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(180),
    pytest.mark.needs("chromium"),
]
Opens = Callable[..., Page]
NEW_PASSWORD = "battery staple 9"


@pytest.fixture
def page(web: Web, browser: Browser) -> Iterator[Page]:
    """Nobody is logged in."""
    context = browser.new_context()
    yield context.new_page()
    context.close()


def test_somebody_logs_in_and_out_by_keyboard(web: Web, page: Page, drive: Drive) -> None:
    a_user("viewer")
    a_user("admin")
    page.goto(f"{web.url}/drives/{drive.pk}")
    expect(page.get_by_label("Name")).to_be_focused()
    page.keyboard.type("viewer")
    page.keyboard.press("Tab")
    page.keyboard.type("a guess")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("That name and password don’t go together.")
    expect(page.get_by_label("Name")).to_have_value("viewer")
    expect(page.get_by_label("Password")).to_be_focused()
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    # To the page that was asked for.
    expect(page.get_by_role("heading", level=1)).to_have_text("Never burned in.")
    user = page.get_by_role("button", name="viewer viewer")
    user.focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Log out").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Log in")).to_be_visible()
    # The way back shows nothing that takes a login.
    page.go_back()
    expect(page.get_by_role("button", name="Log in")).to_be_visible()
    kinds = AuditEvent.objects.order_by("pk").values_list("kind", flat=True)
    assert list(kinds) == [Kind.LOGIN_FAILED, Kind.LOGIN]


def test_a_password_is_changed_where_the_old_one_is_known(
    drive: Drive, web: Web, page_of: Opens, page: Page
) -> None:
    a_user("admin")  # without one, whoever comes is led to the first page of all
    own = page_of("operator")
    own.goto(web.url)
    own.get_by_role("button", name="operator operator").click()
    own.get_by_role("link", name="Role and password").click()
    for old, new, again, said in (
        ("a guess", NEW_PASSWORD, NEW_PASSWORD, "This is not your password."),
        (PASSWORD, "short", "short", "at least 10 characters"),
        (PASSWORD, NEW_PASSWORD, "battery staple 8", "not the same"),
    ):
        own.get_by_label("Present password").fill(old)
        own.get_by_label("New password", exact=True).fill(new)
        own.get_by_label("New password again").fill(again)
        own.keyboard.press("Enter")
        expect(own.get_by_role("alert").first).to_contain_text(said)
    own.get_by_label("Present password").fill(PASSWORD)
    own.get_by_label("New password", exact=True).fill(NEW_PASSWORD)
    own.get_by_label("New password again").fill(NEW_PASSWORD)
    own.get_by_role("button", name="Change password").click()
    expect(own.get_by_role("heading", level=1)).to_have_text("Your password is changed")
    # This session goes on; elsewhere the new one is asked for.
    own.goto(web.url)
    expect(own.get_by_role("link", name="sda", exact=True)).to_be_visible()
    page.goto(web.url)
    for password in (PASSWORD, NEW_PASSWORD):
        page.get_by_label("Name").fill("operator")
        page.get_by_label("Password").fill(password)
        page.get_by_role("button", name="Log in").click()
        expect(page.locator("#login-error")).to_have_count(int(password == PASSWORD))
    expect(page.get_by_role("link", name="sda", exact=True)).to_be_visible()


def test_an_admin_adds_somebody_who_may_do_what_the_role_says(
    drive: Drive, web: Web, page_of: Opens, page: Page
) -> None:
    admin = page_of("admin")
    admin.goto(f"{web.url}/profile")
    admin.get_by_role("link", name="People and their roles").click()
    admin.get_by_role("link", name="Add user").first.click()
    admin.get_by_label("Username").fill("olga")
    for field in ("Password:", "Password confirmation:"):
        admin.get_by_label(field, exact=True).fill(NEW_PASSWORD)
    admin.get_by_label("Role").select_option("viewer")
    admin.get_by_role("button", name="Save", exact=True).click()
    page.goto(f"{web.url}/")
    page.get_by_label("Name").fill("olga")
    page.get_by_label("Password").fill(NEW_PASSWORD)
    page.keyboard.press("Enter")
    burn_in = page.get_by_role("link", name="Burn in… sda")
    expect(page.get_by_role("button", name="olga viewer")).to_be_visible()
    expect(burn_in).to_be_hidden()
    admin.get_by_role("link", name="olga", exact=True).first.click()
    admin.get_by_label("Role").select_option("operator")
    admin.get_by_role("button", name="Save", exact=True).click()
    page.reload()
    expect(burn_in).to_be_visible()
    admin.goto(f"{web.url}/audit")
    expect(admin.locator(".events")).to_contain_text("olga: role viewer → operator by admin")


def test_a_token_is_made_shown_once_used_and_revoked(web: Web, page_of: Opens) -> None:
    page = page_of("operator")
    page.goto(f"{web.url}/profile")
    page.get_by_role("button", name="operator operator").click()
    page.get_by_role("link", name="API tokens").click()
    expect(page.get_by_text("No token yet.")).to_be_visible()
    # No role above one's own, and no day that is over.
    expect(page.get_by_label("Role").locator("option")).to_have_text(["viewer", "operator"])
    page.get_by_label("Name", exact=True).fill("n8n")
    page.get_by_label("Good until").fill("2001-01-31")
    page.get_by_role("button", name="Make").click()
    expect(page.locator("#token-expires-hint")).to_have_class("error")
    expect(page.get_by_label("Name", exact=True)).to_have_value("n8n")
    page.get_by_label("Good until").fill("2099-01-31")
    page.get_by_label("Role").focus()
    page.keyboard.type("oper")
    page.get_by_label("Name", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(
        "Copy this token now; it is not shown again"
    )
    token = page.locator("#token").inner_text()

    def answer(path: str, method: str = "get") -> int:
        headers = {"Authorization": f"Bearer {token}"}
        call = requests.request(method, f"{web.url}/api/v1/{path}", headers=headers, timeout=30)
        return call.status_code

    assert answer("drives") == 200
    assert answer("burnin/cancel-all", "post") == 200
    assert answer("settings") == 403
    page.goto(f"{web.url}/profile/tokens")
    known = page.get_by_role("listitem").filter(has_text="n8n")
    expect(known).to_contain_text("operator")
    expect(known).to_contain_text("used")
    assert token not in page.content()
    page.get_by_role("button", name="Revoke n8n").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("No token yet.")).to_be_visible()
    assert answer("drives") == 401


def test_the_chosen_theme_stays_on_every_page(web: Web, page_of: Opens, drive: Drive) -> None:
    page = page_of("viewer")
    page.emulate_media(color_scheme="light")
    page.goto(web.url)
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    light = page.evaluate(ground)
    button = page.get_by_role("button", name="Theme")
    button.click()
    page.get_by_role("button", name="Dark").click()
    dark = page.evaluate(ground)
    assert dark != light
    for path in ("/history", f"/drives/{drive.pk}", "/no/such/page"):
        page.goto(web.url + path)
        assert page.evaluate(ground) == dark, path
    # By keyboard; and auto is what the browser wants.
    page.goto(web.url)
    for name, wanted in (("Light", light), ("Auto", dark)):
        page.emulate_media(color_scheme="dark")
        button.focus()
        page.keyboard.press("Enter")
        page.get_by_role("button", name=name).focus()
        page.keyboard.press("Enter")
        assert page.evaluate(ground) == wanted, name
    page.reload()
    button.click()
    expect(page.get_by_role("button", name="Auto")).to_have_attribute("aria-pressed", "true")
