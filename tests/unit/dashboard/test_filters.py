"""The filter of the drives table."""

from __future__ import annotations

import pytest
from django.http import QueryDict

from dashboard.filters import Filter
from tests.unit.dashboard.rows import a_row


@pytest.mark.parametrize(
    ("query", "hidden"),
    [
        ("", False),
        ("q=zhz0", False),
        ("q=ST12+sdc", False),
        ("q=shelf+a", False),
        ("q=ST12+sdd", True),
        ("state=passed", False),
        ("state=failed", True),
        ("state=nonsense", False),
        ("system=1", False),
        ("system=2", True),
        ("system=x", False),
        ("q=sdc&state=failed", True),
    ],
)
def test_every_word_and_every_choice_must_fit(query: str, hidden: bool) -> None:
    row = a_row("passed", location="Shelf A · 4")
    assert Filter.from_query(QueryDict(query)).hides(row) is hidden


def test_an_empty_filter_is_false() -> None:
    assert not Filter.from_query(QueryDict("q=++&state=&system="))
    assert Filter.from_query(QueryDict("state=idle"))
