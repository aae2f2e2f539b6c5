"""What the environment gives for settings that the page can change is checked as there."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.apps import check_defaults


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SMTP_HOST", "smtp.example:25"),
        ("SMTP_TO", ("ops@example.org", "alice@")),
        ("SMTP_FROM", "burnin"),
        ("WEBHOOK_EVENTS", ("login",)),
        ("APPRISE_URLS", ("telegram",)),
        ("APPRISE_EVENTS", ("passed",)),
        ("COUNTER_RISES_ALLOWED", ("udma_crc_errors",)),
    ],
)
def test_a_bad_one_is_refused_by_its_name(settings: Any, name: str, value: Any) -> None:
    check_defaults()
    setattr(settings, name, value)
    with pytest.raises(ImproperlyConfigured, match=f"^{name}: "):
        check_defaults()
