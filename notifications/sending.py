"""Sends what is due: claim, send, mark.

A claim is a compare-and-set, so two tasks never send the same. A sender that is killed between the
other side's OK and our mark leaves a claim behind; after CLAIM it is sent again, because lost would
be worse than twice, with the same Message-ID or Idempotency-Key, by which the other side can tell.
Nothing is sent inside a transaction.
"""

from __future__ import annotations

import logging
import random
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from audit.events import record
from audit.models import Kind
from config import runtime

from .channels import Channel, channel_of
from .models import Delivery
from .transports import WHOLE_SECONDS, Message, NotSent, shown

#: Longer than any sending may take.
CLAIM = timedelta(seconds=2 * WHOLE_SECONDS)
#: So many that are due together become one message, where the channel gathers.
MANY = 4
AT_ONCE = 100
GROUPS_A_RUN = 20
#: The waits double from the first to the last: all tries take about nine hours.
FIRST_WAIT, LONGEST_WAIT, MOST_ATTEMPTS = 30.0, 3600.0, 15

State = Delivery.State
logger = logging.getLogger(__name__)


def _due(now: datetime) -> Q:
    """Waiting and due, or left behind by a sender that was killed."""
    return Q(state=State.WAITING, next_try_at__lte=now) | Q(
        state=State.SENDING, claimed_at__lt=now - CLAIM
    )


def channels_with_work(now: datetime) -> list[str]:
    found = Delivery.objects.filter(_due(now)).order_by("channel")
    return list(found.values_list("channel", flat=True).distinct())


def work(name: str) -> None:
    """Send what is due on one channel, until something goes wrong there.

    One at a time for a channel: a server that doesn't answer is asked by one of us.
    """
    for _ in range(GROUPS_A_RUN):
        now = timezone.now()
        in_work = Delivery.objects.filter(channel=name, state=State.SENDING)
        if in_work.filter(claimed_at__gte=now - CLAIM).exists():
            return
        if not _next(name, now):
            return


def _next(name: str, now: datetime) -> bool:
    """Send one group. Whether more may follow."""
    limits = runtime.current()
    channel = channel_of(name, limits)
    if channel is None or not channel.is_on(limits):
        why = f"{channel.label} was switched off" if channel else "this address was taken away"
        Delivery.objects.filter(_due(now), channel=name).update(state=State.SKIPPED, said=why)
        return False
    claimed = _claim(channel, now)
    if not claimed:
        return False
    messages = [Message(row.batch or row.key, row.payload) for row in claimed]
    try:
        said = channel.send(messages, limits)
    except NotSent as error:
        _failed(channel, claimed, error)
        return not error.all_of_channel
    except Exception as error:
        logger.exception("sending by %s", channel.label)
        _failed(channel, claimed, NotSent(f"An error of this program: {type(error).__name__}"))
        return False
    _mine(claimed).update(state=State.SENT, said=said, sent_at=timezone.now())
    return True


def _claim(channel: Channel, now: datetime) -> list[Delivery]:
    """Take the next group that is due for us alone: those of one batch, or many new ones as a new
    batch, or just the next."""
    due = Delivery.objects.filter(_due(now), channel=channel.name)
    first = due.order_by("pk").first()
    if first is None:
        return []
    batch = first.batch
    group = due.filter(batch=batch) if batch else due.filter(pk=first.pk)
    if channel.gathers:
        # Never tried: what was, may have arrived, and then it is told again by its own key alone.
        new = due.filter(batch="", attempts=0, said="", source__startswith="event-").order_by("pk")
        ids = list(new.values_list("pk", flat=True)[:AT_ONCE])
        if first.pk in ids and len(ids) >= MANY:
            group, batch = due.filter(pk__in=ids), uuid.uuid4().hex
    claim = uuid.uuid4().hex
    group.update(
        state=State.SENDING,
        claim=claim,
        claimed_at=now,
        batch=batch,
        attempts=F("attempts") + 1,
    )
    return list(Delivery.objects.filter(claim=claim).order_by("pk"))


def _mine(claimed: Sequence[Delivery]) -> QuerySet[Delivery]:
    """As long as nobody has taken them over."""
    return Delivery.objects.filter(claim=claimed[0].claim, state=State.SENDING)


def _failed(channel: Channel, claimed: Sequence[Delivery], error: NotSent) -> None:
    """Try again later, or give up and say so in the audit log."""
    words, now = str(error), timezone.now()
    attempts = max(row.attempts for row in claimed)
    if attempts >= MOST_ATTEMPTS:
        with transaction.atomic():
            if _mine(claimed).update(state=State.FAILED, said=words):
                what = claimed[0].payload.get("title", "")
                more = f" and {len(claimed) - 1} more" if len(claimed) > 1 else ""
                note = f"{channel.label} gave up on “{what}”{more} after {attempts} tries: {words}"
                record(Kind.NOTIFICATION_FAILED, note)
        logger.error("%s gave up: %s", channel.label, words)
        return
    logger.warning("%s could not send: %s", channel.label, words)
    at = now + timedelta(seconds=max(wait(attempts), error.retry_after or 0))
    _mine(claimed).update(state=State.WAITING, said=words, next_try_at=at)
    if error.all_of_channel:
        others = Delivery.objects.filter(channel=channel.name, state=State.WAITING)
        others.filter(next_try_at__lt=at).update(next_try_at=at)


def wait(attempts: int) -> float:
    """Seconds until the next try: doubled each time, and not all at the same moment."""
    return min(FIRST_WAIT * 2 ** (attempts - 1), LONGEST_WAIT) * random.uniform(0.8, 1.2)


def send_again(delivery_id: int) -> bool:
    """Try one now that failed or waits, with those that were sent together with it: what bears the
    same key must be the same message. False when there is none like that."""
    rows = Delivery.objects.filter(state__in=[State.FAILED, State.WAITING])
    found = rows.filter(pk=delivery_id).first()
    if found is None:
        return False
    rows = rows.filter(batch=found.batch) if found.batch else rows.filter(pk=found.pk)
    return bool(rows.update(state=State.WAITING, attempts=0, next_try_at=timezone.now()))


def troubled() -> QuerySet[Delivery]:
    """What failed, or waits after a try that failed; the newest first."""
    tried = Q(state=State.WAITING, attempts__gt=0) | ~Q(said="") & Q(state=State.WAITING)
    return Delivery.objects.filter(Q(state=State.FAILED) | tried).order_by("-pk")


def problem(delivery: Delivery) -> str:
    """Why it was not sent, for a page."""
    return shown(delivery.said)
