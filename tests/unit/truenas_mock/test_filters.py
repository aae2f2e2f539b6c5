"""filter_list as each release does it: what a client asks for by filters and options."""

from __future__ import annotations

from typing import Any

import pytest

from truenas_mock import filters
from truenas_mock.errors import Invalid, NotFound
from truenas_mock.releases import release

CORE, OLD, NEW = "13.0", "22.12", "25.10"
ROWS = [
    {"name": "sda", "size": 900, "pool": None, "sub": {"kind": "HDD"}, "disks": [{"name": "x"}]},
    {"name": "sdb", "size": 1000, "pool": "Tank", "sub": {"kind": "SSD"}, "disks": []},
    {"name": "sdc", "size": 80, "pool": "tank", "sub": {}, "disks": [{"name": "y"}]},
]


def ask(number: str, conditions: Any, **options: Any) -> Any:
    return filters.apply(release(number), ROWS, conditions, options)


def names(number: str, *conditions: Any, **options: Any) -> list[str]:
    return [row["name"] for row in ask(number, list(conditions), **options)]


@pytest.mark.parametrize("number", [CORE, OLD, NEW])
def test_numbers_are_ordered_as_numbers_and_the_last_order_counts_most(number: str) -> None:
    assert names(number, order_by=["size"]) == ["sdc", "sda", "sdb"]
    assert names(number, order_by=["-size"]) == ["sdb", "sda", "sdc"]
    assert names(number, order_by=["size", "name"]) == ["sda", "sdb", "sdc"]
    assert names(number, order_by=["size"], offset=1, limit=1) == ["sda"]


def test_null_values_have_a_place_only_where_the_order_says_which() -> None:
    for number in (CORE, OLD, NEW):
        with pytest.raises(TypeError):
            names(number, order_by=["pool"])
    assert names(NEW, order_by=["nulls_first:-pool"]) == ["sda", "sdc", "sdb"]
    assert names(OLD, order_by=["nulls_last:pool"]) == ["sdb", "sdc", "sda"]
    with pytest.raises(KeyError):
        names(CORE, order_by=["nulls_last:pool"])


@pytest.mark.parametrize(
    ("number", "condition", "found"),
    [
        (CORE, ["sub.kind", "=", "HDD"], ["sda"]),
        (CORE, ["disks.0.name", "in", ["x", "y"]], ["sda", "sdc"]),
        (CORE, ["pool", "^", "t"], ["sdc"]),
        (OLD, ["pool", "C=", "TANK"], ["sdb", "sdc"]),
        (NEW, ["disks.*.name", "=", "y"], ["sdc"]),
        (NEW, ["sub.kind", "!=", "HDD"], ["sdb"]),  # not of one that has none
        (OLD, ["sub.kind", "!=", "HDD"], ["sdb", "sdc"]),
        (NEW, ["pool", "~", "t.*"], ["sdc"]),
        (OLD, ["OR", [["name", "=", "sda"], ["size", "<", 100]]], ["sda", "sdc"]),
        (NEW, ["OR", [[["pool", "C=", "tank"], ["size", ">", 99]], ["name", "=", "sda"]]],
         ["sda", "sdb"]),
    ],
)  # fmt: skip
def test_conditions(number: str, condition: Any, found: list[str]) -> None:
    assert names(number, condition) == found


def test_what_is_selected() -> None:
    assert ask(CORE, [], select=["name", "sub.kind", "nosuch"])[0] == {"name": "sda"}
    assert ask("23.10", [], select=["sub.kind"]) == [
        {"sub": {"kind": "HDD"}}, {"sub": {"kind": "SSD"}}, {}
    ]  # fmt: skip
    assert ask(NEW, [], select=[["sub.kind", "kind"]], limit=1) == [{"kind": "HDD"}]


@pytest.mark.parametrize("number", [CORE, OLD, NEW])
def test_one_and_how_many(number: str) -> None:
    assert ask(number, [["size", ">", 99]], count=True) == 2
    assert ask(number, [["size", ">", 99]], get=True)["name"] == "sda"
    assert ask(number, [["size", ">", 99]], get=True, select=["name"]) == {"name": "sda"}
    with pytest.raises(NotFound):
        ask(number, [["size", ">", 9999]], get=True)


@pytest.mark.parametrize(
    "conditions", [[["name", "resembles", "sda"]], [["name", "="]], [["AND", []]]]
)
def test_core_finds_out_in_the_middle_and_scale_before(conditions: Any) -> None:
    with pytest.raises(ValueError, match="Invalid"):
        ask(CORE, conditions)
    for number, attribute in ((OLD, "query-filters"), (NEW, "filters")):
        with pytest.raises(Invalid) as refused:
            ask(number, conditions)
        assert [one[0] for one in refused.value.errors] == [attribute]


@pytest.mark.parametrize(
    ("number", "options", "attribute"),
    [
        (CORE, {"sort": ["name"]}, "sort"),
        (CORE, {"count": 1}, "count"),
        (OLD, {"limit": "5"}, "query-options.limit"),
        (OLD, {"get": True, "limit": 2}, "query-options"),
        (NEW, {"relationships": True}, "options.relationships"),
        (NEW, {"limit": 10_001}, "options"),
        (NEW, {"select": [["name"]]}, "options"),
    ],
)
def test_options_that_there_are_not(number: str, options: Any, attribute: str) -> None:
    with pytest.raises(Invalid) as refused:
        ask(number, [], **options)
    assert [one[0] for one in refused.value.errors] == [attribute]


@pytest.mark.parametrize(
    ("query", "conditions", "options"),
    [
        ([("name", "sda")], [["name", "=", "sda"]], {}),
        ([("id", "12"), ("a", "null"), ("b", "True")],
         [["id", "=", 12], ["a", "=", None], ["b", "=", True]], {}),
        ([("name__regex", "sd.*"), ("a__in", "x")], [["name", "~", "sd.*"], ["a", "in", "x"]], {}),
        ([("limit", "5"), ("offset", "x"), ("count", "true"), ("sort", "a,-b")], [],
         {"limit": 5, "offset": "x", "count": True, "sort": ["a", "-b"]}),
        ([("extra.pools", "true")], [["extra.pools", "=", True]], {}),
    ],
)  # fmt: skip
def test_how_they_travel_in_a_query_string(query: Any, conditions: Any, options: Any) -> None:
    assert filters.of_query_string(query) == (conditions, options)


def test_scale_takes_extra_from_the_query_string() -> None:
    query = [("extra.pools", "true"), ("extra.tests", "x")]
    assert filters.of_query_string(query, True) == ([], {"extra": {"pools": True, "tests": "x"}})
