"""Whatever a source answers, forgets and fails to answer: the ladder agrees with a reference that remembers all of it.

The reference is `reference_ladder.py`. The alerts go through the database at every restart, and only what the desk
would have written is there.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from incidentd.alert import Alert, Phase
from incidentd.catalog.rule import Rule
from incidentd.evaluation import ladder
from incidentd.sources.base import Answered, Sample
from incidentd.store import alerts
from incidentd.store.database import Database
from tests.unit.evaluation.reference_ladder import Reference

T0 = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
Step = tuple[int, dict[str, float] | None, bool]
"""Seconds later; the answer, None for an error; whether the service is restarted after it."""
TIMES = st.sampled_from(["0s", "30s", "1m", "2m", "5m"])
VALUES = st.sampled_from([0.0, 0.75, 1.25, 1.75, 2.25, 2.75, 3.25, 3.75, 4.25, 5.0, math.inf, -math.inf, math.nan])
MOVES = st.sampled_from([30, 30, 30, 60, 60, 15, 120, 300, 0, -30, -120, -3600])
"""Seconds to the next evaluation; below zero the clock was set back."""


def steps(series: list[str]) -> st.SearchStrategy[list[Step]]:
    """Walks of a rule that has some of these *series*."""
    answers = st.dictionaries(st.sampled_from(series), VALUES, max_size=len(series))
    step = st.tuples(MOVES, st.one_of(answers, answers, answers, st.none()), st.booleans())
    return st.lists(step, min_size=6, max_size=25)


STEPS = st.one_of(steps(["a", "a", "b", "c"]), steps([""]))
"""Rules over several series, and rules over one without labels."""


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    """Ladders of one to four levels in both directions, thresholds 1 to 4, and rules that compare by themselves."""
    count = draw(st.sampled_from([2, 1, 3, 4]))
    rising = draw(st.booleans())
    severities = sorted(draw(st.permutations(["sev1", "sev2", "sev3", "sev4"]))[:count])
    thresholds = sorted(draw(st.permutations([1, 2, 3, 4]))[:count], reverse=rising)
    resolve: dict[str, Any] = {"for": draw(TIMES)}
    levels = [
        {"when": f"{'>' if rising else '<'} {threshold}", "severity": severity, "for": draw(TIMES)}
        for threshold, severity in zip(thresholds, severities, strict=True)
    ]
    if count == 1 and draw(st.booleans()):
        del levels[0]["when"]
    elif draw(st.booleans()):
        resolve["when"] = f"< {thresholds[-1] - 0.5}" if rising else f"> {thresholds[-1] + 0.5}"
    no_data, limit = draw(st.sampled_from(["ok", "hold", "alert"])), draw(st.sampled_from([0, 0, 1, 2]))
    return Rule.model_validate(
        {"name": "A", "expr": "x", "levels": levels, "resolve": resolve, "no_data": no_data, "limit": limit}
    )


class Engine:
    """The ladder as the evaluator drives it: alerts in memory, what is news in the database."""

    def __init__(self, database: Database, rule: Rule) -> None:
        self.database = database
        self.rule = rule
        self.alerts: dict[str, Alert] = {}
        with database.transaction() as session:
            session.connection().exec_driver_sql("DELETE FROM alert")

    def answer(self, values: Mapping[str, float], at: datetime) -> None:
        samples = tuple(Sample({"i": name} if name else {}, value) for name, value in values.items())
        transitions = ladder.step(self.rule, Answered(samples), self.alerts, at)
        news = [one.after for one in transitions if one.is_news]
        if news:
            with self.database.transaction() as session:
                alerts.save(session, news)
        for one in transitions:
            self.alerts.pop(one.after.key.fingerprint, None)
            if one.after.phase is not Phase.INACTIVE:
                self.alerts[one.after.key.fingerprint] = one.after

    def restart(self) -> None:
        with self.database.reading() as session:
            self.alerts = {alert.key.fingerprint: alert for alert in alerts.load_all(session)}

    def active(self) -> dict[str, tuple[str, Any]]:
        return {one.labels.get("i", ""): (one.phase.value, one.severity) for one in self.alerts.values()}


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    made = Database("sqlite://")
    made.migrate()
    yield made
    made.close()


@settings(max_examples=300, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(rule=rules(), steps=STEPS)
def test_the_ladder_agrees_with_what_the_whole_history_says(database: Database, rule: Rule, steps: list[Step]) -> None:
    engine, reference = Engine(database, rule), Reference(rule)
    at = T0
    for seconds, values, restarts in steps:
        at += timedelta(seconds=seconds)
        if values is not None:
            before = engine.active().keys()
            engine.answer(values, at)
            reference.answer(values, at)
            obey_the_limit(rule, before, engine, reference)
        if restarts:
            engine.restart()
        assert engine.active() == reference.active()


def obey_the_limit(rule: Rule, before: set[str] | Any, engine: Engine, reference: Reference) -> None:
    """As many begin as there is room for. Which of them is not defined, so the reference follows the engine."""
    wanted = reference.active().keys() - before
    begun = engine.active().keys() - before
    if not rule.limit:
        return
    room = max(0, rule.limit - len(reference.active().keys() & before))
    assert begun <= wanted
    assert len(begun) == min(room, len(wanted))
    for name in wanted - begun:
        reference.forget(name)
