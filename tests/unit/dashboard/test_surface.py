"""From what the agent measured to map and curve."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from dashboard import plots
from dashboard.latency_map import Map
from dashboard.surface import REGIONS, Surface, throughput
from tests.story.surface import detail, error

SIZE = 12_000_138_625_024
ENDED = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def surface(passes: int = 2, **facts: Any) -> Surface:
    evidence = {
        "detail": detail(SIZE, passes, seed=1, **facts),
        "head": {"io": {"chunk_bytes": 4 << 20}},
    }
    return Surface(evidence, SIZE, ENDED)


def test_every_region_is_on_the_map_exactly_once() -> None:
    drawn = Map(surface(slow=[(614, 40.0), (7, 4.0)]), "verify-2")
    assert sum(one.count for one in drawn.legend) == REGIONS
    assert sum(one.path.count("M") for one in drawn.legend) == REGIONS
    styles = {one.style: one.count for one in drawn.legend}
    assert styles["m5"] == 1 and styles["m3"] == 1 and "mx" not in styles and "m0" not in styles
    assert drawn.cursor == 614 and "Region 615 of 1,024" in drawn.spoken
    # The same place, in the words of the page's script.
    assert f"M{614 % 64 * 16} {614 // 64 * 16}h14" in drawn.legend[4].path


def test_what_became_slow_since_the_earlier_run_is_outlined() -> None:
    now, then = surface(slow=[(65, 3.0), (7, 1.6), (900, 5.0)]), surface(slow=[(900, 5.0)])
    drawn = Map(now, "verify-1", then)
    assert drawn.slower == [65] and drawn.slower_path == "M15 15h16v16h-16z"
    assert Map(now, "verify-1").slower == []
    then.is_sample = True
    assert Map(now, "verify-1", then).slower == []


def test_what_the_script_gets_says_the_same_as_the_readout() -> None:
    run = surface(
        until=("verify-1", 342), errors=[error(7_812_939_776, 8), error(7_812_939_904, 3)]
    )
    drawn = Map(run, "verify-1", surface(1))
    cells = json.loads(drawn.cells)
    assert len(cells) == REGIONS and cells[400] == 0
    mean, most, rate, errors, earlier = cells[0]
    assert 0 < mean < most and rate > 100 and errors == 0 and earlier > 0
    assert cells[341][3] == 2
    assert drawn.cursor == 341
    told = [text for text, _ in drawn.readout]
    assert told[0] == "LBA 7,804,960,768 – 7,827,849,215"
    assert "2 bad ranges" in told
    assert {one.style: one.count for one in drawn.legend}["m0"] == REGIONS - 342
    # And as a table, a line for each row of cells.
    rows = drawn.table.rows
    assert len(rows) == 16 and all(len(row) == len(drawn.table.head) for row in rows)
    assert rows[5][0] == "321 – 384" and [row[-1] for row in rows] == ["0"] * 5 + ["2"] + ["0"] * 10
    assert rows[15][0] == "961 – 1,024" and rows[15][2:] == ("not reached", "–", "36 ms", "0")
    assert len(Map(run, "verify-1").table.head) == len(drawn.table.head) - 1


def test_the_phase_with_the_errors_is_shown_first() -> None:
    assert surface().last == "verify-2"
    assert surface(errors=[error(1, 1, phase="verify") | {"pass": 1}]).last == "verify-1"
    assert list(surface().phases) == ["write-1", "verify-1", "write-2", "verify-2"]


def test_throughput_falls_and_stops_where_the_run_stopped() -> None:
    drawn = throughput(surface(until=("verify-1", 342)), "verify-1", surface(1))
    assert [line.style for line in drawn.lines] == ["before", "line-2", "line-1"]
    assert drawn.stop_label == "stopped at 4.0 TB" and round(drawn.stop or 0) == 334
    assert len(drawn.table.rows) == 16 and drawn.table.rows[-1][-1] == "0.0 ms"
    assert "at the slowest" in drawn.says
    assert throughput(surface(), "verify-2").stop is None


def test_each_pass_has_its_line() -> None:
    drawn = throughput(surface(3), "verify-2", surface(1))
    assert [(line.style, line.label.partition(",")[0]) for line in drawn.lines] == [
        ("before", "Verify 2"),
        ("other", "Verify 1"),
        ("other", "Verify 3"),
        ("line-2", "Write 2"),
        ("line-1", "Verify 2"),
    ]
    # Two that look alike share an entry.
    (others,) = [entry.label for entry in drawn.legend if entry.style == "other"]
    assert re.fullmatch(r"Verify 1, [\d.]+ MB/s; Verify 3, [\d.]+ MB/s", others)
    assert len(drawn.legend) == len(drawn.lines) - 1
    assert len(drawn.table.head) == 1 + 2 * len(drawn.lines)


@pytest.mark.parametrize(
    "garbled",
    [
        {}, {"detail": None}, {"detail": []}, {"detail": {"regions": {"verify-1": [1] * REGIONS}}},
        {"detail": {"regions": {"verify-1": [None] * REGIONS}}},
        {"detail": {"regions": {"verify-1": [[1, 2, 3, 4, 5]] * 7}}},
        {"detail": {"regions": {"verify-1": [[1, 2, "x", 4, 5]] * REGIONS}}},
        {"detail": {"regions": [], "errors": "x"}, "head": 3, "verdict": "y"},
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_left_out(garbled: dict[str, Any]) -> None:
    assert not Surface(garbled, SIZE, ENDED).phases


@pytest.mark.parametrize(
    ("low", "high", "first", "last"),
    [(0, 246, 0, 300), (30, 52, 30, 60), (0, 0, 0, 0), (0, 2100, 0, 2400), (34, 34, 34, 34)],
)
def test_scales_are_round_and_hold_everything(
    low: float, high: float, first: float, last: float
) -> None:
    ticks = plots.scale(low, high)
    assert len(ticks) == 4 and ticks == sorted(ticks)
    assert ticks[0] <= low and ticks[-1] >= high
    assert round(ticks[0]) == first and round(ticks[-1]) == last


def test_a_gap_breaks_the_line() -> None:
    drawn = plots.path([(0, 1), (0.5, 2), None, (1, 3)], 0, 4)
    assert drawn == "M0 75.0L500 50.0M1000 25.0"
    assert plots.thin([1.0, 3.0, None, None, 5.0, 5.0], 3) == [2.0, None, 5.0]
