"""An evaluation is true, false or unknown: what the third does, over several rules, intervals and slots."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from incidentd.catalog.rule import Rule
from tests.unit.evaluation.plant import BREACH, WELL, Plant, Says, rule
from tests.unit.sources.wire import http

UNWELL: Says = lambda _: iter([http({"status": "error", "errorType": "execution", "error": "no"}, 422)])  # noqa: E731


@pytest.fixture
def build(tmp_path: Path) -> Iterator[Callable[..., Plant]]:
    plants: list[Plant] = []

    def made(*rules: Rule) -> Plant:
        plants.append(Plant(tmp_path, *rules))
        return plants[-1]

    yield made
    for plant in plants:
        plant.close()


def test_a_source_that_fails_many_rules_of_several_intervals_is_one_incident(build: Callable[..., Plant]) -> None:
    plant = build(*(rule(f"R{number}", every=f"{1 + number % 2}m") for number in range(6)))
    for minute in (0, 1, 2, 3):
        plant.at(minute, **{f"R{number}": UNWELL for number in range(6)})
    assert plant.told() == ["SourceFailing: opened"]
    plant.at(4, R0=WELL, R1=WELL, R2=WELL, R3=WELL, R4=WELL)
    assert plant.told() == ["SourceFailing: opened"], "one rule is still without an answer"
    plant.at(5, R5=WELL)
    assert plant.told() == ["SourceFailing: opened", "SourceFailing: resolved"]


def test_a_source_that_fails_one_rule_after_the_other_fails_all_the_time(build: Callable[..., Plant]) -> None:
    plant = build(rule("A"), rule("B"))
    plant.at(0, A=UNWELL, B=WELL)
    plant.at(1, A=WELL, B=UNWELL)
    assert plant.told() == []
    plant.at(2, A=UNWELL, B=WELL)
    assert plant.told() == ["SourceFailing: opened"]


def test_a_single_failure_is_no_incident(build: Callable[..., Plant]) -> None:
    plant = build(rule("A"))
    for minute in range(0, 12, 2):
        plant.at(minute, A=UNWELL)
        plant.at(minute + 1, A=WELL)
    assert plant.told() == []


def test_a_source_that_flaps_is_reopened_quietly_like_any_incident(build: Callable[..., Plant]) -> None:
    plant = build(rule("A"))
    for minute, says in enumerate((UNWELL, UNWELL, UNWELL, WELL, UNWELL, UNWELL, UNWELL)):
        plant.at(minute, A=says)
    assert plant.told() == ["SourceFailing: opened", "SourceFailing: resolved", "SourceFailing: updated"]
    plant.at(7)
    assert plant.told()[3:] == ["SourceFailing: opened"], "it still fails at the end of its cooldown of five minutes"


def test_slots_that_were_missed_hold_state(build: Callable[..., Plant]) -> None:
    plant = build(rule("A", **{"for": "10m"}), rule("B"))
    plant.at(0, A=BREACH, B=BREACH)
    plant.at(9)
    assert (plant.alert("A"), plant.alert("B")) == ("pending since 0", "firing sev2")
    plant.at(10)
    assert plant.told() == ["B: opened", "A: opened"]


def test_a_breach_after_unknown_slots_fires_by_the_time_since_the_first(build: Callable[..., Plant]) -> None:
    plant = build(rule("A", **{"for": "2m"}))
    plant.at(0, A=BREACH)
    plant.at(1, A=UNWELL)
    plant.at(2)
    assert plant.alert("A") == "pending since 0", "it does not fire by the passing of time alone"
    plant.at(2.5, A=BREACH)
    assert plant.alert("A") == "firing sev2"


def test_a_rule_whose_alert_ended_unseen_ends_it_with_the_first_answer(build: Callable[..., Plant]) -> None:
    plant = build(rule("A"))
    plant.at(0, A=BREACH)
    plant.at(1, A=UNWELL)
    plant.at(2, A=WELL)
    assert plant.told() == ["A: opened", "A: resolved"]


def test_a_slot_that_comes_twice_or_late_changes_nothing(build: Callable[..., Plant]) -> None:
    plant = build(rule("A", **{"for": "2m"}))
    plant.at(1, A=BREACH)
    plant.at(1, A=WELL)
    plant.at(0.5)
    assert plant.alert("A") == "pending since 1"
    plant.at(3, A=BREACH)
    assert plant.told() == ["A: opened"]
