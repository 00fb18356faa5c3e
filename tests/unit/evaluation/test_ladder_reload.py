"""A rule that is changed while its alerts pend and fire: its state is kept, and only an answer resolves."""

from __future__ import annotations

from typing import Any

from incidentd.alert import Transition
from incidentd.catalog.rule import Rule
from incidentd.evaluation import ladder
from incidentd.sources.base import Answered, Sample
from tests.unit.evaluation.walk import CHAT, LADDER, T0, Walk

SEV3: dict[str, Any] = {"name": "A", "expr": "x", "when": "> 1", "severity": "sev3"}


def changed(walk: Walk, **authored: Any) -> None:
    walk.rule = Rule.model_validate(authored)


def test_a_level_that_gets_a_worse_severity_goes_on_firing_until_the_new_one_has_held_its_time() -> None:
    """It would resolve, and page anew once the new level has held its time."""
    walk = Walk(**SEV3)
    walk.at(0, 2)
    changed(walk, **{**SEV3, "severity": "sev2", "for": "5m"})
    assert walk.at(1, 2) == ["same sev3"]
    assert walk.at(5.9, 2) == ["same sev3"]
    assert walk.at(6, 2) == ["climbed sev2"]
    assert walk.at(7, 0) == ["cleared"]


def test_a_level_that_gets_a_milder_severity_descends() -> None:
    walk = Walk(**{**SEV3, "severity": "sev2"})
    walk.at(0, 2)
    changed(walk, **SEV3, **{"for": "5m"})
    assert walk.at(1, 2) == ["descended sev3"]


def test_a_mildest_level_that_is_removed_ends_as_the_rule_says_now() -> None:
    walk = Walk(**LADDER)
    walk.at(0, 0.03)
    walk.at(5, 0.03)
    changed(walk, **{**LADDER, "levels": [LADDER["levels"][0]]})
    assert walk.at(6, 0.03) == ["same sev3"], "resolve.when is not met"
    assert walk.at(7, 0.01) == ["same sev3"]
    assert walk.at(11.9, 0.01) == ["same sev3"]
    assert walk.at(12, 0.01) == ["cleared"]


def test_a_mildest_level_that_is_removed_ends_at_once_where_nothing_else_keeps_it() -> None:
    walk = Walk(**SEV3)
    walk.at(0, 2)
    changed(walk, **{**SEV3, "when": "> 5", "severity": "sev2"})
    assert walk.at(1, 2) == ["cleared"]


def test_a_milder_level_that_is_added_holds_what_is_not_yet_over() -> None:
    walk = Walk(**{**LADDER, "levels": [LADDER["levels"][0]]})
    walk.at(0, 0.09)
    walk.at(2, 0.09)
    changed(walk, **LADDER)
    walk.at(3, 0.017)
    assert walk.at(8, 0.017) == ["descended sev3"], "above resolve.when: not over"
    assert walk.at(600, 0.017) == ["same sev3"]


def test_a_longer_for_ends_nothing_that_fires() -> None:
    walk = Walk(**SEV3)
    walk.at(0, 2)
    changed(walk, **SEV3, **{"for": "1h"})
    assert walk.at(1, 2) == ["same sev3"]


def test_a_running_for_goes_by_its_new_length() -> None:
    walk = Walk(**SEV3, **{"for": "10m"})
    walk.at(0, 2)
    changed(walk, **SEV3, **{"for": "2m"})
    assert walk.at(2, 2) == ["fired sev3"]


def test_labels_that_a_reload_changed_are_news_while_it_fires() -> None:
    """``up == 0`` never changes its value: the incident would keep its old labels for as long as it fires."""
    walk = Walk(**SEV3)
    walk.at(0, 2)
    changed(walk, **SEV3, labels={"team": "search"})
    one: Transition
    (one,) = ladder.step(walk.rule, Answered((Sample(CHAT, 2.0),)), walk.alerts, T0)
    assert one.after.labels["team"] == "search"
    assert one.is_news
