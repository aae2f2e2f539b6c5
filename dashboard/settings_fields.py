"""The fields of the Settings page: how each is called, shown and hinted at. What may stand in them
is decided in config/runtime.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from config.runtime import EVENTS, SMTP_MODES

MODES = tuple((name, f"{label}, port {port}") for name, (label, port) in SMTP_MODES.items())
EVENT_LABELS = dict(zip(EVENTS, ("Passed", "Failed", "Inconclusive"), strict=True))


@dataclass(frozen=True)
class Field:
    """kind: text, number, secret, select, switch or events (a checkbox for each).

    `more` is the second line of a switch; `span`: as wide as its panel.
    """

    name: str
    label: str
    kind: str = "text"
    hint: str = ""
    span: bool = False
    choices: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class Shown:
    """A field with what stands in it now."""

    field: Field
    value: Any
    default: str
    since: str = ""
    errors: Sequence[str] = ()

    @property
    def text(self) -> str:
        return as_text(self.value)


MAIL = (
    Field("smtp_host", "Server", hint="Name or address; empty: mail is off"),
    Field("smtp_mode", "Mode", "select", "Sets the port", choices=MODES),
    Field("smtp_user", "User", hint="Empty: no login"),
    Field("smtp_password", "Password", "secret", "Can’t be read back"),
    Field("smtp_from", "From", hint="Empty: the user, else burnin@ this host"),
    Field("smtp_to", "To", hint="Addresses, separated by commas"),
)
NOTIFICATIONS = (
    Field(
        "smtp_alert_on_fail",
        "Mail when a drive fails",
        "switch",
        "Or is inconclusive. At once; one mail for many that end together",
    ),
    Field(
        "smtp_alert_on_pass", "Mail when a drive passes", "switch", "The daily report has them too"
    ),
    Field(
        "smtp_daily_report", "Daily report", "switch", "What ended, what goes on, what needs you"
    ),
    Field(
        "smtp_report_hour", "Report hour", "number", f"0 to 23, local time, {settings.TIME_ZONE}"
    ),
    Field("notify_quiet_systems", "Quiet systems", hint="Names; only the report tells of them"),
)
BEHAVIOUR = (
    Field("max_parallel_burnins", "Burn-ins at once, per system", "number", "Takes effect at once"),
    Field("stuck_job_hours", "Hours without progress", "number", "Then a burn-in is inconclusive"),
    Field("surface_passes", "Surface passes", "number", "Of hard disks; SSDs get one"),
    Field("surface_rate_limit_mbps", "Surface limit, MB/s", "number", "For each drive; 0: none"),
    Field("temp_start_max_c", "Start up to, °C", "number", "Hard disks; SSDs have their own"),
    Field("temp_pause_c", "Pause above, °C", "number"),
    Field("temp_resume_c", "Go on below, °C", "number"),
    Field("temp_abort_c", "Stop above, °C", "number", "The drive then fails"),
    Field("stale_threshold_seconds", "Stale after, s", "number", "Then nothing is started there"),
    Field(
        "counter_rises_allowed",
        "SMART counters may rise",
        hint="Which, and by how much: udma_crc_errors=5",
    ),
    Field(
        "self_tests_required",
        "Self-tests required",
        "switch",
        "A drive that has none at all is inconclusive; off: it may pass by its other stages",
    ),
)
WEBHOOK = (
    Field(
        "webhook_url", "URL", hint="POST with JSON. Works with ntfy, Slack, Discord, n8n", span=True
    ),
    Field("webhook_secret", "Secret", "secret", "Signs each post; can’t be read back", span=True),
    Field("webhook_events", "When a drive has", "events", span=True),
    Field(
        "webhook_allow_local",
        "Allow local addresses",
        "switch",
        "This machine and its link, where other things listen too",
    ),
)
CHAT = (
    Field(
        "apprise_urls",
        "Addresses",
        "secret",
        "As Apprise writes them, separated by commas: tgram://…, matrix://…",
        span=True,
    ),
    Field("apprise_events", "When a drive has", "events", span=True),
)
PANELS = {
    "mail": MAIL,
    "notifications": NOTIFICATIONS,
    "behaviour": BEHAVIOUR,
    "webhook": WEBHOOK,
    "chat": CHAT,
}
FIELDS = {one.name: one for fields in PANELS.values() for one in fields}


def as_text(value: Any) -> str:
    """A value as a field shows it, and takes it back."""
    if isinstance(value, tuple | list):
        return ", ".join(value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def shown(
    values: Mapping[str, Any],
    defaults: Mapping[str, Any],
    since: Mapping[str, str],
    *,
    typed: Mapping[str, Any] | None = None,
    errors: Mapping[str, Sequence[str]] | None = None,
) -> dict[str, list[Shown]]:
    """The fields of each panel. `values` are readable ones; `typed` stands where it was refused."""
    typed, errors = typed or {}, errors or {}
    return {
        panel: [
            Shown(
                one,
                typed.get(one.name, values[one.name]) if one.name in errors else values[one.name],
                as_text(defaults[one.name]),
                since.get(one.name, ""),
                errors.get(one.name, ()),
            )
            for one in fields
        ]
        for panel, fields in PANELS.items()
    }
