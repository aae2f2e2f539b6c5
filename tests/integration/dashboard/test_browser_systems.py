"""A system is added in a real browser, from the empty first page to its card."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from drives.hosts import ssh
from drives.models import System
from tests.integration.dashboard.web import Web
from tests.nas import MockNas

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(240),
    pytest.mark.needs("chromium"),
]


@pytest.fixture
def nas(ssh_keys: Path, home_folder: Path) -> Iterator[MockNas]:
    started = MockNas(home_folder, ssh_keys).start()
    yield started
    started.stop()


def test_from_the_first_page_to_its_card(
    web: Web, page_of: Callable[..., Page], nas: MockNas
) -> None:
    page = page_of("admin")
    page.goto(web.url)
    page.get_by_role("link", name="Add a system").click()
    page.get_by_label("Name").fill("nas-9")
    page.get_by_label("Address").fill(nas.url)
    page.get_by_label("API key").fill("wrong-key")
    page.get_by_role("button", name="Test the API").click()
    expect(page.locator("#api-found")).to_contain_text("make a new key in the web interface")
    page.get_by_label("API key").fill("mock-key")
    page.keyboard.press("Enter")  # saves nothing before the last step
    page.get_by_role("button", name="Test the API").click()
    expect(page.locator("#api-found")).to_contain_text("accepts the key")
    page.get_by_label("Port").fill(str(nas.ssh_port))
    page.get_by_label("Key file on this machine").fill(str(nas.key_file))
    page.get_by_label("Folder of the agent there").fill(str(nas.state_dir))
    page.get_by_role("button", name="Show its host key").click()
    expect(page.locator(".fingerprint")).to_have_text(ssh.fingerprint(nas.host_key))
    page.get_by_role("button", name="Test everything").click()
    expect(page.locator("#host-found")).to_contain_text("not confirmed yet")
    page.get_by_label("It is the same as on the host").check()
    page.get_by_role("button", name="Test everything").click()
    expect(page.locator("#host-found")).to_contain_text("15 drives")
    assert not System.objects.exists()
    page.get_by_role("button", name="Save").first.click()
    expect(page.get_by_role("heading", name="nas-9")).to_be_visible()
    system = System.objects.get()
    assert (system.ssh_host, system.ssh_host_key) == ("127.0.0.1", nas.host_key.strip())
