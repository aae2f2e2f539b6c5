"""The line of a day's temperatures."""

from __future__ import annotations

import re

from dashboard.sparks import HEIGHT, POINTS, WIDTH, path


def test_a_line_stays_in_its_box_and_warmer_is_higher() -> None:
    found = path([(slot, 30 + slot) for slot in range(POINTS)])
    numbers = [int(text) for text in re.findall(r"\d+", found)]
    xs, ys = numbers[::2], numbers[1::2]
    assert found.startswith("M0 ") and xs[-1] == WIDTH and xs == sorted(xs)
    assert all(0 <= y <= HEIGHT for y in ys) and ys[0] > ys[-1]


def test_noise_is_flat_and_too_little_is_nothing() -> None:
    ys = re.findall(r"\d+ (\d+)", path([(0, 35), (1, 36), (2, 35)]))
    assert max(map(int, ys)) - min(map(int, ys)) <= 1
    assert path([]) == path([(3, 40.0)]) == ""
