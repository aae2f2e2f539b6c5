"""Idempotency-Key: a request that is sent twice is done once, and answered alike.

The key is claimed before anything is done, and the answer is kept with it for a day. A claim whose
process died is taken over after a while; that repeats the request, which is safe for those that the
database itself lets happen once, as a burn-in of a drive.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.utils import timezone

from ..models import KeptAnswer
from .problems import Problem, body_of, invalid

KEPT = timedelta(days=1)
#: A request that takes longer has died: 500 drives of a slow host take less.
ABANDONED = timedelta(hours=2)
LONGEST_KEY = 200
Answer = tuple[int, dict[str, Any]]


def once(request: HttpRequest, owner: User, work: Callable[[], Answer]) -> Answer:
    """Do the work, or give the answer that it had. Without the header it is simply done.

    Raises Problem: 409 while the first request is at work, 422 for another body under that key.
    """
    key = request.headers.get("Idempotency-Key", "").strip()
    if not key:
        return work()
    if len(key) > LONGEST_KEY or not key.isprintable():
        raise invalid("Idempotency-Key", f"At most {LONGEST_KEY} printable characters")
    asked = hashlib.sha256(f"{request.path}\n".encode() + request.body).hexdigest()
    now = timezone.now()
    KeptAnswer.objects.filter(made_at__lt=now - KEPT).delete()
    kept = _claim(owner, key, asked)
    if kept is not None:
        return kept
    mine = KeptAnswer.objects.filter(owner=owner, key=key, asked=asked, status=None)
    try:
        status, body = work()
    except Problem as problem:
        mine.update(status=problem.status, body=body_of(problem, request))
        raise
    except BaseException:
        mine.delete()  # it may be tried again
        raise
    mine.update(status=status, body=body)
    return status, body


def _claim(owner: User, key: str, asked: str) -> Answer | None:
    """None when the work is ours; else the answer of the first one."""
    now = timezone.now()
    try:
        with transaction.atomic():
            KeptAnswer.objects.create(owner=owner, key=key, asked=asked, made_at=now)
        return None
    except IntegrityError:
        kept = KeptAnswer.objects.filter(owner=owner, key=key).first()
    if kept is not None and kept.asked != asked:
        raise invalid("Idempotency-Key", "This key was used for another request")
    if kept is not None and kept.status is not None:
        return kept.status, kept.body
    abandoned = KeptAnswer.objects.filter(
        owner=owner, key=key, asked=asked, status=None, made_at__lt=now - ABANDONED
    )
    if abandoned.update(made_at=now):
        return None
    raise Problem(409, "A request with this Idempotency-Key is at work; ask again in a moment.")
