"""/settings: what may change while everything runs. For admins."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest
from ninja import Field, Router, Schema

from config import runtime
from notifications.transports import mail, webhook

from ..settings_change import change
from .access import admin, caller_of
from .problems import Problem, ProblemOut
from .shapes import example

router = Router(tags=["settings"])


class SettingsOut(Schema):
    """Each setting by its name in the environment, in small letters."""

    settings: dict[str, Any] = Field(
        ...,
        description="of a secret only whether there is one",
        examples=[{"max_parallel_burnins": 2, "smtp_password": True}],
    )
    changed_at: dict[str, str] = Field(
        ..., description="when those were changed that aren’t the environment’s"
    )


class SettingsIn(Schema, extra="forbid"):
    model_config = example(
        {"settings": {"max_parallel_burnins": 4, "smtp_to": ["ops@example.org"]}},
        {"settings": {"smtp_password": None}},
    )

    settings: dict[str, Any] = Field(
        ...,
        max_length=100,
        description="what is to change; null goes back to the environment’s value",
        examples=[{"max_parallel_burnins": 4}],
    )


def _now() -> SettingsOut:
    return SettingsOut(
        settings=runtime.readable(runtime.current()), changed_at=runtime.changed_at()
    )


@router.get("", auth=admin, response={200: SettingsOut, (401, 403): ProblemOut})
def show_settings(request: HttpRequest) -> SettingsOut:
    """All settings that may change at run time."""
    return _now()


@router.post("", auth=admin, response={200: SettingsOut, (400, 401, 403, 422): ProblemOut})
def change_settings(request: HttpRequest, wish: SettingsIn) -> SettingsOut:
    """Change settings, all or none. In force at once."""
    caller = caller_of(request)
    try:
        change(wish.settings, by=caller.name, source_ip=caller.source_ip)
    except ValidationError as error:
        errors = {f"settings.{name}": said for name, said in error.message_dict.items()}
        detail = "; ".join(f"{name}: {', '.join(said)}" for name, said in errors.items())
        raise Problem(422, detail, errors=errors) from None
    return _now()


class TestedOut(Schema):
    """What the other side said, in its own words."""

    ok: bool
    words: str
    seconds: float


@router.post("/test-smtp", auth=admin, response={200: TestedOut, (401, 403): ProblemOut})
def test_smtp(request: HttpRequest) -> TestedOut:
    """Connect and log in to the mail server, as saved. Nothing is sent."""
    return TestedOut(**asdict(mail.test_connection(runtime.current())))


@router.post("/test-webhook", auth=admin, response={200: TestedOut, (401, 403): ProblemOut})
def test_webhook(request: HttpRequest) -> TestedOut:
    """Send a test event to the webhook, as saved."""
    return TestedOut(**asdict(webhook.send_test(runtime.current())))
