"""Slots that nobody evaluated: made up for from history, bounded, and without a page for what is over."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from incidentd import settings
from incidentd.alert import Phase
from incidentd.catalog.catalog import Catalog
from incidentd.catalog.receiver import Receiver
from incidentd.catalog.route import Route
from incidentd.catalog.rule import Rule
from incidentd.clock import MovableClock
from incidentd.evaluation.evaluator import Evaluator
from incidentd.evaluation.group import groups
from incidentd.incidents.desk import IncidentDesk
from incidentd.sources.base import Answer, Answered, Question, RangeAnswer, RangeAnswered, Reason, Sample, Unknown
from incidentd.store import alerts, deliveries, incidents, marks, timeline
from incidentd.store.database import Database

T0 = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
EVERY = timedelta(minutes=1)
LOST = Unknown(Reason.TIMEOUT, "no answer")

Recorded = Callable[[float], float | None]
"""A series' value at a minute; None where it has none."""


class Recording:
    """A source that answers, now and later, what was recorded."""

    name = "p"

    def __init__(self, recorded: Recorded) -> None:
        self.recorded = recorded
        self.forgets = False
        self.ranges: list[tuple[datetime, datetime]] = []

    def ask(self, questions: Sequence[Question], at: datetime) -> Mapping[Question, Answer]:
        return {one: self.answer(one, at) for one in questions}

    def ask_range(
        self, questions: Sequence[Question], start: datetime, end: datetime, step: timedelta, within: timedelta
    ) -> Mapping[Question, RangeAnswer]:
        self.ranges.append((start, end))
        if self.forgets:
            return dict.fromkeys(questions, LOST)
        slots = [start + step * n for n in range((end - start) // step + 1)]
        return {one: RangeAnswered({slot: self.answer(one, slot) for slot in slots}) for one in questions}

    def answer(self, question: Question, at: datetime) -> Answered:
        value = self.recorded((at - question.offset - T0) / timedelta(minutes=1))
        return Answered((Sample({"job": "a"}, value),) if value is not None else ())

    def close(self) -> None: ...


class Service:
    """Evaluator, desk and database; `at` evaluates at one minute, `away` lets the clock run alone."""

    def __init__(self, folder: Path, recorded: Recorded, bounds: settings.Replay | None = None, **rule: Any) -> None:
        given = {"name": "Down", "expr": "x", "when": "> 0", "severity": "sev2", "source": "p", "every": "1m"}
        self.rule = Rule.model_validate({**given, "group_by": ["job"], "cooldown": "5m", **rule})
        self.source = Recording(recorded)
        self.bounds = bounds
        self.clock = MovableClock(T0)
        self.url = f"sqlite:///{folder / 'service.db'}"
        self.start()

    def start(self) -> None:
        self.database = Database(self.url)
        self.database.migrate()
        hook = Receiver.model_validate({"name": "hook", "webhook": [{"url": "http://127.0.0.1:9/"}]})
        catalog = Catalog(rules=(self.rule,), runbooks={}, receivers={"hook": hook}, route=Route(receiver="hook"))
        desk = IncidentDesk(self.database, lambda: catalog, self.clock, lambda: None)
        config = settings.Source(url="http://127.0.0.1:1")
        self.evaluator = Evaluator({"p": self.source}, {"p": config}, desk, self.bounds)
        with self.database.reading() as session:
            self.evaluator.load(alerts.load_all(session), marks.load(session))
        self.evaluator.adopt([self.rule], self.clock.at)

    def restart(self, *, marked: bool = True) -> None:
        """As after kill -9; *marked* when the chore that writes the marks has run since the last slot."""
        if marked:
            self.evaluator.save_marks()
        self.database.close()
        self.start()

    def at(self, *minutes: float) -> None:
        for minute in minutes:
            self.clock.at = T0 + timedelta(minutes=minute)
            (group,) = groups([self.rule])
            self.evaluator.evaluate(group, self.clock.at)

    def incidents(self) -> list[tuple[str, float, float | None]]:
        """State, and the minutes of opening and resolving, oldest first."""
        with self.database.reading() as session:
            found = reversed(incidents.recent(session))
            return [(one.state, _minute(one.opened_at) or 0, _minute(one.resolved_at)) for one in found]

    def told(self) -> list[str]:
        with self.database.reading() as session:
            rows = [row for one in incidents.recent(session) for row in deliveries.rows_of(session, one.number or 0)]
        return [row.kind for row in sorted(rows, key=lambda row: row.id or 0)]

    def timeline(self, number: int) -> list[str]:
        with self.database.reading() as session:
            return [entry.text for entry in timeline.of(session, number)]

    def phase(self) -> Phase:
        found = self.evaluator.alerts()
        return found[0].phase if found else Phase.INACTIVE


def _minute(at: datetime | None) -> float | None:
    return None if at is None else (at - T0) / timedelta(minutes=1)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Callable[..., Service]]:
    made: list[Service] = []

    def make(recorded: Recorded, **options: Any) -> Service:
        made.append(Service(tmp_path, recorded, **options))
        return made[-1]

    yield make
    for one in made:
        one.database.close()


def between(*spans: tuple[float, float]) -> Recorded:
    """1 within the spans, 0 outside."""
    return lambda minute: 1.0 if any(start <= minute < end for start, end in spans) else 0.0


Make = Callable[..., Service]


def test_a_slot_that_follows_the_last_has_missed_nothing(service: Make) -> None:
    one = service(between())
    one.at(0, 1, 2.9)
    assert one.source.ranges == []


def test_missed_slots_are_asked_for_at_their_times(service: Make) -> None:
    one = service(between())
    one.at(0, 5)
    assert one.source.ranges == [(T0 + timedelta(minutes=1), T0 + timedelta(minutes=4))]


def test_a_for_clock_counts_what_was_breached_while_it_was_down(service: Make) -> None:
    """Pending since minute 1 with `for: 5m`: down from 2 to 8, it fires at once, and pages once."""
    one = service(between((1, 99)), **{"for": "5m"})
    one.at(0, 1, 2)
    one.restart()
    one.at(8)
    assert one.incidents() == [("detected", 8, None)]
    assert one.told() == ["opened"]


def test_a_for_clock_starts_anew_where_the_condition_was_gone_while_it_was_down(service: Make) -> None:
    one = service(between((1, 4), (6, 99)), **{"for": "5m"})
    one.at(0, 1, 2)
    one.restart()
    one.at(8)
    assert one.phase() is Phase.PENDING
    one.at(9, 10)
    assert one.incidents() == []
    one.at(11)
    assert one.incidents() == [("detected", 11, None)]


def test_what_began_and_ended_while_it_was_down_is_recorded_as_missed_and_pages_nobody(service: Make) -> None:
    one = service(between((3, 6)))
    one.at(0, 1)
    one.restart()
    one.at(9, 10)
    assert one.incidents() == [("resolved", 3, 6)]
    assert one.told() == []
    assert one.timeline(1) == ["Began and ended while incidentd did not evaluate; nobody was told"]


def test_what_fires_soon_after_a_missed_one_opens_an_incident_that_pages(service: Make) -> None:
    """The cooldown counts from an opening notice, and there was none."""
    one = service(between((3, 6), (10, 99)))
    one.at(0, 1)
    one.restart()
    one.at(9, 10)
    assert one.incidents() == [("resolved", 3, 6), ("detected", 10, None)]
    assert one.told() == ["opened"]


def test_what_still_fires_pages_once_though_it_came_and_went_before(service: Make) -> None:
    one = service(between((3, 5), (7, 99)))
    one.at(0, 1)
    one.restart()
    one.at(9, 10)
    assert one.incidents() == [("resolved", 3, 5), ("detected", 9, None)]
    assert one.told() == ["opened"]


def test_an_incident_that_ended_while_it_was_down_resolves_at_the_start(service: Make) -> None:
    one = service(between((0, 4)))
    one.at(0)
    one.restart()
    one.at(9)
    assert one.incidents() == [("resolved", 0, 9)]
    assert one.told() == ["opened", "resolved"]


def test_what_cleared_and_fired_again_within_the_cooldown_while_it_was_down_reopens_quietly(service: Make) -> None:
    one = service(between((0, 4), (7, 99)), cooldown="30m")
    one.at(0)
    one.restart()
    one.at(9)
    assert one.incidents() == [("detected", 0, None)]
    assert one.told() == ["opened", "resolved", "updated"]
    assert one.timeline(1)[-1] == "Fires again within the cooldown; reopened without a page (flap 1)"


def test_what_cleared_and_fired_again_after_the_cooldown_while_it_was_down_is_a_new_incident(service: Make) -> None:
    """As if it had never been down: no page is lost."""
    one = service(between((0, 4), (7, 99)))
    one.at(0)
    one.restart()
    one.at(9)
    assert one.incidents() == [("resolved", 0, 9), ("detected", 9, None)]
    assert one.told() == ["opened", "resolved", "opened"]


def test_what_came_and_went_within_the_cooldown_is_an_entry_in_the_timeline(service: Make) -> None:
    one = service(between((0, 3), (5, 7)), cooldown="30m")
    one.at(0)
    one.restart()
    one.at(9)
    assert [state for state, _, _ in one.incidents()] == ["resolved"]
    assert "1 alert fired and cleared while incidentd did not evaluate" in one.timeline(1)


def test_the_hold_of_resolve_counts_what_was_clear_while_it_was_down(service: Make) -> None:
    one = service(between((0, 2)), resolve={"for": "5m"})
    one.at(0, 1, 2)
    one.restart()
    one.at(8)
    assert [state for state, _, _ in one.incidents()] == ["resolved"]


def test_no_more_than_the_newest_hour_is_made_up_for(service: Make) -> None:
    """What is older stays unknown: it changes nothing."""
    one = service(between((3, 30)))
    one.at(0)
    one.restart()
    one.at(100)
    assert one.source.ranges == [(T0 + timedelta(minutes=40), T0 + timedelta(minutes=99))]
    assert one.incidents() == []


def test_how_much_is_made_up_for_is_configurable_down_to_nothing(service: Make) -> None:
    one = service(between((3, 6)), bounds=settings.Replay(longest=timedelta(0)))
    one.at(0, 9)
    assert one.source.ranges == []
    assert one.incidents() == []


def test_a_source_without_history_changes_nothing(service: Make) -> None:
    """Missed slots that nobody can answer are unknown: the pending clock holds, nothing resolves."""
    one = service(between((1, 4), (6, 99)), **{"for": "5m"})
    one.source.forgets = True
    one.at(0, 1, 2)
    one.at(8)
    assert one.incidents() == [("detected", 8, None)]


def test_slots_are_not_replayed_that_were_evaluated_before_a_crash(service: Make) -> None:
    """The mark of all rules is as old as minute 0; the rule's own, written with its news, says 3."""
    one = service(between((1, 3)))
    one.at(0)
    one.evaluator.save_marks()
    one.at(1, 2, 3)
    assert one.incidents() == [("resolved", 1, 3)]
    one.restart(marked=False)
    one.at(5)
    assert one.source.ranges == [(T0 + timedelta(minutes=4), T0 + timedelta(minutes=4))]
    assert one.incidents() == [("resolved", 1, 3)]
    assert one.told() == ["opened", "resolved"]


def test_a_rule_that_had_no_news_is_replayed_from_the_mark_of_all(service: Make) -> None:
    one = service(between((5, 99)))
    one.at(0, 1, 2)
    one.restart()
    one.at(6)
    assert one.source.ranges == [(T0 + timedelta(minutes=3), T0 + timedelta(minutes=5))]


def test_a_rule_that_is_new_has_missed_nothing(service: Make) -> None:
    one = service(between((3, 6)))
    one.at(0)
    other = Rule.model_validate({**one.rule.model_dump(by_alias=True), "name": "Other"})
    one.evaluator.adopt([other], T0 + timedelta(minutes=8))
    one.rule = other
    one.at(9)
    assert one.source.ranges == []


def test_a_group_that_the_store_failed_makes_up_for_that_slot_too(service: Make, monkeypatch: Any) -> None:
    one = service(between((1, 99)), **{"for": "1m"})
    one.at(0)
    with monkeypatch.context() as patch:
        patch.setattr(one.evaluator._desk, "apply", _fails)
        with pytest.raises(OSError, match="disk full"):
            one.at(1)
    one.at(2)
    assert one.incidents() == [("detected", 2, None)]


def _fails(*_: Any) -> None:
    raise OSError("disk full")


def test_evaluation_that_stays_behind_is_an_incident_that_ends_by_itself(service: Make) -> None:
    """Every second slot is missed for more than a minute; then all of them are kept again."""
    one = service(between())
    one.at(0, 2, 4)
    with one.database.reading() as session:
        (incident,) = incidents.recent(session)
        assert (incident.title, incident.state) == ("1 rules of p are evaluated later than their interval", "detected")
        assert incident.runbook == "evaluation-lagging"
    one.at(5)
    assert [state for state, _, _ in one.incidents()] == ["resolved"]


def test_slots_that_were_missed_while_nothing_ran_are_not_lag(service: Make) -> None:
    """However often it is restarted."""
    one = service(between())
    one.at(0)
    for minute in (3, 6, 9, 12):
        one.restart()
        one.at(minute)
    assert one.incidents() == []
