"""What the capacity probe's strange places tell of the true size."""

from __future__ import annotations

from agent.capacity import probe_told
from agent.errors import Finding

MIB = 1 << 20
SIZE = 1 << 40
PLACES = [number * (SIZE // 16) for number in range(16)]


def finding(at: int, cls: str = "constant", length: int = 65536, **more: int) -> Finding:
    return Finding(cls, at, length, length // 4096, note="why", **more)


def test_nothing_strange() -> None:
    assert probe_told(SIZE, PLACES, {}) == ""


def test_addresses_that_wrap() -> None:
    step = SIZE // 8
    strange = {
        at: finding(at, "misplaced", distance=step * k) for at, k in ((0, 7), (PLACES[1], 6))
    }
    told = probe_told(SIZE, PLACES, strange)
    assert f"fake capacity: data lies {step} bytes" in told and f"at most {step} of {SIZE}" in told


def test_one_misplaced_place_is_no_law() -> None:
    told = probe_told(SIZE, PLACES, {0: finding(0, "misplaced", distance=MIB)})
    assert "not where it was written: why" in told and "fake" not in told


def test_nothing_kept_from_some_place_on() -> None:
    told = probe_told(SIZE, PLACES, {at: finding(at) for at in PLACES[12:]})
    assert f"from byte {PLACES[12]} of {SIZE} on nothing is kept (4 places, constant)" in told
    told = probe_told(SIZE, PLACES, {at: finding(at, "corrupt") for at in PLACES[3:11]})
    assert f"from byte {PLACES[3]} of" in told, "it had stopped at eight"


def test_bad_places_here_and_there_are_errors_like_others() -> None:
    assert probe_told(SIZE, PLACES, {at: finding(at) for at in (PLACES[3], PLACES[9])}) == ""
    assert probe_told(SIZE, PLACES, {at: finding(at) for at in PLACES[3:6]}) == ""
    assert probe_told(SIZE, PLACES, {PLACES[15]: finding(PLACES[15], length=4096)}) == ""
    assert probe_told(SIZE, PLACES, {0: finding(0)}) == ""
