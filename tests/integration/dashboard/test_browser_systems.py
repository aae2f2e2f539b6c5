"""Systems in a real browser: added from the empty first page, checked, paused, changed, stopped for
another host key, removed."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from audit.models import AuditEvent, Kind
from burnin.models import Job, JobState
from config import runtime
from drives import clients, poll
from drives.hosts import ssh
from drives.hosts.ssh import HostError
from drives.models import Drive, System
from tests.integration.dashboard.keys import press, tab_to
from tests.integration.dashboard.open_page import MARKED, open_live
from tests.integration.dashboard.web import Web
from tests.integration.rows import HOST_KEY, a_job, system_of
from tests.nas import MockNas

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(240),
    pytest.mark.needs("chromium"),
]
Opens = Callable[..., Page]
#: The mock's host lets its account call what it must as root where this file is.
SUDO = "sudo-nopasswd"


@pytest.fixture(scope="module")
def server(ssh_keys: Path) -> Iterator[MockNas]:
    # Not below /tmp, where no real system's agent may be.
    with tempfile.TemporaryDirectory(prefix=".burnin-test-", dir=Path.home()) as folder:
        nas = MockNas(Path(folder), ssh_keys, options=["--ssh-user", "burnin"]).start()
        (nas.data / SUDO).touch()
        yield nas
        nas.stop()


@pytest.fixture
def known(server: MockNas, transactional_db: None) -> System:
    """Added and polled once; nobody polls it again."""
    runtime.update({"stale_threshold_seconds": 3600}, by="test")
    system = system_of(server, ssh_user="burnin")
    assert poll.run(system.pk)
    return system


def test_from_the_first_page_to_its_card(web: Web, page_of: Opens, server: MockNas) -> None:
    page = page_of("admin")
    page.goto(web.url)
    expect(page.get_by_role("heading", name="Try the demo")).to_be_visible()
    page.get_by_role("link", name="Add a system").click()
    page.get_by_label("Name").fill("nas-9")
    page.get_by_label("Address").fill(server.url)
    page.get_by_label("API key").fill("wrong-key")
    page.get_by_role("button", name="Test the API").click()
    expect(page.locator("#api-found")).to_contain_text("Make a new key in the web interface")
    page.get_by_label("API key").fill("mock-key")
    page.keyboard.press("Enter")  # saves nothing before the last step
    page.get_by_role("button", name="Test the API").click()
    expect(page.locator("#api-found")).to_contain_text("accepts the key")
    page.get_by_label("Port").fill(str(server.ssh_port))
    page.get_by_label("Account").fill("burnin")
    page.get_by_label("Key file on this machine").fill(str(server.key_file))
    page.get_by_label("Folder of the agent there").fill(str(server.state_dir))
    page.get_by_role("button", name="Show its host key").click()
    expect(page.locator(".fingerprint")).to_have_text(ssh.fingerprint(server.host_key))
    page.get_by_role("button", name="Test everything").click()
    expect(page.locator("#host-found")).to_contain_text("not confirmed yet")
    page.get_by_label("It is the same as on the host").check()
    # What is missing comes with the line to paste.
    (server.data / SUDO).unlink()
    page.get_by_role("button", name="Test everything").click()
    expect(page.locator("#host-found")).to_contain_text("burnin ALL=(root) NOPASSWD: ")
    expect(page.locator("#host-found").get_by_role("button", name="Save system")).to_have_count(0)
    (server.data / SUDO).touch()
    page.get_by_role("button", name="Test everything").click()
    expect(page.locator("#host-found")).to_contain_text("15 drives, 2 of them in use and locked")
    preview = page.get_by_role("table", name="Drives that it lists").locator("tbody tr")
    expect(preview).to_have_count(15)
    expect(preview.filter(has_text="pool tank")).to_have_count(2)
    expect(preview.filter(has_text="free")).to_have_count(13)
    assert not System.objects.exists()
    page.get_by_role("button", name="Save").first.click()
    expect(page.get_by_role("heading", name="nas-9")).to_be_visible()
    system = System.objects.get()
    assert (system.ssh_host, system.ssh_host_key) == ("127.0.0.1", server.host_key.strip())


def test_a_known_system_is_checked_paused_and_changed(
    known: System, web: Web, page_of: Opens
) -> None:
    home, page = page_of("viewer"), page_of("admin")
    open_live(home, web)
    open_live(page, web, "/systems")
    card = page.locator(f"#card-{known.pk}")
    expect(page.get_by_role("heading", level=1)).to_have_text("1 system.")
    able = card.locator(".able li")
    expect(able.first).to_be_hidden()
    card.get_by_text("What it can do").click()
    expect(able.first).to_be_visible()
    assert able.count() > 5
    tab_to(page, "Check everything")
    press(page, "Enter")
    expect(card.get_by_role("status")).to_contain_text("15 of the API’s 15 are on the host")
    card.get_by_role("button", name="Pause polling").click()
    expect(card).to_contain_text("Paused by admin: nothing is asked of it until somebody resumes")
    # Every other page says so by itself, and how it ends; it is no fault of the system's.
    expect(home.get_by_role("heading", level=1)).to_have_text("nas-1 is paused.")
    banner = home.locator("#banners .banner")
    expect(banner).to_have_class("banner warn")
    expect(banner).to_have_text(
        "nas-1 is paused by admin. Nothing is asked of it and nothing is started until somebody "
        "resumes it; burn-ins there go on and wait for us.Open its card"
    )
    expect(home.locator("#systems")).to_contain_text("paused")
    tab_to(page, "Resume polling")
    press(page, "Enter")
    expect(card.get_by_role("button", name="Pause polling")).to_be_visible()
    expect(banner).to_have_count(0)
    assert home.evaluate(MARKED)
    # Another name and account; what isn't typed again, stays.
    card.get_by_role("link", name="Change…").click()
    page.get_by_label("Name").fill("")
    page.get_by_label("Account").fill("truenas_admin")
    save = page.get_by_role("button", name="Save", exact=True)
    save.click()
    expect(page.get_by_label("Name")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Account")).to_have_value("truenas_admin")
    page.get_by_label("Name").fill("shelf-b")
    save.focus()
    press(page, "Enter")
    expect(page.get_by_role("heading", name="shelf-b")).to_be_visible()
    expect(card).to_contain_text("truenas_admin@127.0.0.1")
    expect(home.locator("#systems")).to_contain_text("shelf-b")
    system = System.objects.get()
    assert (system.api_key, system.ssh_host_key) == ("mock-key", known.ssh_host_key)


def test_another_host_key_stops_a_system_until_somebody_has_compared_it(
    known: System, server: MockNas, web: Web, page_of: Opens
) -> None:
    System.objects.update(ssh_host_key=HOST_KEY)
    page = page_of("admin")
    open_live(page, web)
    with pytest.raises(HostError, match="not the one that was pinned"):
        clients.host(System.objects.get()).probe()
    expect(page.get_by_role("heading", level=1)).to_have_text("nas-1 is stopped.")
    banner = page.locator("#banners .banner")
    expect(banner).to_contain_text("its SSH host key changed")
    banner.get_by_role("link", name="Open its card").click()
    tab_to(page, "Compare its host key…")
    press(page, "Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("nas-1 shows another host key")
    shown = ssh.fingerprint(server.host_key)
    expect(page.locator("dl.facts dd")).to_have_text([ssh.fingerprint(HOST_KEY), shown])
    page.get_by_role("button", name="Confirm this key").click()
    expect(page.get_by_role("alert").first).to_have_text("Compare it with the host’s own first")
    assert System.objects.get().stopped
    tab_to(page, "The key shown now is the same as on the host")
    press(page, "Space")
    tab_to(page, "Confirm this key")
    press(page, "Enter")
    card = page.locator(f"#card-{known.pk}")
    expect(card).to_contain_text(shown)
    expect(card.get_by_role("link", name="Compare its host key…")).to_have_count(0)
    page.goto(web.url)
    expect(banner).to_have_count(0)
    assert poll.run(known.pk)
    event = AuditEvent.objects.filter(kind=Kind.SYSTEM_CHANGED).latest("pk")
    assert (event.actor, event.source_ip) == ("admin", "127.0.0.1") and shown in event.note


def test_a_system_is_removed_by_its_name_and_its_history_stays(
    known: System, web: Web, page_of: Opens
) -> None:
    job = a_job(Drive.objects.get(devname="sda"))
    home, page = page_of("viewer"), page_of("admin")
    open_live(home, web)
    page.goto(f"{web.url}/systems")
    page.get_by_role("link", name="Remove…").click()
    name = page.get_by_label("Type its name")
    remove = page.get_by_role("button", name="Remove nas-1")
    name.fill("nas")
    remove.click()
    expect(page.get_by_text("Type nas-1 exactly as shown")).to_be_visible()
    name.fill("nas-1")
    remove.click()
    expect(page.locator(".answer-box")).to_contain_text(f"Burn-in {job.pk} of nas-1 is not over")
    Job.objects.update(state=JobState.CANCELLED, holds_drive=False)
    name.fill("nas-1")
    remove.focus()
    press(page, "Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("No system yet.")
    expect(home.get_by_role("heading", level=1)).to_have_text("No system yet.")
    page.goto(f"{web.url}/history")
    page.locator("tbody a").first.click()
    expect(page.locator("main")).to_contain_text("nas-1 (removed")
