"""The same expression with several thresholds is asked once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidentd.sources.base import Question, Sample
from incidentd.sources.threshold import Threshold, threshold, weakest


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        ("x > 5", Threshold("x", ">", 5.0)),
        ("-a + b >= -0.5 # note", Threshold("-a + b", ">=", -0.5)),
        ("rate(x[5m])<.5", Threshold("rate(x[5m])", "<", 0.5)),
        ("a > 1 <= 1e3\n", Threshold("a > 1", "<=", 1000.0)),
        ('x{a="> 5"} # why\n > +5.', Threshold('x{a="> 5"}', ">", 5.0)),
        ("a or b > 5", None),
        ("a > 5 or b", None),
        ("x > bool 5", None),
        ("x == 5", None),
        ("x != 5", None),
        ("x > (5)", None),
        ("x > 2 + 5", None),
        ("x > 2 ^ 5", None),
        ("x > Inf", None),
        ("x > 0x10", None),
        ("x > 5m", None),
        ("5 < x", None),
        ("x > scalar(y)", None),
        ("vector(1) > y", None),
        ("scalar(x) > 5", None),
        ("x > 1e999", None),
        ('x{a="b > 5"}', None),
        ("x # > 5", None),
    ],
)
def test_only_a_comparison_with_a_number_that_comes_last_is_one(expr: str, expected: Threshold | None) -> None:
    assert threshold(expr) == expected


def test_the_weakest_of_the_same_left_side_is_asked() -> None:
    asked = [Question(f"x {bound}") for bound in ("> 5", "> 2", "> 9", ">= 1", "< 1", "< 4")]
    later, alone = Question("x > 1", timedelta(minutes=1)), Question("x > 0", alone=True)
    found = weakest([*asked, later, alone, Question("y > 1")])
    assert found == {
        asked[0]: (asked[1], Threshold("x", ">", 5.0)),
        asked[2]: (asked[1], Threshold("x", ">", 9.0)),
        asked[4]: (asked[5], Threshold("x", "<", 1.0)),
    }


FLOATS = st.floats(allow_nan=False, allow_infinity=False)


@given(st.sampled_from([">", ">=", "<", "<="]), st.lists(FLOATS, min_size=2, max_size=5), st.lists(st.floats()))
def test_what_the_weakest_keeps_holds_what_the_others_keep(op: str, numbers: list[float], values: list[float]) -> None:
    samples = [Sample({"n": str(n)}, value) for n, value in enumerate(values)]
    bounds = [Threshold("x", op, number) for number in numbers]
    least = bounds[0]
    for bound in bounds:
        least = bound if bound.is_weaker_than(least) else least
    for bound in bounds:
        assert bound.kept(least.kept(samples)) == bound.kept(samples)
