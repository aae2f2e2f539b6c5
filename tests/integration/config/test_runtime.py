"""Settings that change at run time: checked by field, in force at once, secrets never told."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.models import AuditEvent
from config import redaction, runtime
from config.models import RuntimeSettings

pytestmark = pytest.mark.django_db


def change(**changes: Any) -> list[str]:
    return runtime.update(changes, by="ada", source_ip="192.0.2.7")


def test_the_environment_is_the_default(settings: Any) -> None:
    settings.MAX_PARALLEL_BURNINS = 7
    assert runtime.current().max_parallel_burnins == 7
    assert runtime.current().smtp_to == ()


def test_a_change_is_kept_and_none_goes_back(settings: Any) -> None:
    assert change(max_parallel_burnins="4", smtp_to="a@example.org, b@example.org") == [
        "max_parallel_burnins",
        "smtp_to",
    ]
    assert runtime.current().max_parallel_burnins == 4
    assert runtime.current().smtp_to == ("a@example.org", "b@example.org")
    assert change(max_parallel_burnins=4) == []
    assert set(runtime.changed_at()) == {"max_parallel_burnins", "smtp_to"}
    assert change(max_parallel_burnins=None) == ["max_parallel_burnins"]
    assert runtime.current().max_parallel_burnins == settings.MAX_PARALLEL_BURNINS


def test_it_is_told_who_changed_what_to_what() -> None:
    change(max_parallel_burnins=4, smtp_alert_on_pass=True)
    event = AuditEvent.objects.get(kind="settings_changed")
    words = "Settings changed: max_parallel_burnins 2 → 4; smtp_alert_on_pass off → on"
    assert (event.note, event.actor, event.source_ip) == (words, "ada", "192.0.2.7")


def test_a_secret_is_encrypted_and_in_no_event_nor_shown() -> None:
    change(
        smtp_password="hunter22", webhook_url="https://hooks.example/T0KEN", apprise_urls="a://b"
    )
    change(smtp_password=" hunter33 ")
    assert runtime.current().smtp_password == " hunter33 "
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM config_runtimesettings")
        stored = str(cursor.fetchall())
    shown = runtime.readable(runtime.current())
    told = " ".join(AuditEvent.objects.values_list("note", flat=True))
    for secret in ("hunter22", "hunter33", "T0KEN", "a://b"):
        assert secret not in stored + told + repr(runtime.current())
    assert "smtp_password replaced" in told
    assert (shown["smtp_password"], shown["apprise_urls"]) == (True, True)
    assert shown["webhook_secret"] is False


def test_a_secret_is_taken_out_of_other_peoples_words_in_each_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A server may say what it was sent; a worker knows the secret from the row alone."""
    secrets = {
        "smtp_password": "sesame-open",
        "webhook_secret": "hush-hush",
        "apprise_urls": "json://chat.example/T0KEN, json://other.example/T1KEN",
    }
    change(**secrets)
    monkeypatch.setattr(redaction, "_known", set())
    runtime.current()
    for secret in ", ".join(secrets.values()).split(", "):
        assert redaction.redact(f"535 no: {secret}") == "535 no: [secret]"


def test_what_another_process_has_changed_is_in_force_at_once() -> None:
    change(max_parallel_burnins=4)
    assert runtime.current().max_parallel_burnins == 4
    # As the row is written elsewhere: nothing of it is kept here.
    RuntimeSettings.objects.update(values={"max_parallel_burnins": 9})
    assert runtime.current().max_parallel_burnins == 9


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("max_parallel_burnins", "0", "1 to 1000"),
        ("max_parallel_burnins", "1.5", "whole number"),
        ("max_parallel_burnins", 1.5, "whole number"),
        ("max_parallel_burnins", True, "whole number"),
        ("max_parallel_burnins", "9" * 5000, "whole number"),
        ("max_parallel_burnins", [], "whole number"),
        ("stuck_job_hours", "nan", "number"),
        ("stuck_job_hours", "inf", "0.01 to"),
        ("smtp_report_hour", "24", "0 to 23"),
        ("smtp_mode", "tls", "starttls"),
        ("smtp_host", "smtp.example.org:25", "name or address"),
        ("smtp_to", "ops@example.org, alice@", "“alice@” has no domain"),
        ("smtp_to", 5, "list"),
        ("smtp_from", "a@example.org\nBcc: b@example.org", "control characters"),
        ("smtp_password", "x" * 1001, "Longer"),
        ("smtp_alert_on_fail", "perhaps", "true nor false"),
        ("webhook_url", "ftp://example.org", "https://"),
        ("webhook_url", "https://", "https://"),
        ("webhook_url", "https://example.org:port/", "https://"),
        ("webhook_events", "login", "burnin_passed"),
        ("apprise_urls", "telegram", "Apprise"),
        ("counter_rises_allowed", "udma_crc_errors", "a counter and a number"),
        ("stale_threshold_seconds", "12", "above the poll interval, 12 s"),
        ("temp_pause_c", "48", "above the resume limit, 48 °C"),
        ("temp_pause_c", "62", "below the stop limit, 62 °C"),
        ("temp_pause_c", "49", "not be below the limit to start at, 50 °C"),
        ("temp_start_max_c", "56", "above the pause limit, 55 °C"),
        ("temp_resume_c", "55", "below the pause limit, 55 °C"),
        ("temp_abort_c", "55", "above the pause limit, 55 °C"),
        ("debug", "1", "no such setting"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_nothing_is_changed(
    name: str, value: Any, words: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        change(**{"surface_passes": 3, name: value})
    assert list(caught.value.message_dict) == [name]
    assert words in " ".join(caught.value.message_dict[name])
    assert runtime.current().surface_passes == 2
    assert not AuditEvent.objects.exists()


def test_all_four_temperatures_can_be_moved_together() -> None:
    change(temp_start_max_c=30, temp_pause_c=40, temp_resume_c=35, temp_abort_c=45)
    assert runtime.current().temp_pause_c == 40


def test_the_mode_sets_the_port_of_mail() -> None:
    ports = {}
    for mode in runtime.SMTP_MODES:
        change(smtp_mode=mode)
        ports[mode] = runtime.current().smtp_port
    assert ports == {"starttls": 587, "ssl": 465, "plain": 25}


def test_counters_may_rise_as_far_as_allowed() -> None:
    change(counter_rises_allowed="udma_crc_errors=5, command_timeouts=1")
    assert runtime.current().rises_allowed == {"udma_crc_errors": 5, "command_timeouts": 1}


def test_reading_it_is_one_query() -> None:
    change(smtp_password="hunter22", max_parallel_burnins=4)
    with CaptureQueriesContext(connection) as asked:
        runtime.current()
    assert len(asked) == 1


def test_what_an_older_version_stored_and_this_one_refuses_is_the_default() -> None:
    RuntimeSettings.objects.create(
        values={"max_parallel_burnins": 0, "gone": 1, "temp_pause_c": 51}
    )
    assert runtime.current().max_parallel_burnins == 2
    assert runtime.current().temp_pause_c == 51
    change(surface_passes=3)
    assert runtime.current().surface_passes == 3


@pytest.mark.django_db(transaction=True)
def test_two_who_change_different_fields_at_once_both_win() -> None:
    def save(name: str, value: int) -> None:
        try:
            runtime.update({name: value}, by=name)
        finally:
            connection.close()

    wanted = {"surface_passes": 3, "max_parallel_burnins": 5, "smtp_report_hour": 6}
    threads = [threading.Thread(target=save, args=item) for item in wanted.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    values = json.loads(json.dumps(RuntimeSettings.objects.get().values))
    assert values == wanted
