"""Whose word counts on whether a self-test runs: the drive's, before the NAS's job."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from burnin.stages.precheck import may_be_testing
from drives import smart
from drives.smart.reading import SelfTests
from drives.truenas.types import SelfTestJob
from tests.unit.drives.reports import ata

NOW = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("drive_says", "job", "minutes_ago", "expected"),
    [
        (True, None, 0, True),
        (False, None, 0, False),
        (None, None, 0, False),
        (None, "RUNNING", 60, True),
        (False, "RUNNING", 60, False),  # the NAS looks seldom; CORE 12.0 waits for ever
        (False, "RUNNING", 0.2, True),  # just started: the drive doesn't say so yet
        (False, "RUNNING", None, True),
        (False, "SUCCESS", 0.2, False),
    ],
)
def test_whether_a_self_test_may_run(
    drive_says: bool | None, job: str | None, minutes_ago: float | None, expected: bool
) -> None:
    reading = smart.parse(ata())
    assert reading is not None
    started = None if minutes_ago is None else NOW - timedelta(minutes=minutes_ago)
    jobs = [SelfTestJob(1, "{serial}A", "short", job, 99.0, started)] if job else []
    reading = replace(reading, tests=SelfTests(running=drive_says))
    assert may_be_testing(reading, jobs, NOW) is expected
