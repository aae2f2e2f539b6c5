"""Adding and changing a system; its key stays secret."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.management import CommandError, call_command
from django.db import connection

from audit.models import AuditEvent
from drives import systems
from drives.models import System
from tests.integration.rows import HOST_KEY

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
