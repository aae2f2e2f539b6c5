"""The deliveries as they are: made from events, due, and in which state."""

from __future__ import annotations

from django.utils import timezone

from notifications import outbox
from notifications.models import Delivery


def read() -> None:
    outbox.read(timezone.now())


def make_due() -> None:
    Delivery.objects.filter(state=Delivery.State.WAITING).update(next_try_at=timezone.now())


def states(channel: str) -> list[str]:
    return list(Delivery.objects.filter(channel=channel).values_list("state", flat=True))
