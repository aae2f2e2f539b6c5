"""Which stages, in which order, under which name (B1, B2)."""

from __future__ import annotations

import pytest

from burnin.plan import Plan


@pytest.mark.parametrize(
    ("stages", "profile", "destructive"),
    [
        (["short_smart", "long_smart", "surface_validate"], "full", True),
        (["surface_validate", "short_smart"], "surface_short", True),
        (["long_smart", "surface_validate"], "surface_long", True),
        (["surface_validate"], "surface", True),
        (["long_smart", "short_smart"], "short_long", False),
        (["short_smart"], "short", False),
        (["long_smart"], "long", False),
    ],
)
def test_profile_and_order(stages: list[str], profile: str, destructive: bool) -> None:
    plan = Plan.from_choice(stages, 2)
    assert plan.profile == profile
    assert plan.destructive is destructive
    assert list(plan.all_stages) == ["precheck", *stages, "final_check"]


def test_the_quick_profile_is_a_short_test_and_a_sample_and_destroys_too() -> None:
    plan = Plan.quick()
    assert (plan.profile, plan.destructive, plan.passes) == ("quick", True, 1)
    assert list(plan.all_stages) == ["precheck", "short_smart", "io_validate", "final_check"]


@pytest.mark.parametrize(
    ("stages", "passes", "words"),
    [
        ([], 2, "at least one"),
        (["surface"], 2, "no stage 'surface'"),
        (["precheck"], 2, "no stage 'precheck'"),
        (["io_validate"], 2, "no stage 'io_validate'"),
        (["short_smart", "short_smart"], 2, "twice"),
        (["surface_validate"], 0, "Passes"),
        (["surface_validate"], 17, "Passes"),
    ],
)
def test_a_choice_that_makes_no_sense_is_refused(
    stages: list[str], passes: int, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        Plan.from_choice(stages, passes)
