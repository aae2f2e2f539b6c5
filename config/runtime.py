"""Settings that may change while everything runs: one row over the environment's defaults.

Each is declared once, as a field of Runtime; its default is the setting of the same name in capital
letters. `current` reads the row anew at each call, so a change is in force at once everywhere.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, get_type_hints
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone

from audit.events import record
from audit.models import Kind

from .models import RuntimeSettings
from .redaction import remember

LONGEST = 1000
#: What a mode is called, and the port that it sets.
SMTP_MODES = {"starttls": ("STARTTLS", 587), "ssl": ("SSL", 465), "plain": ("Plain", 25)}
#: What may be sent to webhook and chat.
EVENTS = ("burnin_passed", "burnin_failed", "burnin_unknown")

logger = logging.getLogger(__name__)


# --- checks: a text in, the same or a ValidationError with a sentence ---------------------------
def _mode(text: str) -> None:
    if text not in SMTP_MODES:
        raise ValidationError(f"One of {', '.join(SMTP_MODES)}")


def _host(text: str) -> None:
    if text and not re.fullmatch(r"[A-Za-z0-9._-]+|[0-9a-fA-F:.]+", text):
        raise ValidationError("A name or address alone, as smtp.example.org")


def _address(text: str) -> None:
    """`burnin@example.org`, or with a name before it: `Burn-in <burnin@example.org>`."""
    bare = re.fullmatch(r"[^<>\r\n]*<([^<>]+)>", text)
    address = bare[1] if bare else text
    if not text:
        return
    try:
        validate_email(address)
    except ValidationError:
        missing = "" if address.rpartition("@")[2] else " has no domain"
        raise ValidationError(f"“{text}”{missing or ' is no mail address'}") from None


def _web(text: str) -> None:
    if not text:
        return
    try:
        parts = urlsplit(text)
        _ = parts.port
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        usable = False
    if not usable or re.search(r"\s", text):
        raise ValidationError("An address that starts with https:// or http://")


def _chat(text: str) -> None:
    if not re.fullmatch(r"[a-zA-Z0-9]+://\S+", text):
        raise ValidationError("An address as Apprise writes it, as tgram://TOKEN/CHAT")


def _event(text: str) -> None:
    if text not in EVENTS:
        raise ValidationError(f"{text!r} is none of {', '.join(EVENTS)}")


def _rise(text: str) -> None:
    if not re.fullmatch(r"[a-z_]{1,40}=[0-9]{1,6}", text):
        raise ValidationError(f"“{text}” isn’t a counter and a number, as udma_crc_errors=5")


def _plain(text: str) -> None:
    """Anything of one line."""


def _secret(text: str) -> None:
    """The same, and a space at its ends belongs to it."""


def _checked(check: Callable[[str], None], *, secret: bool = False) -> dict[str, Any]:
    return {"check": check, "secret": secret}


SECRET = _checked(_secret, secret=True)


@dataclass(frozen=True)
class Runtime:
    """Every setting that may change at run time. Names are the environment's in small letters."""

    # Temperatures in °C, of hard disks; SSDs have thresholds of their own.
    max_parallel_burnins: int
    stale_threshold_seconds: int
    stuck_job_hours: float
    surface_passes: int
    surface_rate_limit_mbps: int
    temp_start_max_c: int
    temp_pause_c: int
    temp_resume_c: int
    temp_abort_c: int
    counter_rises_allowed: tuple[str, ...] = field(metadata=_checked(_rise))
    self_tests_required: bool

    smtp_host: str = field(metadata=_checked(_host))
    smtp_mode: str = field(metadata=_checked(_mode))
    smtp_user: str = field(metadata=_checked(_plain))
    smtp_password: str = field(repr=False, metadata=SECRET)
    smtp_from: str = field(metadata=_checked(_address))
    smtp_to: tuple[str, ...] = field(metadata=_checked(_address))
    smtp_daily_report: bool
    smtp_report_hour: int
    smtp_alert_on_fail: bool
    smtp_alert_on_pass: bool

    webhook_url: str = field(repr=False, metadata=_checked(_web))
    webhook_secret: str = field(repr=False, metadata=SECRET)
    webhook_events: tuple[str, ...] = field(metadata=_checked(_event))
    webhook_allow_local: bool
    apprise_urls: tuple[str, ...] = field(repr=False, metadata=_checked(_chat, secret=True))
    apprise_events: tuple[str, ...] = field(metadata=_checked(_event))
    notify_quiet_systems: tuple[str, ...] = field(metadata=_checked(_plain))

    @property
    def smtp_port(self) -> int:
        return SMTP_MODES[self.smtp_mode][1]

    @property
    def rises_allowed(self) -> dict[str, int]:
        """SMART counter to how much it may rise during a burn-in; the others not at all."""
        pairs = (rise.split("=") for rise in self.counter_rises_allowed)
        return {counter: int(rise) for counter, rise in pairs}


TYPES: dict[str, Any] = get_type_hints(Runtime)
SECRETS = frozenset(one.name for one in fields(Runtime) if one.metadata.get("secret"))
#: Addresses that often hold a token: shown to admins, encrypted at rest, and not told in events.
PRIVATE = frozenset({"webhook_url"})


def current() -> Runtime:
    """What is in force now. One query."""
    found = RuntimeSettings.objects.values_list("values", "secrets").first()
    stored = _stored(*found) if found else {}
    return Runtime(**{name: _of_row(name, stored) for name in TYPES})


def default(name: str) -> Any:
    """What the environment says."""
    return getattr(settings, name.upper())


def changed_at() -> dict[str, str]:
    """When each setting that isn't the environment's was changed, ISO 8601."""
    return RuntimeSettings.objects.values_list("changed_at", flat=True).first() or {}


def readable(runtime: Runtime) -> dict[str, Any]:
    """Every setting as it may be shown to an admin: of a secret only whether there is one."""
    return {
        name: bool(getattr(runtime, name)) if name in SECRETS else getattr(runtime, name)
        for name in TYPES
    }


def update(changes: Mapping[str, Any], *, by: str, source_ip: str | None = None) -> list[str]:
    """Change settings at once, all or none; None goes back to the environment's default.

    Values may be of their type or texts as a form has them. Returns the names of those that are
    different now. Raises ValidationError with the names that are wrong.
    """
    wanted, errors = _parsed(changes)
    if errors:
        raise ValidationError(errors)
    with transaction.atomic():
        RuntimeSettings.objects.get_or_create(only_one=True)
        row = RuntimeSettings.objects.select_for_update().get(only_one=True)
        stored = _stored(row.values, row.secrets)
        before = {name: _of_row(name, stored) for name in TYPES}
        for name, value in wanted.items():
            stored.pop(name, None)
            if value is not None:
                stored[name] = value
        after = {name: _of_row(name, stored) for name in TYPES}
        _check_together(Runtime(**after), set(wanted))
        different = [name for name in wanted if before[name] != after[name]]
        now = timezone.now().isoformat()
        row.values = {name: stored[name] for name in stored if not _is_encrypted(name)}
        hidden = {name: stored[name] for name in stored if _is_encrypted(name)}
        row.secrets = json.dumps(hidden) if hidden else ""
        row.changed_at = {name: row.changed_at.get(name, now) for name in stored} | {
            name: now for name in different if name in stored
        }
        row.save()
        if different:
            words = "; ".join(_told(name, before[name], after[name]) for name in different)
            note = f"Settings changed: {words}"
            record(Kind.SETTINGS_CHANGED, note, actor=by, source_ip=source_ip)
    return different


def parse(name: str, raw: Any) -> Any:
    """A value of that setting's type. Raises ValidationError with a sentence."""
    kind = TYPES[name]
    if kind is bool:
        return _truth(raw)
    if kind in (int, float):
        return _number(raw, kind, *settings.LIMITS[name.upper()])
    check = next(one for one in fields(Runtime) if one.name == name).metadata["check"]
    if kind is str:
        return _text(raw, check)
    parts = raw.split(",") if isinstance(raw, str) else raw
    if not isinstance(parts, list | tuple):
        raise ValidationError("A list, separated by commas")
    filled = [part for part in parts if not isinstance(part, str) or part.strip()]
    return tuple(dict.fromkeys(_text(part, check) for part in filled))


def _text(raw: Any, check: Callable[[str], None]) -> str:
    if not isinstance(raw, str):
        raise ValidationError("This is no text")
    text = raw if check is _secret else raw.strip()
    if len(text) > LONGEST:
        raise ValidationError(f"Longer than {LONGEST} characters")
    if not text.isprintable():
        raise ValidationError("One line without control characters")
    check(text)
    return text


def _truth(raw: Any) -> bool:
    words = {"true": True, "on": True, "false": False, "off": False, "": False}
    found = raw if isinstance(raw, bool) else words.get(str(raw).strip().lower())
    if found is None:
        raise ValidationError("Neither true nor false")
    return found


def _number(raw: Any, kind: type, low: float, high: float) -> int | float:
    words = "A whole number" if kind is int else "A number"
    if isinstance(raw, bool) or not isinstance(raw, int | float | str) or len(str(raw)) > 20:
        raise ValidationError(words)
    try:
        value: int | float = kind(raw)
    except (ValueError, OverflowError):
        raise ValidationError(words) from None
    if value != value or (isinstance(raw, float) and value != raw):
        raise ValidationError(words)
    if not low <= value <= high:
        raise ValidationError(f"{low:g} to {high:g}")
    return value


def _parsed(changes: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, list[str]]]:
    wanted: dict[str, Any] = {}
    errors: dict[str, list[str]] = {}
    for name, raw in changes.items():
        if name not in TYPES:
            errors[name] = ["There is no such setting"]
            continue
        try:
            wanted[name] = None if raw is None else parse(name, raw)
        except ValidationError as error:
            errors[name] = error.messages
    return wanted, errors


#: Each must be below the next one; with what is said at either.
_ASCENDING = (
    ("temp_resume_c", "temp_pause_c", "the resume limit", "the pause limit"),
    ("temp_pause_c", "temp_abort_c", "the pause limit", "the stop limit"),
)


def _check_together(runtime: Runtime, changed: set[str]) -> None:
    """Raises ValidationError at the setting that was changed."""
    errors: dict[str, list[str]] = {}
    for lower, upper, lower_words, upper_words in _ASCENDING:
        low, high = getattr(runtime, lower), getattr(runtime, upper)
        if low >= high and lower in changed:
            errors.setdefault(lower, []).append(f"Must be below {upper_words}, {high} °C")
        if low >= high and upper in changed:
            errors.setdefault(upper, []).append(f"Must be above {lower_words}, {low} °C")
    start, pause = runtime.temp_start_max_c, runtime.temp_pause_c
    if start > pause and "temp_start_max_c" in changed:
        errors["temp_start_max_c"] = [f"Must not be above the pause limit, {pause} °C"]
    if start > pause and "temp_pause_c" in changed:
        words = f"Must not be below the limit to start at, {start} °C"
        errors.setdefault("temp_pause_c", []).append(words)
    poll = settings.POLL_INTERVAL_SECONDS
    if "stale_threshold_seconds" in changed and runtime.stale_threshold_seconds <= poll:
        errors["stale_threshold_seconds"] = [f"Must be above the poll interval, {poll} s"]
    if errors:
        raise ValidationError(errors)


# --- the row -------------------------------------------------------------------------------------
def _is_encrypted(name: str) -> bool:
    return name in SECRETS or name in PRIVATE


def _stored(values: dict[str, Any], secrets: str) -> dict[str, Any]:
    hidden = json.loads(secrets) if secrets else {}
    for name in SECRETS & hidden.keys():
        for text in [hidden[name]] if isinstance(hidden[name], str) else hidden[name]:
            remember(text)
    return {**values, **hidden}


def _of_row(name: str, stored: dict[str, Any]) -> Any:
    """As stored; as the environment says where it isn't, or isn't valid any more."""
    if name in stored:
        try:
            return parse(name, stored[name])
        except ValidationError as error:
            why = "; ".join(error.messages)
            logger.error("the stored setting %s is not valid, so its default is: %s", name, why)
    return default(name)


def _told(name: str, before: Any, after: Any) -> str:
    """One change as the audit log tells it: a secret is never told, not even how long it is."""
    if _is_encrypted(name):
        return f"{name} {'replaced' if before and after else 'set' if after else 'removed'}"
    return f"{name} {_shown(before)} → {_shown(after)}"


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple):
        return ", ".join(value) or "none"
    return str(value) if value != "" else "none"
