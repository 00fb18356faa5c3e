"""Limit stops new alerts of a rule from opening; it never erases state (design section 4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from incidentd.alert import Phase
from incidentd.catalog.rule import Rule
from tests.unit.evaluation.walk import Walk

LIMITED: dict[str, Any] = {"name": "A", "expr": "x", "when": "> 1", "severity": "sev2", "limit": 1}


def series(name: str, value: float) -> tuple[Mapping[str, str], float]:
    return {"i": name}, value


def begun(walk: Walk) -> list[str]:
    return sorted(alert.labels["i"] for alert in walk.alerts.values())


def test_an_alert_that_ends_makes_room_for_one_that_begins_in_the_same_answer() -> None:
    """The incident would resolve for one interval although something is wrong all the time."""
    walk = Walk(**LIMITED)
    walk.at(0, series("old", 2))
    assert sorted(walk.at(1, series("new", 2))) == ["cleared", "fired sev2"]
    assert begun(walk) == ["new"]


def test_an_alert_that_only_waits_out_its_resolve_time_makes_no_room() -> None:
    walk = Walk(**LIMITED, resolve={"for": "2m"})
    walk.at(0, series("old", 2))
    assert walk.at(1, series("new", 2)) == ["same sev2"]
    assert walk.at(2, series("new", 2)) == ["same sev2"]
    assert sorted(walk.at(3, series("new", 2))) == ["cleared", "fired sev2"]


def test_a_pending_alert_counts_and_goes_on_to_fire() -> None:
    walk = Walk(**LIMITED, **{"for": "1m"})
    assert walk.at(0, series("a", 2), series("b", 2)) == ["started"]
    (first,) = begun(walk)
    assert walk.at(1, series("a", 2), series("b", 2)) == ["fired sev2"]
    assert begun(walk) == [first]


def test_the_time_of_an_alert_that_was_not_begun_does_not_run() -> None:
    walk = Walk(**LIMITED, **{"for": "2m"})
    walk.at(0, series("a", 2))
    walk.at(1, series("a", 2), series("b", 2))
    walk.at(2, series("b", 2))
    assert walk.at(3, series("b", 2)) == ["same"]
    assert walk.at(4, series("b", 2)) == ["fired sev2"]


def test_a_climb_is_no_new_alert() -> None:
    levels = [{"when": "> 5", "severity": "sev1"}, {"when": "> 1", "severity": "sev3"}]
    walk = Walk(name="A", expr="x", levels=levels, limit=1)
    walk.at(0, series("a", 2))
    assert walk.at(1, series("a", 9), series("b", 9)) == ["climbed sev1"]


def test_a_limit_that_a_reload_lowers_ends_nothing() -> None:
    walk = Walk(**{**LIMITED, "limit": 3})
    walk.at(0, series("a", 2), series("b", 2), series("c", 2))
    walk.rule = Rule.model_validate(LIMITED)
    assert walk.at(1, series("a", 2), series("b", 2), series("c", 2), series("d", 2)) == ["same sev2"] * 3
    assert sorted(walk.at(2, series("a", 2), series("d", 2))) == ["cleared", "cleared", "same sev2"]
    assert all(alert.phase is Phase.FIRING for alert in walk.alerts.values())
    assert begun(walk) == ["a"]


def test_without_a_limit_any_number_begins() -> None:
    walk = Walk(**{**LIMITED, "limit": 0})
    assert len(walk.at(0, *(series(str(number), 2) for number in range(500)))) == 500
