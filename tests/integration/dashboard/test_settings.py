"""The Settings page: what it saves, refuses, tests and never tells."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from audit.models import AuditEvent
from burnin.tasks import admit_jobs
from config import runtime
from dashboard.settings_fields import FIELDS
from drives.models import Drive
from notifications.models import Delivery
from tests.integration.notifications.conftest import cert, mail_at
from tests.integration.notifications.servers import MailServer, receiver

__all__ = ["cert", "mail_at"]
pytestmark = pytest.mark.django_db
As = Callable[[str], Client]
JSON = {"Accept": "application/json"}


def save(client: Client, **fields: Any) -> Any:
    return client.post("/settings", {"shown": list(fields)} | fields, headers=JSON)


def test_a_field_is_saved_and_told_back(as_: As) -> None:
    answer = save(as_("admin"), smtp_to=" a@example.org ,b@example.org")
    assert answer.json() == {"values": {"smtp_to": "a@example.org, b@example.org"}, "changed": 1}
    event = AuditEvent.objects.get(kind="settings_changed")
    assert (event.actor, event.source_ip) == ("admin", "127.0.0.1")


def test_what_is_wrong_is_told_at_its_field(as_: As) -> None:
    answer = save(as_("admin"), temp_pause_c="48", max_parallel_burnins="many")
    assert answer.status_code == 422
    assert answer.json() == {"errors": {"max_parallel_burnins": ["A whole number"]}}
    page = as_("admin").post("/settings", {"temp_pause_c": "48"})
    assert page.status_code == 422
    assert (
        "Must be above the resume limit, 48 °C. Must not be below the limit to"
        in page.content.decode()
    )
    assert not AuditEvent.objects.filter(kind="settings_changed").exists()


def test_an_emptied_number_goes_back_and_an_unticked_box_is_off(as_: As) -> None:
    admin = as_("admin")
    save(admin, max_parallel_burnins="5", smtp_alert_on_fail="on")
    assert save(admin, max_parallel_burnins="").json()["values"] == {"max_parallel_burnins": "2"}
    admin.post("/settings", {"shown": ["smtp_alert_on_fail", "webhook_events"]}, headers=JSON)
    assert runtime.current().smtp_alert_on_fail is False
    assert runtime.current().webhook_events == ()


def test_a_secret_is_replaced_kept_and_removed_and_never_shown(as_: As) -> None:
    admin = as_("admin")
    answer = save(admin, smtp_password="hunter22", apprise_urls="json://chat.example/T0KEN")
    assert answer.json()["values"] == {"smtp_password": "", "apprise_urls": ""}
    assert runtime.current().smtp_password == "hunter22"
    save(admin, smtp_password="", smtp_user="olga")
    assert runtime.current().smtp_password == "hunter22"
    page = admin.get("/settings").content.decode()
    assert "hunter22" not in page and "T0KEN" not in page
    assert page.count("Type to replace") == 2
    save(admin, smtp_password="", clear="")
    assert runtime.current().smtp_password == ""


def test_the_page_has_every_setting_that_can_be_changed(as_: As) -> None:
    assert set(FIELDS) == set(runtime.TYPES)
    page = as_("admin").get("/settings").content.decode()
    for name in FIELDS:
        assert f'data-field="{name}"' in page, name


def test_a_counter_or_system_that_there_is_not_is_refused(as_: As, drive: Drive) -> None:
    for name, value, words in (
        ("counter_rises_allowed", "crc=5", "There is no counter crc; known: command_timeouts,"),
        ("notify_quiet_systems", "nas-9", "There is no system nas-9; known: nas-1"),
    ):
        answer = save(as_("admin"), **{name: value})
        assert answer.json()["errors"][name][0].startswith(words)
    assert save(as_("admin"), notify_quiet_systems="nas-1").status_code == 200


def test_more_room_is_used_at_once(
    as_: As, drive: Drive, valkey: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import redis

    queue = redis.Redis.from_url(valkey)
    save(as_("admin"), surface_passes="3")
    assert queue.llen("celery") == 0
    save(as_("admin"), max_parallel_burnins="5")
    assert admit_jobs.name.encode() in queue.lrange("celery", 0, -1)[0]


def test_the_webhook_is_tested_with_the_other_sides_words(as_: As) -> None:
    admin = as_("admin")

    def test() -> Any:
        return admin.post("/settings/test/webhook", headers=JSON).json()

    assert test() == {"ok": False, "words": "Fill in the URL first."}
    with receiver() as hook:
        save(admin, webhook_url=hook.url)
        assert "nothing was sent" in test()["words"]
        save(admin, webhook_allow_local="on")
        assert test()["words"].startswith("Done in")
        hook.answers = [(403, '{"error":"forbidden"}', {})]
        words = '127.0.0.1 answered 403 {"error":"forbidden"}'
        assert test() == {"ok": False, "words": words}
        page = admin.post("/settings/test/webhook")
        assert "answered 403" in page.content.decode()
        by_api = admin.post("/api/v1/settings/test-webhook").json()
        assert (by_api["ok"], by_api["words"]) == (False, words)
    assert admin.post("/settings/test/nothing").status_code == 404


@pytest.mark.parametrize("mode", ["plain", "starttls", "ssl"])
def test_mail_is_tested_with_the_servers_own_words(
    as_: As, mail_at: Callable[..., MailServer], mode: str
) -> None:
    """By both buttons of the page, and by the API: to log in alone sends nothing."""
    admin, server = as_("admin"), mail_at(mode)

    def test(address: str) -> Any:
        return admin.post(address, headers=JSON).json()

    connection, mail = "/settings/test/connection", "/settings/test/mail"
    for logged_in in (test(connection), test("/api/v1/settings/test-smtp")):
        assert logged_in["ok"] and "235 2.7.0 Authentication successful" in logged_in["words"]
    assert (server.mails, len(server.logins)) == ([], 2)
    sent = test(mail)
    assert sent["ok"] and sent["words"].endswith("250 2.0.0 Ok: queued as 4711")
    assert [each["Subject"] for each in server.mails] == ["Mail from Burn-in works"]
    server.answer = "554 5.7.1 you look like spam"
    words = "The server doesn’t take the mail: 554 5.7.1 you look like spam"
    assert test(mail) == {"ok": False, "words": words}
    save(admin, smtp_password="wrong-and-secret")
    for refused in (test(connection), test(mail), test("/api/v1/settings/test-smtp")):
        assert refused["words"].startswith("localhost refuses the login: 535 5.7.8")
        assert not refused["ok"] and "wrong-and-secret" not in str(refused)
    assert len(server.mails) == 1


def test_chat_is_tested(as_: As) -> None:
    admin = as_("admin")
    with receiver() as hook:
        changes = {"apprise_urls": hook.url.replace("http", "json"), "webhook_allow_local": "on"}
        save(admin, **changes)
        answer = admin.post("/settings/test/chat", headers=JSON).json()
        assert answer["ok"] and answer["words"].endswith("taken by 1 of 1")
        assert b"Chat works" in hook.got[0][2]


def test_what_could_not_be_sent_is_listed_and_sent_again(as_: As) -> None:
    row = Delivery.objects.create(
        source="event-1",
        channel="webhook",
        payload={"title": "sdn failed"},
        state="failed",
        attempts=15,
        said="hooks.example answered 500 <broken>",
        next_try_at=timezone.now(),
    )
    admin = as_("admin")
    page = admin.get("/settings").content.decode()
    assert "given up after 15 tries" in page and "answered 500 &lt;broken&gt;" in page
    assert admin.post(f"/settings/unsent/{row.pk}/again")["Location"] == "/settings#unsent"
    row.refresh_from_db()
    assert (row.state, row.attempts) == ("waiting", 0)
    Delivery.objects.update(state="sent")
    again = admin.post(f"/settings/unsent/{row.pk}/again", headers=JSON)
    assert again.status_code == 409


def test_the_preview_has_a_policy_that_allows_its_own_style_alone(as_: As) -> None:
    answer = as_("admin").get("/settings/report")
    assert "nothing has happened" in answer.content.decode()
    assert "style-src 'sha256-" in answer["Content-Security-Policy"]


def test_what_needs_a_restart_is_shown_without_passwords(as_: As, settings: Any) -> None:
    settings.REDIS_URL = "redis://:sesame-open@broker.lan:6379/0"
    page = as_("admin").get("/settings").content.decode()
    assert "broker.lan:6379" in page and "sesame-open" not in page
    assert "12 s" in page and settings.TIME_ZONE in page
