"""Adding and changing a system; its key stays secret."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from audit.models import AuditEvent
from burnin.removal import remove_system
from dashboard.rows import load_rows
from drives import apply, clients, poll, systems
from drives.health import system_state
from drives.hosts.ssh import HostError
from drives.models import System
from drives.truenas.types import NasError
from tests.integration.rows import HOST_KEY, a_drive, a_job, a_nas_drive, a_view, now

pytestmark = pytest.mark.django_db
FACTS = {
    "base_url": "https://nas.example",
    "api_key": "1-topsecret",
    "ssh_host": "nas.example",
    "ssh_key_file": "/keys/id",
    "ssh_host_key": HOST_KEY,
}


def test_it_is_added_once_and_changed_by_name() -> None:
    for port in (22, 22, 2222):
        systems.keep("nas", actor="test", ssh_port=port, **FACTS)
    assert System.objects.get().ssh_port == 2222
    notes = list(AuditEvent.objects.order_by("pk").values_list("note", flat=True))
    assert notes == ["nas added", "nas changed: ssh_port is 2222"]


def test_the_api_key_is_encrypted_and_in_no_audit_event(settings: pytest.FixtureRequest) -> None:
    systems.keep("nas", actor="test", **FACTS)
    systems.keep("nas", actor="test", **FACTS | {"api_key": "1-another"})
    with connection.cursor() as cursor:
        cursor.execute("SELECT api_key FROM drives_system")
        (stored,) = cursor.fetchone()
    assert "another" not in stored
    assert System.objects.get().api_key == "1-another"
    assert not AuditEvent.objects.filter(note__contains="another").exists()
    settings.SECRET_KEY = "y" * 50  # type: ignore[attr-defined]
    with pytest.raises(ImproperlyConfigured, match="SECRET_KEY"):
        System.objects.get()


@pytest.mark.parametrize(
    "state_dir",
    [
        "/tmp/burnin",
        "/var/../tmp/b",
        "//tmp/b",
        "/var/tmp/b",
        "/dev/shm/b",
        "/run/b",
        "/var/db/system/b",
    ],
)
def test_a_state_folder_that_is_lost_or_open_to_others_is_refused(state_dir: str) -> None:
    with pytest.raises(ValidationError) as caught:
        systems.keep("nas", actor="test", **FACTS, state_dir=state_dir)
    assert "Not below" in caught.value.message_dict["state_dir"][0]
    systems.keep("mock", actor="test", **FACTS, kind="mock", state_dir=state_dir)
    systems.keep("nas", actor="test", **FACTS, state_dir="/tmpfiles/burnin")


@pytest.mark.parametrize(
    ("field", "value"),
    [("ssh_host_key", "ssh-rsa nonsense"), ("base_url", "nas"), ("ssh_port", -1), ("ssh_host", "")],
)
def test_a_wrong_fact_is_refused_by_its_name(field: str, value: object) -> None:
    with pytest.raises(ValidationError) as caught:
        systems.keep("nas", actor="test", **FACTS | {field: value})
    assert field in caught.value.message_dict
    assert not System.objects.exists()


def test_the_command_says_what_is_wrong() -> None:
    with pytest.raises(CommandError, match="ssh_host_key"):
        call_command(
            "add_system", "nas", "--base-url=https://nas", "--api-key=k", "--ssh-host=nas",
            "--ssh-key-file=/k", "--ssh-host-key=nonsense",
        )  # fmt: skip


# --- edit, pause, remove -------------------------------------------------------------------------
def test_an_edit_keeps_what_is_left_out_and_forgets_what_was_of_another_machine() -> None:
    system = systems.add("nas", by="anna", **FACTS)
    System.objects.filter(pk=system.pk).update(version="TrueNAS-25.10.6", release="TrueNAS 25.10")
    system = systems.edit(system, by="anna", name="tank")
    assert (system.name, system.version, system.api_key) == (
        "tank",
        "TrueNAS-25.10.6",
        "1-topsecret",
    )
    system = systems.edit(system, by="anna", base_url="https://other.example")
    assert (system.version, system.release, system.capabilities) == ("", "", [])
    notes = list(AuditEvent.objects.order_by("pk").values_list("note", "actor"))
    assert notes[1:] == [
        ("nas changed: name is tank", "anna"),
        ("tank changed: base_url is https://other.example", "anna"),
    ]


def test_a_name_is_taken_once() -> None:
    systems.add("nas", by="anna", **FACTS)
    with pytest.raises(ValidationError) as caught:
        systems.add("nas", by="anna", **FACTS)
    assert "name" in caught.value.message_dict


def test_each_kind_needs_what_it_uses() -> None:
    shell = {name: value for name, value in FACTS.items() if name.startswith("ssh")}
    assert systems.add("plain", by="anna", kind=System.Kind.HOST, **shell).base_url == ""
    assert systems.add("here", by="anna", kind=System.Kind.HOST, is_local=True).ssh_host == ""
    for facts, field in ((shell, "api_key"), ({"kind": "host"}, "ssh_host_key")):
        with pytest.raises(ValidationError) as caught:
            systems.add("x", by="anna", **facts)
        assert field in caught.value.message_dict


def test_a_paused_system_is_asked_nothing_until_it_is_resumed() -> None:
    system = systems.add("nas", by="anna", **FACTS)
    assert systems.pause(system, by="anna")
    assert not systems.pause(system, by="bert"), "it is paused already"
    with pytest.raises(NasError, match="paused by anna"):
        clients.nas(system)
    with pytest.raises(HostError, match="paused by anna"):
        clients.host(system)
    assert poll.observe(system).nas_error == system.stopped
    assert system_state(system, timezone.now()).words == "paused"
    assert systems.resume(system, by="bert")
    assert not systems.resume(system, by="bert")
    assert (system.stopped, system.paused_by) == ("", "")


def test_resuming_does_not_confirm_a_host_key() -> None:
    system = systems.add("nas", by="anna", **FACTS)
    System.objects.update(stopped="its SSH host key changed")
    assert not systems.resume(system, by="anna")
    assert System.objects.get().stopped


def test_a_removed_system_leaves_its_history_and_no_secret() -> None:
    system = systems.add("nas", by="anna", **FACTS)
    drive, job = a_drive(system), None
    job = a_job(drive)
    with pytest.raises(ValidationError, match="is not over"):
        remove_system(system, by="anna")
    type(job).objects.update(holds_drive=False, state="passed")
    remove_system(system, by="anna")
    assert not System.objects.exists()
    kept = System.everything.get()
    assert (kept.api_key, kept.ssh_password) == ("", "")
    assert kept.name.startswith("nas (removed ")
    drive.refresh_from_db()
    assert not drive.present
    assert load_rows() == []
    job.refresh_from_db()
    assert job.system.name == kept.name, "the history still names where it was"
    again = systems.add("nas", by="anna", **FACTS)
    apply.drives(again, a_view(a_nas_drive("sda", serial=drive.serial, lunid=drive.lunid)), now())
    drive.refresh_from_db()
    assert (drive.system, drive.present) == (again, True), "it is the same drive, moved"
