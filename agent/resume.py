"""Where a run goes on whose process was gone: at its checkpoint, if that is on the medium."""

from __future__ import annotations

from .device import Medium
from .explained import Own
from .host import boot_id
from .opening import Refused
from .pattern import SECTOR, STEP, Buffer, Pattern, Window, Zeros, read_stamp
from .state import State

LOOKED_BACK = 8


def resume_place(state: State, medium: Medium, own: Own) -> tuple[str, str]:
    """Is what the state claims really on the medium? Corrects the state where it isn't.

    Returns (event, detail) for the run's diary. 1. In a write or zero phase the last chunks before
    the checkpoint must hold this pass; the run goes on after the newest one that does. Where none
    does, the pass is written again; other data than this run's there raises Refused. 2. In a verify
    phase the last chunk is read again; and where the medium already holds a later pass, the state
    is an old copy: the whole pass is done again. A wrong chunk in a verify phase is judged there.
    """
    chunk, places = state.io["chunk_bytes"], state.places
    state.position = state.checkpoint = min(state.checkpoint, state.position) // chunk * chunk
    reason = "after a reboot" if state.boot_id != boot_id() else "its process was gone"
    state.boot_id = boot_id()
    if state.phase == "probe":
        state.position = state.checkpoint = 0
        return "resumed", f"{reason}; with the capacity probe"
    kind = Zeros if state.phase == "zero" else Pattern
    pattern = kind(state.pattern_run, state.pass_number, chunk)
    if state.phase == "verify":
        if _holds_later_pass(medium, pattern):
            state.phase, state.position, state.checkpoint = "write", 0, 0
            state.warn("the state was older than the medium; this pass is done again")
            return "resumed", f"{reason}; the state was an old copy, pass {state.pass_number} again"
        state.position = state.checkpoint = places.back(state.checkpoint, 1) or 0
        return "resumed", f"{reason}; verify of pass {state.pass_number} at byte {state.position}"
    window, buffer = Window(pattern), Buffer(chunk)
    strange: list[int] = []
    for back in range(1, LOOKED_BACK + 1):
        offset = places.back(state.position, back)
        if offset is None:
            state.position = state.checkpoint = 0
            break
        length = min(chunk, state.size - offset)
        try:
            medium.read(buffer.view[:length], offset)
        except OSError:
            continue
        window.set(offset, length)
        if window.holds(buffer, length):
            state.position = state.checkpoint = places.after(offset)
            break
        found = bytes(buffer.view[:length])
        strange += own.strange(
            {offset + at: found[at : at + STEP] for at in range(0, length, STEP)}
        )
    else:
        state.position = state.checkpoint = 0
        state.warn("the last checkpoint was not on the medium; this pass is written again")
    if strange:
        told = f"other data than this run's lies before its checkpoint, at byte {min(strange)}"
        raise Refused([{"fact": "data", "state": "unknown", "reason": told}])
    place = f"{state.phase} of pass {state.pass_number} at byte {state.position}"
    return "resumed", f"{reason}; {place}"


def _holds_later_pass(medium: Medium, pattern: Pattern) -> bool:
    buffer = Buffer(STEP)
    try:
        medium.read(buffer.view, 0)
    except OSError:
        return False
    stamps = [read_stamp(bytes(buffer.view[at : at + SECTOR])) for at in range(0, STEP, SECTOR)]
    return any(
        stamp is not None
        and stamp.number == pattern.run.number
        and stamp.pass_number > pattern.pass_number
        for stamp in stamps
    )
