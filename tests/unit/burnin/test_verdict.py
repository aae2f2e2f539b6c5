"""A pass needs every piece of evidence; what is missing is inconclusive."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from burnin import verdict
from burnin.models import StageState
from drives.hosts.types import RunVerdict

SIZE, PASSES, SERIAL = 268_435_456, 2, "BURN0001"
GOOD = RunVerdict(
    verdict="passed",
    reasons=(),
    size_bytes=SIZE,
    passes=PASSES,
    bytes_written=SIZE * PASSES,
    bytes_verified=SIZE * PASSES,
    error_count=0,
    errors=(),
)
ONE_ERROR = {"class": "corrupt", "lba": 157_286, "offset_bytes": 80_530_636}


def judge(run: RunVerdict, serial: str = SERIAL) -> verdict.Ended:
    return verdict.surface(run, serial_found=serial, serial=SERIAL, size_bytes=SIZE, passes=PASSES)


def test_a_surface_run_with_all_its_evidence_passes() -> None:
    ended = judge(GOOD)
    assert ended.state == StageState.PASSED
    assert ended.claims and all(claim.holds for claim in ended.claims)


def test_a_run_that_was_stopped_for_heat_fails_with_the_reason() -> None:
    hot = replace(GOOD, verdict="failed", bytes_verified=0, reasons=("temperature: 63 °C",))
    ended = judge(hot)
    assert (ended.state, ended.reason) == (
        StageState.FAILED,
        "It became too hot: temperature: 63 °C",
    )
    assert any(claim.holds is False for claim in ended.claims)


SAMPLE = replace(
    GOOD,
    passes=1,
    sample_places=1040,
    sample_bytes=SIZE // 64,
    bytes_written=SIZE // 64,
    bytes_verified=SIZE // 64,
)


def judge_sample(run: RunVerdict) -> verdict.Ended:
    return verdict.surface(
        run, serial_found=SERIAL, serial=SERIAL, size_bytes=SIZE, passes=1, sample=True
    )


def test_a_sample_with_all_its_evidence_passes_as_a_sample() -> None:
    ended = judge_sample(SAMPLE)
    assert ended.state == StageState.PASSED
    found = next(c.found for c in ended.claims if c.claim == "The sample was verified")
    assert "at 1,040 places" in found and "% of the drive" in found


@pytest.mark.parametrize(
    "lack",
    [
        {"bytes_verified": SIZE // 64 - 512},
        {"bytes_written": 0},
        {"sample_bytes": None},
        {"sample_bytes": 0, "bytes_written": 0, "bytes_verified": 0},
        {"sample_places": 2},
        {"sample_places": None},
        {"passes": 2},
        {"size_bytes": SIZE - 512},
    ],
    ids=str,
)
def test_a_sample_that_lacks_anything_never_passes(lack: dict[str, Any]) -> None:
    assert judge_sample(replace(SAMPLE, **lack)).state == StageState.UNKNOWN


def test_a_sample_never_counts_for_the_whole_nor_the_whole_for_a_sample() -> None:
    assert judge(replace(GOOD, sample_places=1040, sample_bytes=SIZE)).state == StageState.UNKNOWN
    whole = replace(GOOD, passes=1, bytes_written=SIZE, bytes_verified=SIZE)
    assert judge_sample(whole).state == StageState.UNKNOWN


def test_a_fake_capacity_fails_with_its_evidence() -> None:
    wrapped = {"class": "misplaced", "lba": SIZE // 1024, "offset_bytes": SIZE // 2}
    ended = judge_sample(replace(SAMPLE, verdict="failed", error_count=8, errors=(wrapped,)))
    assert ended.state == StageState.FAILED
    assert "another address" in ended.reason and "50 % of the drive" in ended.reason


@pytest.mark.parametrize(
    "lack",
    [
        {"bytes_verified": SIZE * PASSES - 512},
        {"bytes_verified": SIZE * PASSES + 512},
        {"bytes_verified": 0},
        {"bytes_written": SIZE * PASSES - 512},
        {"passes": 1},
        {"error_count": 1},
        {"errors": (ONE_ERROR,)},
        {"verdict": "inconclusive"},
        {"size_bytes": SIZE - 512},
    ],
    ids=str,
)
def test_a_surface_run_that_lacks_anything_never_passes(lack: dict[str, Any]) -> None:
    ended = judge(replace(GOOD, **lack))
    assert ended.state == StageState.UNKNOWN
    assert ended.reason


def test_a_run_on_another_drive_says_nothing_of_this_one() -> None:
    failed = replace(GOOD, verdict="failed", error_count=1, errors=(ONE_ERROR,))
    for serial in ("", "BURN0002"):
        assert judge(GOOD, serial).state == StageState.UNKNOWN
        assert judge(failed, serial).state == StageState.UNKNOWN


def test_a_failed_run_names_class_and_lba() -> None:
    ended = judge(replace(GOOD, verdict="failed", error_count=1, errors=(ONE_ERROR,)))
    assert ended.state == StageState.FAILED
    assert ended.reason == "1 sector came back changed, at LBA 157,286 (30 % of the drive)"


def test_failed_without_an_error_is_no_fault_of_the_drive() -> None:
    assert judge(replace(GOOD, verdict="failed")).state == StageState.UNKNOWN


START = {
    "reallocated_sectors": 3,
    "reported_uncorrectable": 0,
    "command_timeouts": 0,
    "pending_sectors": 0,
    "offline_uncorrectable": 0,
    "udma_crc_errors": 7,
}


def test_equal_counters_pass_though_they_are_not_zero() -> None:
    assert verdict.counters(START, dict(START)).state == StageState.PASSED


@pytest.mark.parametrize("name", verdict.FAILING_COUNTERS)
def test_a_failing_counter_that_rose_fails_the_drive(name: str) -> None:
    start = START | {name: 7}
    ended = verdict.counters(start, start | {name: 8})
    assert ended.state == StageState.FAILED
    assert "7 → 8" in ended.reason


@pytest.mark.parametrize("name", verdict.DOUBTFUL_COUNTERS)
def test_a_counter_of_the_cable_that_rose_is_inconclusive(name: str) -> None:
    ended = verdict.counters(START, START | {name: START[name] + 1})
    assert ended.state == StageState.UNKNOWN
    assert "cable" in ended.reason


def test_both_kinds_risen_is_a_fault_of_the_drive() -> None:
    after = START | {"udma_crc_errors": 9, "pending_sectors": 1}
    assert verdict.counters(START, after).state == StageState.FAILED


@pytest.mark.parametrize("name", START)
def test_a_counter_that_is_gone_at_the_end_is_inconclusive(name: str) -> None:
    after = {other: count for other, count in START.items() if other != name}
    ended = verdict.counters(START, after)
    assert ended.state == StageState.UNKNOWN
    assert "not at the end" in ended.reason


@pytest.mark.parametrize("before", [None, {}])
@pytest.mark.parametrize("after", [None, {}, START])
def test_without_a_reading_at_the_start_nothing_passes(before: Any, after: Any) -> None:
    assert verdict.counters(before, after).state == StageState.UNKNOWN


def test_without_a_reading_at_the_end_nothing_passes() -> None:
    assert verdict.counters(START, None).state == StageState.UNKNOWN


def test_a_counter_that_fell_belongs_to_another_drive() -> None:
    assert verdict.counters(START, START | {"reallocated_sectors": 2}).state == StageState.UNKNOWN
    healed = verdict.counters(START | {"pending_sectors": 4}, START)
    assert healed.state == StageState.PASSED, "pending sectors fall when they are rewritten"


def test_a_counter_that_is_told_only_at_the_end_is_inconclusive_unless_it_counts_nothing() -> None:
    """A log page that could not be read at the start, or a row that is shown once it counts."""
    before = {"read_uncorrected": 0}
    ended = verdict.counters(before, before | {"grown_defects": 2000})
    assert ended.state == StageState.UNKNOWN and "Grown defects 2,000" in ended.reason
    assert verdict.counters(before, before | {"grown_defects": 0}).state == StageState.PASSED


@pytest.mark.parametrize("name", verdict.UNREAD_COUNTERS)
def test_sectors_that_stay_unreadable_are_inconclusive_though_none_came(name: str) -> None:
    ended = verdict.counters(START | {name: 64}, START | {name: 64})
    assert ended.state == StageState.UNKNOWN and "can’t read" in ended.reason
    assert not all(claim.holds for claim in ended.claims)
    assert verdict.counters(START | {name: 64}, START | {name: 64}, {name: 64}).state == "passed"


counts = st.dictionaries(st.sampled_from([*START, "other"]), st.integers(0, 2**32 - 1))


@given(before=counts, after=st.none() | counts)
def test_passing_counters_are_all_there_and_none_rose(
    before: dict[str, int], after: dict[str, int] | None
) -> None:
    ended = verdict.counters(before, after)
    if ended.state == StageState.PASSED:
        assert after is not None
        known = [name for name in before if name in START]
        assert known
        assert all(after[name] <= before[name] for name in known)


CLAIM = {"claim": "Every byte was verified", "holds": True}


def stages(**changes: Any) -> list[tuple[str, str, list[dict[str, Any]]]]:
    kinds = ["precheck", "surface_validate", "final_check"]
    return [(kind, changes.get(kind, "passed"), [CLAIM]) for kind in kinds]


def test_a_job_passes_only_when_each_stage_did() -> None:
    assert verdict.job(stages())[0] == StageState.PASSED
    for state in set(StageState.values) - {"passed"}:
        for kind in ("precheck", "surface_validate", "final_check"):
            assert verdict.job(stages(**{kind: state}))[0] == StageState.UNKNOWN


def test_a_skipped_self_test_passes_only_where_its_claim_says_so() -> None:
    allowed = [{"claim": "SMART short", "holds": True, "found": "it has none, not required"}]
    open_ = [{"claim": "SMART short", "holds": None, "found": "it has none"}]
    rest = [("precheck", "passed", [CLAIM]), ("final_check", "passed", [CLAIM])]
    surface = ("surface_validate", "passed", [CLAIM])
    assert verdict.job([*rest, surface, ("short_smart", "skipped", allowed)])[0] == "passed"
    state, reason = verdict.job([*rest, surface, ("short_smart", "skipped", open_)])
    assert (state, reason) == (StageState.UNKNOWN, "SMART short was skipped: it has none")
    assert verdict.job([*rest, surface, ("short_smart", "skipped", [])])[0] == StageState.UNKNOWN
    assert verdict.job([*rest, ("surface_validate", "skipped", allowed)])[0] == StageState.UNKNOWN


def test_a_job_that_tested_nothing_does_not_pass() -> None:
    allowed = [{"claim": "SMART short", "holds": True, "found": "it has none, not required"}]
    rest = [("precheck", "passed", [CLAIM]), ("final_check", "passed", [CLAIM])]
    assert verdict.job(rest)[0] == StageState.UNKNOWN
    state, reason = verdict.job([*rest, ("short_smart", "skipped", allowed)])
    assert state == StageState.UNKNOWN
    assert "Nothing was tested" in reason


@pytest.mark.parametrize("claims", [[], [CLAIM, {"claim": "x", "holds": None}], [{"claim": "x"}]])
def test_a_stage_that_passed_without_proof_makes_the_job_inconclusive(
    claims: list[dict[str, Any]],
) -> None:
    state, reason = verdict.job(
        [("precheck", "passed", [CLAIM]), ("final_check", "passed", claims)]
    )
    assert state == StageState.UNKNOWN
    assert reason


def test_a_counter_may_rise_as_far_as_the_settings_allow() -> None:
    before, allowed = {"udma_crc_errors": 1, "pending_sectors": 0}, {"udma_crc_errors": 3}
    borne = verdict.counters(before, before | {"udma_crc_errors": 4}, allowed)
    assert borne.state == StageState.PASSED
    assert "none rose more than the settings allow" in borne.claims[1].found
    above = verdict.counters(before, before | {"udma_crc_errors": 5}, allowed)
    assert above.state == StageState.UNKNOWN
    other = verdict.counters(before, before | {"pending_sectors": 1}, allowed)
    assert other.state == StageState.FAILED
