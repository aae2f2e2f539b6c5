"""In a real browser: no page breaks its own content security policy, and the way of the first
admin from the code to the drives."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from dashboard import first_admin
from drives.models import Drive
from live.changes import changed
from tests.integration.dashboard.conftest import PASSWORD as USERS_PASSWORD
from tests.integration.dashboard.conftest import a_user
from tests.integration.dashboard.web import Web
from tests.integration.rows import a_job
from tests.waiting import wait_for

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(150),
    pytest.mark.needs("chromium"),
]
#: Asks the page itself what its policy refused, whoever caused it.
LISTEN = """window.refused = []; document.addEventListener('securitypolicyviolation', (event) =>
  window.refused.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`))"""
PASSWORD = "battery staple 9"


@pytest.fixture
def complaints() -> list[str]:
    """What scripts throw, and what the console says about the policy; empty at the end."""
    return []


@pytest.fixture
def page(web: Web, browser: Browser, complaints: list[str]) -> Iterator[Page]:
    def read(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            complaints.append(message.text)

    context = browser.new_context()
    context.add_init_script(LISTEN)
    page = context.new_page()
    page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
    page.on("console", read)
    yield page
    context.close()
    assert complaints == []


def refused(page: Page) -> list[str]:
    found: list[str] = page.evaluate("window.refused")
    return found


def test_no_page_breaks_its_own_policy(
    web: Web, page: Page, complaints: list[str], drive: Drive
) -> None:
    admin, job = a_user("admin"), a_job(drive)
    other = a_user("viewer")
    pages = ["/login", "/no/such/page"]
    for path in pages:
        page.goto(web.url + path)
        assert refused(page) == [], path
    client = Client()
    client.force_login(admin)
    key = client.cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": key, "url": web.url}])
    pages = [
        "/", "/?state=queued", "/history", f"/history/{job.pk}", f"/drives/{drive.pk}/start",
        f"/jobs/{job.pk}/cancel", "/profile", "/profile?changed", "/no/such/page",
        "/admin/", "/admin/auth/", "/admin/auth/user/", "/admin/auth/user/add/",
        f"/admin/auth/user/{other.pk}/change/", f"/admin/auth/user/{other.pk}/password/",
        f"/admin/auth/user/{other.pk}/history/", f"/admin/auth/user/{other.pk}/delete/",
    ]  # fmt: skip
    for path in pages:
        page.goto(web.url + path)
        assert refused(page) == [], path
    # And by hand what scripts do: menus, the dialog, the theme.
    page.goto(f"{web.url}/")
    page.get_by_role("button", name="Theme").click()
    page.get_by_role("button", name="Dark").click()
    page.goto(f"{web.url}/history/{job.pk}")
    page.get_by_role("link", name="Cancel burn-in…").click()
    expect(page.locator("dialog[open]")).to_be_visible()
    assert refused(page) == []
    assert complaints == []
    # The policy is at work: what somebody smuggles in doesn't run.
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=alert(1)>')")
    wait_for(lambda: refused(page), 10, "the policy refuses it")
    complaints.clear()


@pytest.mark.parametrize(
    ("end", "words"),
    [("session", "Your login has ended"), ("role", "Your role no longer allows")],
)
def test_an_open_page_says_that_it_may_no_longer_be_looked_at(
    web: Web, page: Page, drive: Drive, end: str, words: str
) -> None:
    viewer, client = a_user("viewer"), Client()
    client.force_login(viewer)
    key = client.cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": key, "url": web.url}])
    page.goto(f"{web.url}/")
    expect(page.locator("body[data-connected]")).to_be_attached()
    page.wait_for_load_state("networkidle")  # a table that it reloads at its start is there
    if end == "session":
        client.post("/logout")
    else:
        viewer.groups.clear()

    def is_told() -> bool:
        # A page that reloads its table at that very moment is led to the login instead.
        if end == "session" and page.url != f"{web.url}/":
            return True
        why = page.locator("#offline-why")
        return why.count() == 1 and words in (why.text_content() or "")

    wait_for(is_told, 40, "the page says it, or has gone to the login")


def test_a_page_whose_session_was_renewed_goes_on_by_itself(
    web: Web, page: Page, drive: Drive
) -> None:
    """Somebody changes the own password in one tab; the other one stays live."""
    viewer, client = a_user("viewer"), Client()
    client.force_login(viewer)

    def use_its_session() -> None:
        key = client.cookies["sessionid"].value
        page.context.add_cookies([{"name": "sessionid", "value": key, "url": web.url}])

    use_its_session()
    page.goto(f"{web.url}/")
    expect(page.locator("body[data-connected]")).to_be_attached()
    page.wait_for_load_state("networkidle")  # a table that it reloads at its start is there
    page.evaluate("document.addEventListener('htmx:ws:close', () => { window.wasClosed = true; })")
    form = {"old": USERS_PASSWORD, "password": PASSWORD, "again": PASSWORD}
    assert client.post("/profile", form).status_code == 302
    use_its_session()
    wait_for(lambda: page.evaluate("window.wasClosed === true"), 40, "the websocket is closed")
    with transaction.atomic():
        Drive.objects.update(temperature_c=51)
        changed([drive.pk])
    expect(page.locator(f"#drive-{drive.pk}")).to_contain_text("51 °C")


def test_from_the_code_to_the_drives(web: Web, page: Page) -> None:
    code = first_admin.new_code()
    page.goto(f"{web.url}/history")
    assert page.url.startswith(f"{web.url}/setup")
    expect(page.locator("[name=code]")).to_be_focused()
    page.keyboard.type("AAAAA-AAAAA-AAAAA-AAAAA")
    page.get_by_label("Name").fill("olga")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password again").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("This is not the code.")
    expect(page.get_by_label("Name")).to_have_value("olga")
    page.get_by_label("Setup code").fill(code)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password again").fill(PASSWORD)
    page.get_by_role("button", name="Make the admin and log in").click()
    assert page.url == f"{web.url}/"
    assert User.objects.get().username == "olga"
    page.get_by_role("button", name="olga").click()
    page.get_by_role("link", name="Role and password").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("olga, admin")
