"""Opens a drive for writing: exclusive first, judged while it is open, the same object in both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from . import guard
from .device import Changed, Medium
from .explained import Own


class Refused(Exception):
    """It may not be written; `reasons` as the protocol has them, at least one."""

    def __init__(self, reasons: list[dict[str, Any]]) -> None:
        super().__init__("; ".join(reason["reason"] for reason in reasons))
        self.reasons = reasons


def opened(
    path: str,
    serial: str | None,
    size: int | None,
    state_dir: str | None,
    own: Own,
    released: Sequence[str] = (),
) -> Medium:
    """Raises Refused, OSError. Adds to `own` the samples of unknown data that is released.

    1. What is it? Another kind, serial or size is not even opened. 2. Open it, alone. 3. Ask
    everything while it is held. 4. Was the same object asked about that is open?
    """
    before = guard.judge_identity(path, serial, size)
    if before.drive is None or not before.allowed:
        raise Refused(before.reasons)
    try:
        medium = Medium(before.drive)
    except Changed as error:
        raise Refused([_reason("identity", "unknown", str(error.strerror))]) from error
    except OSError as error:
        said = f"can't be opened alone for writing: {error.strerror}"
        more = guard.judge(path, serial, size, state_dir, own).reasons  # mostly, who has it
        raise Refused([_reason("open", "in_use", said), *more]) from error
    try:
        judgement = guard.judge(path, serial, size, state_dir, own, released=released, held=medium)
        if not judgement.allowed:
            raise Refused(judgement.reasons)
        if not medium.same_as(judgement.drive):
            raise Refused([_reason("identity", "unknown", "the path leads to another drive now")])
    except BaseException:
        medium.close()
        raise
    own.samples.update(judgement.samples)
    return medium


def _reason(fact: str, state: str, reason: str) -> dict[str, Any]:
    return {"fact": fact, "state": state, "reason": reason}
