"""The start dialog's fields."""

from __future__ import annotations

import pytest
from django.http import QueryDict

from dashboard.forms import StartForm


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ("passes=2", {"stages"}),
        ("stages=precheck&passes=2", {"stages"}),
        ("stages=short_smart&stages=short_smart&passes=2", {"stages"}),
        ("stages=short_smart&passes=0", {"passes"}),
        ("stages=short_smart&passes=two", {"passes"}),
        ("stages=short_smart&passes=99999999999999999999", {"passes"}),
        ("passes=-1", {"stages", "passes"}),
    ],
)
def test_what_is_wrong_is_named_by_field(body: str, fields: set[str]) -> None:
    plan, errors = StartForm.from_post(QueryDict(body)).plan()
    assert plan is None
    assert set(errors) == fields


def test_the_order_of_the_request_is_kept() -> None:
    body = "stages=surface_validate&stages=short_smart&passes=3&serial=+ZHZ0+"
    form = StartForm.from_post(QueryDict(body))
    plan, errors = form.plan()
    assert plan is not None and not errors
    assert [kind.value for kind in plan.stages] == ["surface_validate", "short_smart"]
    assert (plan.passes, form.serial) == (3, "ZHZ0")
    assert [(kind.value, chosen) for kind, chosen in form.choices] == [
        ("surface_validate", True), ("short_smart", True), ("long_smart", False),
    ]  # fmt: skip


def test_the_last_choice_is_remembered_unless_it_is_nonsense() -> None:
    assert StartForm.fresh(["long_smart"], False).stages == ("long_smart",)
    everything = ("short_smart", "long_smart", "surface_validate")
    for nonsense in (None, [], "long_smart", [1, "precheck"]):
        assert StartForm.fresh(nonsense, False).stages == everything


def test_a_solid_state_drive_gets_one_pass() -> None:
    assert StartForm.fresh(None, True).passes == "1"
    assert StartForm.fresh(None, False).passes == "2"


def test_a_quick_screening_goes_before_the_stages_and_is_remembered() -> None:
    form = StartForm.from_post(QueryDict("profile=quick&stages=long_smart&serial=X"))
    plan, errors = form.plan()
    assert plan is not None and not errors and plan.profile == "quick" and plan.destructive
    assert StartForm.fresh(["short_smart", "io_validate"], False).profile == "quick"
    assert StartForm.from_post(QueryDict("profile=odd")).plan()[1]["profile"]


def test_passes_that_nobody_chose_are_left_to_the_kind_of_drive() -> None:
    plan, _ = StartForm.from_post(QueryDict("stages=surface_validate")).plan()
    assert plan is not None and plan.passes is None
