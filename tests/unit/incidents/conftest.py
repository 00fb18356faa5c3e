"""A desk over a real database, a rule whose value a test sets, and a clock that a test moves."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from incidentd.alert import Alert, Phase
from incidentd.catalog.catalog import Catalog
from incidentd.catalog.receiver import Receiver
from incidentd.catalog.route import Route
from incidentd.catalog.rule import Rule
from incidentd.catalog.runbook import Runbook
from incidentd.clock import MovableClock
from incidentd.evaluation import ladder
from incidentd.incidents.actor import Actor, Origin
from incidentd.incidents.desk import IncidentDesk
from incidentd.incidents.evaluated import Evaluated
from incidentd.incidents.silencing import Draft
from incidentd.labels import parse_matchers
from incidentd.routing.silence import Silence
from incidentd.sources.base import Answered, Sample
from incidentd.store import deliveries, incidents, timeline
from incidentd.store.database import Database
from incidentd.store.tables import Delivery, Incident, IncidentAlert

T0 = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
RULE: dict[str, Any] = {
    "name": "ErrorRate",
    "expr": "errors",
    "levels": [{"when": "> 0.5", "severity": "sev2"}, {"when": "> 0.1", "severity": "sev3"}],
    "cooldown": "10m",
    "group_by": ["service"],
    "runbook": "errors",
    "component": "chat-api",
    "summary": "{{ labels.service }}: {{ value }} fail",
}
ROUTE: dict[str, Any] = {
    "receiver": "team",
    "routes": [
        {"matchers": ['ticket="true"'], "receiver": "backlog"},
        {"severity": ["sev1", "sev2"], "receiver": "page"},
    ],
}
RECEIVERS: list[dict[str, Any]] = [
    {"name": "page", "pagerduty": [{"routing_key": "k" * 32}], "slack": [{"channel": "#incidents"}]},
    {"name": "team", "slack": [{"channel": "#alerts"}]},
    {"name": "backlog", "jira": [{"project": "OPS"}]},
]


class Room:
    """Everything that one test needs; times are minutes after 03:00."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = MovableClock(T0)
        self.database = Database(f"sqlite:///{folder / 'room.db'}")
        self.database.migrate()
        self.changes = 0
        self.route = ROUTE
        self.runbooks: dict[str, Runbook] = {}
        self.receivers = RECEIVERS
        self.more: dict[str, Any] = {}
        self.alerts: dict[str, dict[str, Alert]] = {}
        self.desk = IncidentDesk(self.database, self.catalog, self.clock, self._changed)
        self.anna = Actor("anna", Origin.API)

    def catalog(self) -> Catalog:
        receivers = [Receiver.model_validate(one) for one in self.receivers]
        return Catalog(
            rules=(),
            runbooks=self.runbooks,
            receivers={one.name: one for one in receivers},
            route=Route.model_validate(self.route),
            commit="abc1234",
            **self.more,
        )

    def at(self, minute: float) -> Room:
        self.clock.at = T0 + timedelta(minutes=minute)
        return self

    def values(self, series: dict[str, float], **changes: Any) -> None:
        """Evaluates the rule over ``service/instance`` series."""
        rule = Rule.model_validate({**RULE, **changes})
        samples = []
        for name, value in series.items():
            service, _, instance = name.partition("/")
            samples.append(Sample({"service": service} | ({"instance": instance} if instance else {}), value))
        before = self.alerts.setdefault(rule.id, {})
        transitions = ladder.step(rule, Answered(tuple(samples)), before, self.clock.now())
        self.desk.apply([Evaluated(rule, tuple(transitions))])
        for one in transitions:
            before.pop(one.after.key.fingerprint, None)
            if one.after.phase is not Phase.INACTIVE:
                before[one.after.key.fingerprint] = one.after

    def silence(self, *matchers: str, minutes: float | None = 60, **fields: Any) -> Silence:
        """Made now by anna, for so many minutes."""
        ends_at = self.clock.now() + timedelta(minutes=minutes) if minutes is not None else None
        draft = Draft(parse_matchers(matchers), **({"author": "anna", "reason": "deploy", "ends_at": ends_at} | fields))
        return self.desk.silence(draft, self.anna)

    def incident(self, number: int = 1) -> Incident:
        with self.database.reading() as session:
            found = incidents.get(session, number)
        assert found is not None
        return found

    def parts(self, number: int = 1) -> list[IncidentAlert]:
        with self.database.reading() as session:
            return incidents.alerts(session, number)

    def count(self) -> int:
        with self.database.reading() as session:
            return len(incidents.recent(session))

    def timeline(self, number: int = 1) -> list[str]:
        with self.database.reading() as session:
            return [entry.text for entry in timeline.of(session, number)]

    def destinations(self, number: int = 1) -> list[Delivery]:
        with self.database.reading() as session:
            return deliveries.of_incident(session, number)

    def outbox(self, number: int = 1) -> list[str]:
        """Every row as ``Slack #alerts: opened``, oldest first."""
        with self.database.reading() as session:
            names = {one.id: one.name for one in deliveries.of_incident(session, number)}
            return [f"{names[row.delivery_id]}: {row.kind}" for row in deliveries.rows_of(session, number)]

    def _changed(self) -> None:
        self.changes += 1


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    made = Room(tmp_path)
    yield made
    made.database.close()
