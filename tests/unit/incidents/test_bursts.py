"""Many alerts in one tick: the same incidents as one by one, in statements that do not grow with the alerts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event

from incidentd.alert import Alert, AlertKey, Change, Phase, Transition
from incidentd.catalog.rule import Rule
from incidentd.incidents.evaluated import Evaluated
from incidentd.severity import Severity

if TYPE_CHECKING:
    from tests.unit.incidents.conftest import Room


def series(count: int, value: float, service: str = "chat") -> dict[str, float]:
    return {f"{service}/i{number}": value for number in range(count)}


@contextmanager
def statements(room: Room) -> Iterator[list[str]]:
    """The statements that go to the database meanwhile; many rows in one are one."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    event.listen(room.database.engine, "before_cursor_execute", note)
    yield seen
    event.remove(room.database.engine, "before_cursor_execute", note)


def test_what_fires_at_once_is_one_incident_per_group_told_once(room: Room) -> None:
    room.at(0).values({**series(40, 0.2), **series(30, 0.2, "search"), "chat/worst": 0.9})
    assert room.count() == 2
    assert room.incident().title == "chat: 0.9 fail (+40 more)"
    assert room.incident(2).title == "search: 0.2 fail (+29 more)"
    assert room.incident().labels == {"service": "chat", "alertname": "ErrorRate"}
    assert (len(room.parts()), len(room.parts(2))) == (41, 30)
    assert room.outbox() == ["PagerDuty (page): opened", "Slack #incidents: opened"]
    assert room.outbox(2) == ["Slack #alerts: opened"]
    assert room.timeline() == ["Opened as sev2: chat: 0.9 fail (+40 more)"]


def test_in_one_tick_some_fire_some_move_some_climb_and_some_clear(room: Room) -> None:
    room.at(0).values({"chat/moves": 0.2, "chat/climbs": 0.2, "chat/clears": 0.2})
    room.at(0).values({"chat/moves": 0.2, "chat/climbs": 0.2, "chat/clears": 0.2, "search/clears": 0.2})
    room.at(1).values({"chat/moves": 0.3, "chat/climbs": 0.6, "chat/fires": 0.2, "search/clears": 0.0})
    shown = {part.labels["instance"]: (part.severity, part.value, part.cleared_at is None) for part in room.parts()}
    assert shown == {
        "moves": ("sev3", 0.3, True),
        "climbs": ("sev2", 0.6, True),
        "clears": ("sev3", 0.2, False),
        "fires": ("sev3", 0.2, True),
    }
    assert room.timeline() == ["Opened as sev3: chat: 0.2 fail (+2 more)", "Severity climbed from sev3 to sev2"]
    assert room.incident(2).state == "resolved"


@pytest.mark.parametrize("values", [(0.2, 0.3), (0.2, 0.9), (0.2, 0.0)], ids=["move", "climb", "clear"])
def test_ten_times_the_alerts_are_no_more_statements(room: Room, values: tuple[float, float]) -> None:
    counts = []
    for service, many in (("chat", 20), ("search", 200)):
        room.alerts.clear()
        for minute, value in enumerate(values):
            with statements(room) as seen:
                room.at(minute).values(series(many, value, service))
            counts.append(len(seen))
    first, then, first_of_many, then_of_many = counts
    assert (first_of_many, then_of_many) == (first, then)


def test_an_alert_that_is_evaluated_twice_in_a_tick_counts_as_it_was_last(room: Room) -> None:
    """As where one rule is in two files: the second evaluation finds what the first one left."""
    rule = Rule.model_validate({"name": "Twice", "expr": "x > 1", "severity": "sev3"})
    rest = Alert(AlertKey(rule.id, "f1"), {"service": "chat"})
    fires = replace(rest, phase=Phase.FIRING, severity=Severity.SEV3, value=2.0, firing_since=room.clock.now())
    gone = Evaluated(rule, (Transition(fires, rest, Change.CLEARED),))
    begins = Evaluated(rule, (Transition(rest, fires, Change.FIRED),))
    room.desk.apply([begins, gone])
    assert [part.cleared_at is None for part in room.parts()] == [False]
    assert room.incident().state == "resolved"
