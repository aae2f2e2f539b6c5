"""What tests/matrix/fuzz has found, one request each."""

from __future__ import annotations

from collections.abc import Callable
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone

from config import runtime
from drives.models import Drive
from notifications import channels, outbox
from tests.integration.rows import a_job

pytestmark = pytest.mark.django_db
MANY_DIGITS = "9" * 5000


@pytest.fixture
def admin(as_: Callable[[str], Client]) -> Client:
    client = as_("admin")
    client.raise_request_exception = False
    return client


@pytest.mark.parametrize(
    "address, form",
    [
        ("/batch", {"drives": f"1,{MANY_DIGITS},{2**63}"}),
        ("/jobs/acknowledge", {"job": [MANY_DIGITS, str(2**63)]}),
        ("/systems/try/api", {"system": MANY_DIGITS, "kind": "truenas", "base_url": "http://["}),
        ("/systems/try/api", {"kind": "truenas", "ssh_port": MANY_DIGITS}),
        ("/admin/drives/drive/1/change/", {"_to_field": ""}),
    ],
)
def test_it_is_answered(admin: Client, drive: Drive, address: str, form: dict[str, str]) -> None:
    a_job(drive)
    assert admin.post(address, form).status_code < 500


@pytest.mark.parametrize("zone", ["America/New_York", "Pacific/Kiritimati"])
@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_a_token_until_a_day_that_no_zone_can_tell(admin: Client, day: str, zone: str) -> None:
    with timezone.override(ZoneInfo(zone)):
        answer = admin.post("/profile/tokens", {"name": "x", "role": "admin", "expires": day})
    assert answer.status_code == 422 and "A day from 1970" in answer.content.decode()


def test_a_chat_address_that_is_none_stops_nobody(admin: Client) -> None:
    """It passes as an address of Apprise; Python's urlsplit would raise for it."""
    runtime.update({"apprise_urls": "json://["}, by="ada")
    assert [one.label for one in channels.all_channels(runtime.current())][2] == "Chat (json)"
    outbox.read(timezone.now())
    assert admin.get("/settings").status_code == 200
    answer = admin.post("/settings/test/chat", headers={"Accept": "application/json"})
    assert answer.json()["ok"] is False


def test_a_setting_of_half_a_character_is_refused() -> None:
    """JSON can carry one; no database stores it."""
    for name, value in (("smtp_host", "\ud800"), ("smtp_to", ["\udfff@b.example"])):
        with pytest.raises(ValidationError):
            runtime.update({name: value}, by="ada")
