"""A source that answers, errs and comes back: what holds, what resolves, and what a restart remembers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from incidentd import settings
from incidentd.catalog.catalog import Catalog
from incidentd.catalog.route import Route
from incidentd.catalog.rule import Rule
from incidentd.clock import MovableClock
from incidentd.evaluation import source_watch
from incidentd.evaluation.evaluator import Evaluator
from incidentd.evaluation.group import Group, groups
from incidentd.incidents.desk import IncidentDesk
from incidentd.sources.base import Answer, Answered, Reason, Sample, Unknown
from incidentd.store import alerts, incidents
from incidentd.store.database import Database

T0 = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
REFUSED = Unknown(Reason.UNREACHABLE, "connection refused")


class Source:
    """Answers what the test says; remembers what it was asked."""

    name = "p"

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.asked: list[tuple[list[str], datetime]] = []

    def ask(self, expressions: Sequence[str], at: datetime) -> Mapping[str, Answer]:
        self.asked.append((list(expressions), at))
        return {expression: self.answers.get(expression, Answered(())) for expression in expressions}

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
        self.evaluator = Evaluator({"p": self.source}, {"p": source_watch.rule_for(watched)}, desk)
        with self.database.reading() as session:
            self.evaluator.load(alerts.load_all(session))

    def restart(self) -> None:
        self.database.close()
        self.start()

    def at(self, minute: float, answers: dict[str, Answer]) -> None:
        self.clock.at = T0 + timedelta(minutes=minute)
        self.source.answers = answers
        (group,) = groups(self.rules)
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
    tower.evaluator.retire({tower.rules[0].id}, T0 + timedelta(minutes=1))
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


def test_groups_are_the_rules_of_one_source_and_interval() -> None:
    found = groups([rule(), rule(name="B", every="30s"), rule(name="C"), rule(name="D", enabled=False)])
    assert [(one.name, [member.name for member in one.rules]) for one in found] == [
        ("p/30s", ["B"]), ("p/60s", ["Down", "C"]),
    ]  # fmt: skip
    assert isinstance(found[0], Group)
