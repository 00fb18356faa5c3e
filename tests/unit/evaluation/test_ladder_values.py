"""What single values and their absence say: NaN, infinity, series that vanish."""

from __future__ import annotations

import math
from typing import Any

import pytest

from incidentd.alert import Phase
from tests.unit.evaluation.walk import CHAT, T0, Walk

NAN = math.nan
ABOVE: dict[str, Any] = {"name": "A", "expr": "x", "when": "> 1", "severity": "sev2"}


@pytest.mark.parametrize("value", [0.0, -1.0, math.inf])
def test_where_the_expression_compares_any_returned_value_breaches(value: float) -> None:
    assert Walk(name="A", expr="x == 0", severity="sev2").at(0, value) == ["fired sev2"]


def test_where_the_expression_compares_nan_is_no_breach_either() -> None:
    walk = Walk(name="A", expr="x != 1", severity="sev2")
    assert walk.at(0, NAN) == []
    walk.at(1, 2)
    assert walk.at(2, NAN) == [], "nor is the series gone"
    assert walk.at(3) == ["cleared"]


@pytest.mark.parametrize("when", ["> 1", "< 1", "!= 1", ">= 1", "<= 1", "== 1"])
def test_nan_meets_no_condition(when: str) -> None:
    assert Walk(**{**ABOVE, "when": when}).at(0, NAN) == []


def test_nan_holds_a_running_resolve_time() -> None:
    walk = Walk(**ABOVE, resolve={"for": "2m"})
    walk.at(0, 2)
    walk.at(1, 0)
    assert walk.at(3, NAN) == [], "it does not end the alert, although its time is over"
    assert walk.at(4, 0) == ["cleared"]


def test_nan_holds_the_severity() -> None:
    levels = [{"when": "> 5", "severity": "sev1", "for": "2m"}, {"when": "> 1", "severity": "sev3"}]
    walk = Walk(name="A", expr="x", levels=levels)
    walk.at(0, 9)
    assert walk.at(1, NAN) == []
    assert walk.at(2, 9) == ["climbed sev1"]


def test_nan_of_one_series_says_nothing_of_another() -> None:
    walk = Walk(**ABOVE)
    walk.at(0, ({"i": "1"}, 2), ({"i": "2"}, 2))
    assert walk.at(1, ({"i": "1"}, NAN), ({"i": "2"}, 0)) == ["cleared"]


@pytest.mark.parametrize(("no_data"), ["ok", "hold", "alert"])
def test_a_series_that_is_nan_has_not_vanished(no_data: str) -> None:
    walk = Walk(**ABOVE, no_data=no_data)
    assert walk.at(0, NAN) == []
    walk.at(1, 2)
    assert walk.at(2, NAN) == []


@pytest.mark.parametrize("labels", [{}, CHAT])
def test_nan_does_not_end_the_alert_of_a_rule_without_data(labels: dict[str, str]) -> None:
    """0/0 after a restart of the service is the usual first answer: nothing is known to be well yet."""
    walk = Walk(**ABOVE, no_data="alert")
    walk.at(0)
    assert walk.at(1, (labels, NAN)) == []
    assert "cleared" in walk.at(2, (labels, 0))
    assert walk.alerts == {}


def test_infinity_is_a_value_like_any_other() -> None:
    walk = Walk(**ABOVE, resolve={"when": "< 1"})
    assert walk.at(0, math.inf) == ["fired sev2"]
    walk.at(1, 2)
    assert (walk.only.value, walk.only.peak) == (2, math.inf)
    assert walk.at(2, -math.inf) == ["cleared"]


def test_a_series_that_vanished_resolves_after_the_resolve_time() -> None:
    walk = Walk(**ABOVE, resolve={"when": "< 0.5", "for": "2m"})
    walk.at(0, 2)
    assert walk.at(1) == ["same sev2"]
    assert walk.at(2.9) == ["same sev2"]
    assert walk.at(3) == ["cleared"]


@pytest.mark.parametrize(("no_data", "said"), [("ok", "ended"), ("hold", "same"), ("alert", "fired sev2")])
def test_a_pending_series_that_vanished_follows_no_data(no_data: str, said: str) -> None:
    walk = Walk(**ABOVE, no_data=no_data, **{"for": "2m"})
    walk.at(0, 2)
    assert walk.at(1) == {"ok": ["ended"], "hold": [], "alert": ["same"]}[no_data]
    assert (
        walk.at(2, *([2] if no_data == "hold" else [])) == {"ok": [], "hold": ["fired sev2"], "alert": [said]}[no_data]
    )


def test_hold_goes_on_for_as_long_as_the_series_is_away_and_ends_with_its_return() -> None:
    walk = Walk(**ABOVE, no_data="hold")
    walk.at(0, 2)
    assert walk.at(10_000) == []
    assert walk.at(10_001, 0) == ["cleared"]


def test_alert_keeps_a_vanished_series_at_the_mildest_level() -> None:
    levels = [{"when": "> 5", "severity": "sev1"}, {"when": "> 1", "severity": "sev3"}]
    walk = Walk(name="A", expr="x", levels=levels, no_data="alert", resolve={"for": "2m"})
    walk.at(0, 9)
    assert walk.at(1) == ["same sev1"]
    assert walk.at(3) == ["descended sev3"]
    assert walk.at(600) == ["same sev3"]
    assert walk.at(601, 0) == ["same sev3"]
    assert walk.at(603, 0) == ["cleared"]


def test_absence_says_nothing_about_a_series_that_was_well() -> None:
    walk = Walk(**ABOVE, no_data="alert")
    walk.at(0, ({"i": "1"}, 0), ({"i": "2"}, 0))
    assert walk.at(1, ({"i": "1"}, 0)) == ["same"]
    assert walk.alerts == {}


def test_a_series_that_comes_back_goes_on_where_it_was() -> None:
    """One alert throughout: the same key, firing since the same moment."""
    walk = Walk(**ABOVE, no_data="hold")
    walk.at(0, 2)
    walk.at(1)
    assert walk.at(2, 2) == ["same sev2"]
    assert (walk.only.phase, walk.only.firing_since) == (Phase.FIRING, T0)
