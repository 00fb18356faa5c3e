"""A source that answers, errs and comes back: what holds, what resolves, and what a restart remembers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from incidentd import settings
from incidentd.catalog.catalog import Catalog
from incidentd.catalog.route import Route
from incidentd.catalog.rule import Rule
from incidentd.clock import MovableClock
from incidentd.evaluation.evaluator import Evaluator
from incidentd.evaluation.group import Group, groups
from incidentd.incidents.desk import IncidentDesk
from incidentd.sources.base import Answer, Answered, Question, RangeAnswer, Reason, Sample, Unknown
from incidentd.store import alerts, incidents
from incidentd.store.database import Database

T0 = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
REFUSED = Unknown(Reason.UNREACHABLE, "connection refused")


class Source:
    """Answers what the test says; remembers what it was asked."""

    def __init__(self, name: str = "p") -> None:
        self.name = name
        self.meanwhile: Callable[[], object] = lambda: None
        self.answers: dict[str, Answer] = {}
        self.asked: list[tuple[list[str], datetime]] = []

    def ask(self, questions: Sequence[Question], at: datetime) -> Mapping[Question, Answer]:
        self.asked.append((list(dict.fromkeys(question.expr for question in questions)), at))
        self.meanwhile()
        return {question: self.answers.get(question.expr, Answered(())) for question in questions}

    def ask_range(
        self, questions: Sequence[Question], start: datetime, end: datetime, step: timedelta, within: timedelta
    ) -> Mapping[Question, RangeAnswer]:
        return {question: Unknown(Reason.ERROR, "no history") for question in questions}

    def close(self) -> None: ...


def rule(**authored: Any) -> Rule:
    return Rule.model_validate(
        {"name": "Down", "expr": "up == 0", "severity": "sev2", "source": "p", "every": "1m", **authored}
    )


class Watchtower:
    """An evaluator over a real database; times are minutes after 03:00."""

    def __init__(self, folder: Path, *rules: Rule) -> None:
        self.source = Source()
        self.clock = MovableClock(T0)
        self.url = f"sqlite:///{folder / 'tower.db'}"
        self.rules = rules
        self.start()

    def start(self) -> None:
        self.database = Database(self.url)
        self.database.migrate()
        catalog = Catalog(rules=self.rules, runbooks={}, receivers={}, route=Route())
        desk = IncidentDesk(self.database, lambda: catalog, self.clock, lambda: None)
        watched = settings.Source(url="http://127.0.0.1:1", failing_for=timedelta(minutes=2))
        both = dict.fromkeys(("p", "q"), self.source)
        self.evaluator = Evaluator(both, dict.fromkeys(("p", "q"), watched), desk)
        with self.database.reading() as session:
            self.evaluator.load(alerts.load_all(session))
        self.evaluator.adopt(self.rules, self.clock.at)

    def adopt(self, *rules: Rule) -> None:
        self.rules = rules
        self.evaluator.adopt(rules, self.clock.at)

    def restart(self) -> None:
        self.database.close()
        self.start()

    def at(self, minute: float, answers: dict[str, Answer]) -> None:
        self.clock.at = T0 + timedelta(minutes=minute)
        self.source.answers = answers
        for group in groups(self.rules):
            self.evaluator.evaluate(group, self.clock.at)

    def incidents(self) -> list[str]:
        with self.database.reading() as session:
            return [f"{one.title}: {one.state}" for one in reversed(incidents.recent(session))]


@pytest.fixture
def tower(tmp_path: Path) -> Iterator[Watchtower]:
    made = Watchtower(tmp_path, rule(**{"for": "2m"}), rule(name="Slow", expr="slow"))
    yield made
    made.database.close()


def breach(**labels: str) -> Answered:
    return Answered((Sample(labels, 1.0),))


def test_equal_expressions_are_asked_once_at_the_time_of_the_slot(tmp_path: Path) -> None:
    tower = Watchtower(tmp_path, rule(), rule(name="Also", expr="up == 0"), rule(name="Other", expr="slow"))
    tower.at(3, {})
    assert tower.source.asked == [(["up == 0", "slow"], T0 + timedelta(minutes=3))]


def test_a_failed_query_resolves_nothing_and_starts_nothing(tower: Watchtower) -> None:
    tower.at(0, {"slow": breach()})
    tower.at(1, {"slow": REFUSED, "up == 0": REFUSED})
    assert tower.incidents() == ["Slow: detected"]
    tower.at(2, {"slow": breach()})
    assert tower.incidents() == ["Slow: detected"]


def test_a_for_clock_holds_through_failed_queries(tower: Watchtower) -> None:
    tower.at(0, {"up == 0": breach()})
    tower.at(1, {"up == 0": REFUSED})
    assert tower.incidents() == []
    tower.at(2, {"up == 0": breach()})
    assert tower.incidents() == ["Down: detected"]


def test_a_failing_source_is_one_incident_that_ends_when_it_answers_again(tower: Watchtower) -> None:
    both: dict[str, Answer] = {"up == 0": REFUSED, "slow": REFUSED}
    tower.at(0, both)
    tower.at(1, both)
    assert tower.incidents() == [], "not before it lasts"
    tower.at(2, both)
    assert tower.incidents() == ["p leaves 2 rules without an answer; they hold their last state: detected"]
    with tower.database.reading() as session:
        assert incidents.alerts(session, 1)[0].description == "unreachable: connection refused"
    tower.at(3, {})
    assert tower.incidents() == ["p leaves 2 rules without an answer; they hold their last state: resolved"]


def test_one_rule_that_errs_does_not_keep_the_others_from_firing(tower: Watchtower) -> None:
    tower.at(0, {"up == 0": Unknown(Reason.ERROR, "422"), "slow": breach()})
    assert tower.incidents() == ["Slow: detected"]
    assert {one.error for one in tower.evaluator.health().values()} == {"422", ""}


def test_a_restart_continues_the_for_clock(tower: Watchtower) -> None:
    tower.at(0, {"up == 0": breach(instance="a")})
    tower.restart()
    tower.at(1, {"up == 0": breach(instance="a")})
    assert tower.incidents() == []
    tower.restart()
    tower.at(2, {"up == 0": breach(instance="a")})
    assert tower.incidents() == ["Down (instance=a): detected"]


def test_a_restart_continues_what_fires_without_a_second_incident(tower: Watchtower) -> None:
    tower.at(0, {"slow": breach()})
    tower.restart()
    tower.at(1, {"slow": breach()})
    assert tower.incidents() == ["Slow: detected"]
    tower.restart()
    tower.at(2, {})
    assert tower.incidents() == ["Slow: resolved"]


def test_a_slot_is_evaluated_once(tower: Watchtower) -> None:
    tower.at(1, {"slow": breach()})
    tower.at(1, {})
    tower.at(0, {})
    assert tower.incidents() == ["Slow: detected"]


def test_a_rule_that_was_removed_ends_its_alerts(tower: Watchtower) -> None:
    tower.at(0, {"slow": breach(), "up == 0": breach()})
    tower.adopt(tower.rules[0])
    assert tower.incidents() == ["Slow: resolved"]
    assert [alert.key.rule_id for alert in tower.evaluator.alerts()] == [tower.rules[0].id]


def test_a_store_that_fails_leaves_the_alerts_as_they_were(tower: Watchtower) -> None:
    """The next slot repeats the transition, so no incident is lost."""
    tower.at(0, {})
    with tower.database.transaction() as session:
        session.connection().exec_driver_sql("ALTER TABLE incident RENAME TO hidden")
    with pytest.raises(Exception, match="no such table"):
        tower.at(1, {"slow": breach()})
    with tower.database.transaction() as session:
        session.connection().exec_driver_sql("ALTER TABLE hidden RENAME TO incident")
    tower.at(2, {"slow": breach()})
    assert tower.incidents() == ["Slow: detected"]


def test_a_rule_that_is_removed_while_it_is_asked_for_does_not_come_back(tower: Watchtower) -> None:
    slow = tower.rules[1]
    tower.source.meanwhile = lambda: tower.evaluator.adopt([tower.rules[0]], tower.clock.at)
    tower.at(0, {"slow": breach()})
    assert tower.incidents() == []
    assert tower.evaluator.health().keys() == {tower.rules[0].id}
    tower.source.meanwhile = lambda: tower.evaluator.adopt([slow], tower.clock.at)
    tower.at(1, {"slow": breach()})
    assert tower.incidents() == ["Slow: detected"]


def test_an_answer_to_an_earlier_definition_decides_nothing(tower: Watchtower) -> None:
    changed = rule(name="Slow", expr="slow", when="> 5")
    tower.source.meanwhile = lambda: tower.evaluator.adopt([tower.rules[0], changed], tower.clock.at)
    tower.at(0, {"slow": breach()})
    assert tower.incidents() == []


def test_a_reload_of_the_same_rules_in_the_middle_loses_no_slot(tower: Watchtower) -> None:
    alike = [Rule.model_validate(one.model_dump(by_alias=True)) for one in tower.rules]
    tower.source.meanwhile = lambda: tower.evaluator.adopt(alike, tower.clock.at)
    tower.at(0, {"slow": breach()})
    assert tower.incidents() == ["Slow: detected"]


def failing(tower: Watchtower) -> str:
    """Lets the source fail until there is an incident; its title."""
    for minute in range(3):
        tower.at(minute, {"slow": REFUSED})
    (incident,) = tower.incidents()
    assert incident.startswith("p leaves 1 rules without an answer")
    return incident.removesuffix(": detected")


def test_a_failing_source_is_forgiven_when_its_failing_rule_is_removed(tower: Watchtower) -> None:
    title = failing(tower)
    tower.adopt(tower.rules[0])
    assert tower.incidents() == [f"{title}: resolved"]


def test_a_failing_source_that_nothing_uses_any_more_is_no_incident(tower: Watchtower) -> None:
    title = failing(tower)
    tower.adopt(rule(name="Slow", expr="slow", source="q"))
    assert tower.incidents() == [f"{title}: resolved"]
    tower.at(3, {})
    assert tower.incidents() == [f"{title}: resolved"]


def test_a_failing_source_that_nothing_uses_after_a_restart_is_no_incident(tower: Watchtower) -> None:
    title = failing(tower)
    tower.rules = (rule(name="Slow", expr="slow", source="q"),)
    tower.restart()
    assert tower.incidents() == [f"{title}: resolved"]


def test_after_a_restart_a_source_is_well_only_when_every_rule_was_answered(tmp_path: Path) -> None:
    tower = Watchtower(tmp_path, rule(), rule(name="Slow", expr="slow", every="5m"))
    title = failing(tower)
    tower.restart()
    often, seldom = groups(tower.rules)
    tower.source.answers = {"slow": REFUSED}
    tower.evaluator.evaluate(often, T0 + timedelta(minutes=3))
    assert tower.incidents() == [f"{title}: detected"], "the rule that failed was not asked yet"
    tower.evaluator.evaluate(seldom, T0 + timedelta(minutes=5))
    assert tower.incidents() == [f"{title}: detected"]
    tower.source.answers = {}
    tower.evaluator.evaluate(seldom, T0 + timedelta(minutes=10))
    assert tower.incidents() == [f"{title}: resolved"]
    tower.database.close()


def test_a_clock_that_is_moved_back_blinds_nobody(tower: Watchtower) -> None:
    tower.at(120, {"up == 0": breach()})
    tower.at(0, {"up == 0": breach(), "slow": breach()})
    assert tower.incidents() == ["Slow: detected"]
    tower.at(2, {"up == 0": breach(), "slow": breach()})
    assert tower.incidents() == ["Slow: detected", "Down: detected"], "its time counts from the new clock"


def test_rules_that_cannot_be_written_are_not_adopted(tower: Watchtower) -> None:
    tower.at(0, {"slow": breach()})
    with tower.database.transaction() as session:
        session.connection().exec_driver_sql("ALTER TABLE incident RENAME TO hidden")
    with pytest.raises(Exception, match="no such table"):
        tower.evaluator.adopt([tower.rules[0]], T0)
    with tower.database.transaction() as session:
        session.connection().exec_driver_sql("ALTER TABLE hidden RENAME TO incident")
    tower.at(1, {})
    assert tower.incidents() == ["Slow: resolved"], "the rule was still evaluated"


def test_a_pending_alert_of_a_removed_rule_is_forgotten(tower: Watchtower) -> None:
    tower.at(0, {"up == 0": breach()})
    tower.adopt(tower.rules[1])
    assert tower.evaluator.alerts() == []
    with tower.database.reading() as session:
        assert alerts.load_all(session) == []


def test_groups_are_the_rules_of_one_source_and_interval() -> None:
    found = groups([rule(), rule(name="B", every="30s"), rule(name="C"), rule(name="D", enabled=False)])
    assert [(one.name, [member.name for member in one.rules]) for one in found] == [
        ("p/30s", ["B"]), ("p/60s", ["Down", "C"]),
    ]  # fmt: skip
    assert isinstance(found[0], Group)


def test_annotations_are_expanded_with_what_the_source_says_at_the_slot(tmp_path: Path) -> None:
    text = '{{ $labels.job }}: {{ query "count(up)" | first | value }} in all'
    of = rule(annotations={"summary": text}, identity=("f", "g", "Down"))
    tower = Watchtower(tmp_path, of)
    tower.at(3, {"up == 0": breach(job="a"), "count(up)": Answered((Sample({}, 12.0),))})
    assert tower.source.asked[1:] == [(["count(up)"], T0 + timedelta(minutes=3))]
    assert tower.incidents() == ["a: 12 in all: detected"]


@pytest.mark.parametrize(
    "changed",
    [
        {"summary": "other words"},
        {"every": "30s"},
        {"cooldown": "1h", "group_by": ["job"], "runbook": "other", "labels": {"team": "b"}},
    ],
)
def test_a_reload_keeps_the_clock_of_a_rule_that_means_the_same(tmp_path: Path, changed: dict[str, Any]) -> None:
    tower = Watchtower(tmp_path, rule(**{"for": "2m"}))
    tower.at(0, {"up == 0": breach()})
    tower.adopt(rule(**{"for": "2m"}, **changed))
    tower.at(1, {"up == 0": breach()})
    assert tower.incidents() == []
    tower.at(2, {"up == 0": breach()})
    assert [one.rpartition(" ")[2] for one in tower.incidents()] == ["detected"]


@pytest.mark.parametrize(
    "changed", [{"expr": "up < 1"}, {"for": "119s"}, {"query_offset": "10s"}, {"severity": "sev1"}, {"source": "q"}]
)
def test_a_reload_starts_the_clock_of_a_rule_that_means_something_else_anew(
    tmp_path: Path, changed: dict[str, Any]
) -> None:
    tower = Watchtower(tmp_path, rule(**{"for": "2m"}))
    tower.at(0, {"up == 0": breach()})
    tower.adopt(rule(**({"for": "2m"} | changed)))
    assert tower.evaluator.alerts() == []
    answers: dict[str, Answer] = {"up == 0": breach(), "up < 1": breach()}
    tower.at(1, answers)
    tower.at(2, answers)
    assert tower.incidents() == []
    tower.at(3, answers)
    assert tower.incidents() == ["Down: detected"]


def test_a_reload_that_changes_what_a_rule_means_ends_nothing_that_fires(tmp_path: Path) -> None:
    """The next answer to the new expression decides."""
    tower = Watchtower(tmp_path, rule())
    tower.at(0, {"up == 0": breach()})
    tower.adopt(rule(expr="up < 1"))
    tower.at(1, {"up < 1": REFUSED})
    assert tower.incidents() == ["Down: detected"]
    tower.at(2, {"up < 1": Answered(())})
    assert tower.incidents() == ["Down: resolved"]
