"""The only writer of job and stage state.

Each change is a compare-and-set in one transaction with its audit event; talking to the outside
happens before, under a lease on the stage, never inside a transaction.
"""

from __future__ import annotations

from .admission import admit
from .cancelling import NotActive, cancel, cancel_all
from .holding import freeze_all, pause, resume, thaw_all
from .loop import advance, step
from .requesting import NotConfirmed, RequestRefused, acknowledge, refusals, request

__all__ = [
    "NotActive",
    "NotConfirmed",
    "RequestRefused",
    "acknowledge",
    "admit",
    "advance",
    "cancel",
    "cancel_all",
    "freeze_all",
    "pause",
    "refusals",
    "request",
    "resume",
    "step",
    "thaw_all",
]
