"""The ladder, sentence by sentence as design section 4 has it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import timedelta

import pytest

from incidentd.alert import Alert, Change, Phase
from incidentd.catalog.rule import Rule
from incidentd.evaluation import ladder
from incidentd.severity import Severity
from incidentd.sources.base import Answered, Sample
from tests.unit.evaluation.walk import CHAT, LADDER, SIMPLE, T0, Walk


def test_it_fires_when_the_condition_has_held_for_its_time_and_not_before() -> None:
    walk = Walk(**SIMPLE)
    assert walk.at(0, 1) == ["started"]
    assert walk.at(0.9, 1) == ["same"]
    assert walk.at(1, 1) == ["fired sev2"]
    assert walk.only.firing_since == T0 + timedelta(minutes=1)


def test_a_gap_in_the_condition_starts_the_clock_anew() -> None:
    walk = Walk(**SIMPLE)
    walk.at(0, 1)
    assert walk.at(0.5) == ["ended"]
    assert walk.at(0.75, 1) == ["started"]
    assert walk.at(1.5, 1) == ["same"]
    assert walk.at(1.75, 1) == ["fired sev2"]


def test_without_for_it_fires_at_once() -> None:
    assert Walk(name="A", expr="x", when="> 1", severity="sev1").at(0, 2) == ["fired sev1"]


def test_where_the_expression_compares_absence_shows_the_condition_gone() -> None:
    walk = Walk(**SIMPLE)
    walk.at(0, 1)
    walk.at(1, 1)
    assert walk.at(2) == ["cleared"]
    assert walk.alerts == {}


def test_the_severity_climbs_as_soon_as_the_worse_level_has_held_its_time() -> None:
    walk = Walk(**LADDER)
    walk.at(0, 0.03)
    assert walk.at(5, 0.03) == ["fired sev3"]
    assert walk.at(6, 0.09) == ["same sev3"]
    assert walk.at(7.9, 0.09) == ["same sev3"]
    assert walk.at(8, 0.09) == ["climbed sev2"]


def test_the_worse_level_may_fire_first_and_pays_for_the_milder_one() -> None:
    walk = Walk(**LADDER)
    walk.at(0, 0.09)
    assert walk.at(2, 0.09) == ["fired sev2"]
    assert walk.at(2.5, 0.03) == ["same sev2"]
    assert walk.at(7, 0.03) == ["same sev2"]
    assert walk.at(7.5, 0.03) == ["descended sev3"], "and does not resolve, although sev3 alone needed 5 minutes"


def test_it_descends_only_when_the_lower_state_has_held_the_resolve_time() -> None:
    walk = Walk(**LADDER)
    walk.at(0, 0.09)
    walk.at(2, 0.09)
    walk.at(3, 0.03)
    assert walk.at(7, 0.09) == ["same sev2"], "one breach in between"
    walk.at(8, 0.03)
    assert walk.at(12.9, 0.03) == ["same sev2"]
    assert walk.at(13, 0.03) == ["descended sev3"]


def test_it_resolves_only_when_the_resolve_condition_has_held_its_time() -> None:
    walk = Walk(**LADDER)
    walk.at(0, 0.03)
    walk.at(5, 0.03)
    assert walk.at(6, 0.017) == ["same sev3"], "below the level, above the resolve condition"
    assert walk.at(60, 0.017) == ["same sev3"], "for ever"
    walk.at(61, 0.01)
    assert walk.at(65, 0.016) == ["same sev3"], "the clock starts anew"
    walk.at(66, 0.01)
    assert walk.at(70.9, 0.01) == ["same sev3"]
    assert walk.at(71, 0.01) == ["cleared"]


def test_from_the_worst_level_straight_to_good_it_clears_after_the_resolve_time() -> None:
    walk = Walk(**LADDER)
    walk.at(0, 0.5)
    walk.at(2, 0.5)
    walk.at(3, 0)
    assert walk.at(8, 0) == ["cleared"]


def test_nan_neither_breaches_nor_resolves() -> None:
    walk = Walk(**LADDER)
    assert walk.at(0, math.nan) == []
    walk.at(1, 0.03)
    walk.at(6, 0.03)
    assert walk.at(7, math.nan) == []
    assert walk.at(100, math.nan) == []
    assert walk.only.phase is Phase.FIRING


def test_nan_holds_a_running_for_clock() -> None:
    walk = Walk(name="A", expr="x", when="> 1", severity="sev2", **{"for": "2m"})
    walk.at(0, 2)
    walk.at(1, math.nan)
    assert walk.at(2, 2) == ["fired sev2"]


@pytest.mark.parametrize(("no_data", "said"), [("ok", ["cleared"]), ("hold", []), ("alert", ["same sev2"])])
def test_a_series_that_vanished_follows_no_data(no_data: str, said: list[str]) -> None:
    walk = Walk(name="A", expr="x", when="> 1", severity="sev2", no_data=no_data)
    walk.at(0, 2)
    assert walk.at(1) == said


def test_no_data_alert_fires_for_a_rule_that_never_had_a_series() -> None:
    walk = Walk(name="A", expr="x", when="> 1", severity="sev3", no_data="alert", **{"for": "1m"})
    assert walk.at(0) == ["started"]
    assert walk.at(1) == ["fired sev3"]
    assert walk.at(2, (CHAT, 0.0))[0] == "cleared", "whatever labels the series has that is there now"
    assert walk.alerts == {}


def test_no_data_says_nothing_where_the_expression_compares() -> None:
    walk = Walk(name="A", expr="x > 1", severity="sev3", no_data="alert")
    assert walk.at(0) == ["same"]
    walk.at(1, 2)
    assert walk.at(2) == ["cleared"]


def test_no_data_alert_ends_when_series_come_back_whatever_their_labels() -> None:
    walk = Walk(name="A", expr="x", when="> 1", severity="sev3", no_data="alert")
    assert walk.at(0) == ["fired sev3"]
    assert walk.at(1) == ["same sev3"]
    assert walk.at(2, ({"i": "1"}, 0.0)) == ["cleared", "same"]
    assert walk.alerts == {}


def test_a_clock_that_is_moved_back_starts_the_time_anew_and_does_not_stop_it() -> None:
    walk = Walk(**SIMPLE)
    walk.at(60, 1)
    assert walk.at(0, 1) == ["same"]
    assert walk.at(1, 1) == ["fired sev2"]
    walk = Walk(name="A", expr="x > 1", severity="sev2", keep_firing_for="2m")
    walk.at(59, 2)
    walk.at(60)
    assert walk.at(0) == ["same sev2"]
    assert walk.at(2) == ["cleared"]


def test_a_character_that_a_database_cannot_keep_is_replaced() -> None:
    walk = Walk(name="A", expr="x > 1", severity="sev2")
    walk.at(0, ({"path": "a\0b"}, 2))
    assert walk.only.labels["path"] == "a\ufffdb"


def test_each_series_has_its_own_clock() -> None:
    walk = Walk(**SIMPLE)
    walk.at(0, ({"i": "1"}, 1))
    walk.at(0.5, ({"i": "1"}, 1), ({"i": "2"}, 1))
    assert sorted(walk.at(1, ({"i": "1"}, 1), ({"i": "2"}, 1))) == ["fired sev2", "same"]


def test_the_limit_stops_new_alerts_and_ends_none() -> None:
    walk = Walk(name="A", expr="x", when="> 1", severity="sev2", limit=2)
    assert walk.at(0, ({"i": "1"}, 2), ({"i": "2"}, 2), ({"i": "3"}, 2)) == ["fired sev2", "fired sev2"]
    assert walk.at(1, ({"i": "1"}, 2), ({"i": "2"}, 2), ({"i": "3"}, 2)) == ["same sev2", "same sev2"]
    assert len(walk.alerts) == 2


def test_keep_firing_for_counts_from_the_first_missing_evaluation() -> None:
    walk = Walk(name="A", expr="x > 1", severity="sev2", keep_firing_for="2m")
    walk.at(0, 2)
    assert walk.at(1) == ["same sev2"]
    assert walk.at(2.9) == ["same sev2"]
    assert walk.at(3) == ["cleared"]


def test_the_alert_carries_the_labels_of_series_and_rule_and_its_peak() -> None:
    walk = Walk(name="A", expr="x", when="< 0.7", severity="sev2", labels={"team": "ai", "service": "shown"})
    walk.at(0, 0.6)
    walk.at(1, 0.4)
    walk.at(2, 0.65)
    assert walk.only.labels == {"service": "shown", "team": "ai", "alertname": "A"}
    assert (walk.only.value, walk.only.peak) == (0.65, 0.4)


def test_only_what_a_restart_must_know_is_news() -> None:
    rule = Rule.model_validate(SIMPLE)

    def news(before: Mapping[str, Alert], minute: int, value: float) -> tuple[dict[str, Alert], bool]:
        (one,) = ladder.step(rule, Answered((Sample(CHAT, value),)), before, T0 + timedelta(minutes=minute))
        return {one.after.key.fingerprint: one.after}, one.is_news

    pending, first = news({}, 0, 1)
    _, again = news(pending, 0, 7)
    firing, fired = news(pending, 1, 1)
    _, same = news(firing, 2, 1)
    _, moved = news(firing, 2, 3)
    assert (first, again, fired, same, moved) == (True, False, True, False, True)


def test_a_level_that_a_reload_removed_descends_to_what_is_left() -> None:
    walk = Walk(**LADDER)
    walk.at(0, 0.09)
    walk.at(2, 0.09)
    walk.rule = Rule.model_validate({**LADDER, "levels": [LADDER["levels"][1]]})
    assert walk.at(3, 0.09) == ["descended sev3"]
    assert walk.only.levels.keys() == {Severity.SEV3}


def test_what_happens_has_one_of_seven_names() -> None:
    assert [change.value for change in Change] == [
        "same", "started", "fired", "climbed", "descended", "cleared", "ended",
    ]  # fmt: skip
