"""The filter of the drives table."""

from __future__ import annotations

import pytest
from django.http import QueryDict

from dashboard.filters import COLUMNS, Filter, Order
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
        ("model=ST12000NM0008", False),
        ("model=WD80EFAX", True),
    ],
)
def test_every_word_and_every_choice_must_fit(query: str, hidden: bool) -> None:
    row = a_row("passed", location="Shelf A · 4")
    assert Filter.from_query(QueryDict(query)).hides(row) is hidden


def test_an_empty_filter_is_false() -> None:
    assert not Filter.from_query(QueryDict("q=++&state=&system="))
    assert Filter.from_query(QueryDict("state=idle"))


def test_the_order_puts_what_is_not_known_last_either_way() -> None:
    rows = [a_row(temperature_c=celsius) for celsius in (40, None, 31, 55)]

    def temperatures(query: str) -> list[int | None]:
        ordered = Order.from_query(QueryDict(query)).of(rows)
        return [row.drive.temperature_c for row in ordered]

    assert temperatures("sort=temp") == [31, 40, 55, None]
    assert temperatures("sort=-temp") == [55, 40, 31, None]


@pytest.mark.parametrize("query", ["", "sort=nonsense", "sort=", "sort=-", "sort=--size"])
def test_without_a_known_column_drives_stand_by_name(query: str) -> None:
    order = Order.from_query(QueryDict(query))
    assert order == Order("drive", False)
    rows = [a_row(devname=name) for name in ("da10", "da2")]
    assert [row.drive.devname for row in order.of(rows)] == ["da2", "da10"]


@pytest.mark.parametrize("column", COLUMNS)
def test_every_column_orders_every_kind_of_row(column: str) -> None:
    rows = [a_row(), a_row("passed"), a_row("running", running="long_smart"), a_row(serial="")]
    for sort in (column, f"-{column}"):
        assert len(Order.from_query(QueryDict(f"sort={sort}")).of(rows)) == len(rows)


@pytest.mark.parametrize("query", ["", "sort=-temp", "sort=temp", "sort=burnin"])
def test_absent_drives_stand_last_whatever_the_order(query: str) -> None:
    rows = [
        a_row(devname="sda", present=False, temperature_c=60),
        a_row(devname="sdb", temperature_c=30),
        a_row(devname="sdc", temperature_c=None),
    ]
    ordered = Order.from_query(QueryDict(query)).of(rows)
    assert ordered[-1].drive.devname == "sda"
