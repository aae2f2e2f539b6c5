"""What a run may write over, once it has begun."""

from __future__ import annotations

import random

import pytest

from agent.explained import Own
from agent.pattern import UNIT, Pattern
from agent.release import part
from agent.state import State, new

SIZE = 4 << 20
CHUNK = 16 * UNIT
AT = 3 * UNIT


@pytest.fixture
def state() -> State:
    identity = {
        "serial": "S",
        "model": None,
        "size_bytes": SIZE,
        "logical_sector_bytes": 512,
        "physical_sector_bytes": 4096,
        "path": "/dev/x",
    }
    io = {"direct": True, "how": "O_DIRECT", "threads": 2, "chunk_bytes": CHUNK}
    made = new("r1", "boot", identity, 2, io)
    made.phase, made.pass_number = "write", 2
    return made


def of(state: State, pass_number: int) -> bytes:
    return Pattern(state.pattern_run, pass_number, CHUNK).expected(AT, 4096)


NOISE = random.Random(3).randbytes(4096)


@pytest.mark.parametrize("pass_number", [0, 1, 2])
def test_its_own_data_though_a_drive_has_damaged_it(state: State, pass_number: int) -> None:
    """A few bits, and the stamp itself: that is the drive's fault, to be found by verify."""
    damaged = bytearray(of(state, pass_number))
    damaged[512:536] = bytes(range(24))
    damaged[700] ^= 4
    assert Own({}, state).strange({AT: bytes(damaged)}) == []
    assert Own({}).strange({AT: bytes(damaged)}) == [AT]  # nothing was begun


def test_other_data_between_its_own(state: State) -> None:
    sector = bytearray(of(state, 2))
    sector[1024:1536] = NOISE[:512]
    assert Own({}, state).strange({AT: bytes(sector)}) == [AT]


def test_its_own_data_without_stamps_of_another_place(state: State) -> None:
    moved = bytearray(of(state, 2))
    for at in range(0, 4096, 512):
        moved[at : at + 24] = bytes(range(24))
    assert Own({}, state).strange({AT + UNIT: bytes(moved)}) == [AT + UNIT]


def test_released_data_at_its_place_and_as_it_was(state: State) -> None:
    own = Own({AT: part(NOISE)}, state)
    assert own.strange({AT: NOISE}) == [AT], "until its first byte its release is asked anew"
    state.begun = True
    assert own.strange({AT: NOISE}) == []
    assert own.strange({AT + 4096: NOISE}) == [AT + 4096]
    assert own.strange({AT: NOISE[1:] + b"x"}) == [AT]
