"""The Systems page: a card each, adding step by step, pause, removal, a changed host key."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import asyncssh
import pytest
from django.test import Client

from audit.models import AuditEvent
from burnin.models import Job
from drives.hosts import own_key, ssh
from drives.models import Drive, System
from tests.integration.rows import HOST_KEY, a_job
from tests.nas import MockNas

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(180)]
As = Callable[[str], Client]
Start = Callable[..., MockNas]


def typed(nas: MockNas, **changes: str) -> dict[str, str]:
    """The form as somebody fills it in for a mock NAS."""
    return {
        "name": "nas-9",
        "kind": "mock",
        "base_url": f"{nas.url}/",
        "api_key": "mock-key",
        "verify_tls": "on",
        "ssh_host": "127.0.0.1",
        "ssh_port": str(nas.ssh_port),
        "ssh_user": "root",
        "ssh_key_file": str(nas.key_file),
        "state_dir": str(nas.state_dir),
    } | changes


def text(answer: Any) -> str:
    """What somebody reads of it."""
    words = re.sub(r"<[^>]+>", " ", answer.content.decode())
    return " ".join(words.split())


def test_a_system_is_added_step_by_step(as_: As, media_nas: MockNas) -> None:
    admin = as_("admin")
    form = typed(media_nas)
    api = text(admin.post("/systems/try/api", form))
    assert f"{media_nas.url} accepts the key" in api and "TrueNAS-13.0" in api
    # The key of its host must be shown and compared before anything is sent there.
    early = text(admin.post("/systems/try/host", form))
    assert "key is not confirmed yet" in early
    key = admin.post("/systems/try/host-key", form).content.decode()
    assert ssh.fingerprint(media_nas.host_key) in key
    shown = re.search(r'name="ssh_host_key" value="([^"]+)"', key)
    assert shown
    form |= {"ssh_host_key": shown[1]}
    assert "not confirmed yet" in text(admin.post("/systems/try/host", form))
    form |= {"compared": "on"}
    whole = text(admin.post("/systems/try/host", form))
    assert "3 drives, 1 of them in use and locked" in whole
    assert "FILE0003" in whole and "ool tank" in whole
    assert "Save system" in whole and "mock-key" not in whole
    assert not System.objects.exists()
    assert admin.post("/systems/add", form)["Location"] == "/systems"
    system = System.objects.get()
    assert (system.name, system.base_url) == ("nas-9", media_nas.url)
    event = AuditEvent.objects.get(kind="system_added")
    assert (event.actor, event.source_ip) == ("admin", "127.0.0.1")
    page = text(admin.get("/systems"))
    assert "nas-9" in page and ssh.fingerprint(media_nas.host_key) in page


@pytest.mark.parametrize(
    ("step", "change", "words"),
    [
        ("api", {"api_key": "wrong-key"}, "Make a new key in the web interface"),
        ("api", {"base_url": "http://127.0.0.1:1"}, "Is the address right"),
        ("host-key", {"ssh_port": "1"}, "Is SSH switched on there"),
        ("host", {"ssh_port": "0"}, "ssh_port: 1 to 65535"),
        ("host", {"ssh_key_file": "/nowhere/key"}, "Give a readable key"),
    ],
)
def test_what_fails_says_what_to_do(
    as_: As, mock_nas: Start, step: str, change: dict[str, str], words: str
) -> None:
    nas = mock_nas()
    form = typed(nas, ssh_host_key=nas.host_key, compared="on") | change
    assert words in text(as_("admin").post(f"/systems/try/{step}", form))


def test_what_is_missing_is_told_at_its_field_and_nothing_is_stored(as_: As) -> None:
    answer = as_("admin").post("/systems/add", {"kind": "truenas", "api_key": "my-secret-key"})
    assert answer.status_code == 422
    assert "Nothing was saved" in answer.content.decode()
    assert "my-secret-key" not in answer.content.decode()
    assert not System.objects.exists()


def test_a_change_keeps_the_secrets_that_are_not_typed(as_: As, nas: System) -> None:
    admin = as_("admin")
    page = admin.get(f"/systems/{nas.pk}/edit").content.decode()
    assert "mock-key" not in page and "Set. Type to replace" in page
    form = {
        "name": "nas-1b", "kind": "mock", "base_url": "http://127.0.0.1:2", "api_key": "",
        "ssh_host": "127.0.0.1", "ssh_port": "22", "ssh_user": "root",
        "ssh_key_file": "/nowhere/key", "ssh_host_key": HOST_KEY, "state_dir": "/root/.burnin",
    }  # fmt: skip
    assert admin.post(f"/systems/{nas.pk}/edit", form).status_code == 302
    nas.refresh_from_db()
    assert (nas.name, nas.base_url, nas.api_key) == ("nas-1b", "http://127.0.0.1:2", "mock-key")


def test_a_viewer_sees_the_cards_and_no_button(as_: As, drive: Drive) -> None:
    page = as_("viewer").get("/systems").content.decode()
    assert "nas-1" in page and "0 of 2 at once" in text(as_("viewer").get("/systems"))
    assert "/edit" not in page and "/remove" not in page


def test_it_is_paused_and_resumed(as_: As, nas: System) -> None:
    admin = as_("admin")
    admin.post(f"/systems/{nas.pk}/pause")
    assert "Paused by admin" in text(admin.get("/systems"))
    admin.post(f"/systems/{nas.pk}/resume")
    assert "aused by" not in text(admin.get("/systems"))


def test_it_is_removed_by_its_name_once_nothing_runs_there(as_: As, drive: Drive) -> None:
    admin, where = as_("admin"), f"/systems/{drive.system_id}/remove"
    job = a_job(drive)
    assert admin.post(where, {"name": "nas"}).status_code == 422
    busy = admin.post(where, {"name": "nas-1"})
    assert busy.status_code == 409 and f"Burn-in {job.pk} of nas-1 is not over" in text(busy)
    Job.objects.update(state="cancelled", holds_drive=False)
    assert admin.post(where, {"name": "nas-1"}).status_code == 302
    assert not System.objects.exists()
    assert admin.get(f"/history/{job.pk}").status_code == 200
    assert "No system yet" in text(admin.get("/")) or "Add a system" in text(admin.get("/"))


def test_a_changed_host_key_is_compared_and_confirmed(as_: As, mock_nas: Start) -> None:
    server, admin = mock_nas(), as_("admin")
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()
    system = System.objects.create(
        name="nas-1", kind="mock", base_url=server.url, api_key="mock-key", ssh_host="127.0.0.1",
        ssh_port=server.ssh_port, ssh_key_file=str(server.key_file), ssh_host_key=other,
        stopped="its SSH host key changed",
    )  # fmt: skip
    where, shown = f"/systems/{system.pk}/host-key", ssh.fingerprint(server.host_key)
    page = text(admin.get(where))
    assert "shows another host key" in page and shown in page and ssh.fingerprint(other) in page
    for form, status in (
        ({"fingerprint": shown}, 422),
        ({"fingerprint": ssh.fingerprint(other), "compared": "on"}, 409),
    ):
        assert admin.post(where, form).status_code == status
        system.refresh_from_db()
        assert system.stopped
    assert admin.post(where, {"fingerprint": shown, "compared": "on"}).status_code == 302
    system.refresh_from_db()
    assert (system.stopped, ssh.fingerprint(system.ssh_host_key)) == ("", shown)
    assert AuditEvent.objects.filter(kind="system_changed", actor="admin").exists()


def test_a_host_that_shows_its_old_key_again_stays_stopped_until_it_is_confirmed(
    as_: As, mock_nas: Start
) -> None:
    server, admin = mock_nas(), as_("admin")
    system = System.objects.create(
        name="nas-1", kind="mock", base_url=server.url, api_key="mock-key", ssh_host="127.0.0.1",
        ssh_port=server.ssh_port, ssh_key_file=str(server.key_file), ssh_host_key=server.host_key,
        stopped="its SSH host key changed",
    )  # fmt: skip
    page = text(admin.get(f"/systems/{system.pk}/host-key"))
    assert "Nothing is asked of it" in page and "Leave it stopped" in page
    assert "Nothing is to be done" not in page
    System.objects.update(stopped="")
    page = text(admin.get(f"/systems/{system.pk}/host-key"))
    assert "Nothing is to be done" in page and "Leave it stopped" not in page


def test_our_own_key_is_made_once_for_its_owner_alone(as_: As) -> None:
    page = as_("admin").get("/systems/add").content.decode()
    file = own_key.key_file()
    assert file.stat().st_mode & 0o777 == 0o600
    assert own_key.public_half() in page and str(file) in page
    assert "PRIVATE" not in page
    assert own_key.public_half() == own_key.public_half()


def test_without_a_system_the_first_page_leads_to_adding_one(as_: As) -> None:
    assert 'href="/systems/add"' in as_("admin").get("/").content.decode()
    assert "An admin can add one" in as_("viewer").get("/").content.decode()
