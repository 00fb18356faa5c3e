"""A service without its outer rim: a real source over a loopback connection, the evaluator, the desk, a database.

Times are minutes after 03:00; the clock is moved by the test.
"""

from __future__ import annotations

import atexit
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from incidentd import settings
from incidentd.alert import Alert
from incidentd.catalog.catalog import Catalog
from incidentd.catalog.receiver import Receiver
from incidentd.catalog.route import Route
from incidentd.catalog.rule import Rule
from incidentd.clock import MovableClock
from incidentd.evaluation.evaluator import Evaluator
from incidentd.evaluation.group import groups
from incidentd.incidents.actor import Actor, Origin
from incidentd.incidents.desk import IncidentDesk
from incidentd.sources.base import Answer, Question, RangeAnswer
from incidentd.sources.prometheus import PrometheusSource
from incidentd.store import alerts, deliveries, incidents, marks
from incidentd.store.database import Database
from incidentd.store.tables import Incident
from tests.unit.sources.packed import members
from tests.unit.sources.wire import Wire, http, serving

T0 = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
FAILING_FOR = timedelta(minutes=2)
ANNA = Actor("anna", Origin.API)

Says = tuple[float | str, ...] | Callable[[Wire], Iterator[bytes]]
"""The values of an expression's series, or what the server sends instead of an answer, piece by piece."""
BREACH: Says = (2,)
WELL: Says = (0,)
NONE: Says = ()


def rule(name: str, **authored: Any) -> Rule:
    """A rule over the expression ``<name>_total``, breached above 1, in sev2; each is an incident of its own."""
    given = {"name": name, "expr": f"{name}_total", "when": "> 1", "severity": "sev2", "source": "p", "every": "2m"}
    given |= {"summary": name, **authored}
    return Rule.model_validate({key: value for key, value in given.items() if value is not None})


@dataclass
class Line:
    """The way to the source; *cut*: nobody listens at the other end."""

    name: str
    here: PrometheusSource
    nowhere: PrometheusSource
    cut: bool = False

    def ask(self, questions: Sequence[Question], at: datetime) -> Mapping[Question, Answer]:
        return (self.nowhere if self.cut else self.here).ask(questions, at)

    def ask_range(
        self, questions: Sequence[Question], start: datetime, end: datetime, step: timedelta, within: timedelta
    ) -> Mapping[Question, RangeAnswer]:
        return (self.nowhere if self.cut else self.here).ask_range(questions, start, end, step, within)

    def close(self) -> None:
        self.here.close()
        self.nowhere.close()


class Plant:
    """*says* has what the server answers to each rule's expression, by the rule's name."""

    def __init__(self, folder: Path, *rules: Rule, timeout: timedelta = timedelta(seconds=10)) -> None:
        self._timeout = timeout
        self.rules = rules
        self.clock = MovableClock(T0)
        self.says: dict[str, Says] = {}
        shutil.copyfile(_empty_database(), folder / "plant.db")
        self._url = f"sqlite:///{folder / 'plant.db'}"
        self._ends = ExitStack()
        self.wire = self._ends.enter_context(serving())
        self.wire.answer = self._answer
        self._nobody = self._ends.enter_context(socket.socket())
        self._nobody.bind(("127.0.0.1", 0))
        self.start()

    def start(self) -> None:
        """All that a process does with the database before its first slot."""
        self.database = Database(self._url)
        receivers = {"page": Receiver.model_validate({"name": "page", "pagerduty": [{"routing_key": "k" * 32}]})}
        catalog = Catalog(rules=self.rules, runbooks={}, receivers=receivers, route=Route(receiver="page"))
        self.desk = IncidentDesk(self.database, lambda: catalog, self.clock, lambda: None)
        self.line = Line("p", self._source(self.wire.port), self._source(self._nobody.getsockname()[1]))
        self.evaluator = Evaluator({"p": self.line}, {"p": self._config(self.wire.port)}, self.desk)
        with self.database.reading() as session:
            self.evaluator.load(alerts.load_all(session), marks.load(session))
        self.evaluator.adopt(self.rules, self.clock.at)

    def restart(self) -> None:
        """As after kill -9: nothing but the database survives."""
        self._stop()
        self.start()

    def close(self) -> None:
        self._stop()
        self._ends.close()

    def at(self, minute: float, **says: Says) -> None:
        """One slot and what follows it: the chore that ends cooldowns. *says* stays in force."""
        self.says |= says
        self.clock.at = T0 + timedelta(minutes=minute)
        self.tick()
        for group in groups(self.rules):
            self.evaluator.evaluate(group, self.clock.at)
        self.tick()
        self.evaluator.save_marks()

    def tick(self) -> None:
        """The chore that ends cooldowns, which runs every few seconds, whatever the slots are."""
        self.desk.end_cooldowns(self.evaluator.in_doubt(self.clock.at))

    def resolve(self, minute: float, number: int = 1) -> None:
        """Anna resolves it by hand."""
        self.clock.at = T0 + timedelta(minutes=minute)
        self.desk.resolve(number, ANNA)

    def alert(self, name: str) -> str:
        """``firing sev2``, ``pending since 0`` (minutes), ``inactive``; of the rule's only alert."""
        found = [one for one in self.evaluator.alerts() if one.labels["alertname"] == name]
        with self.database.reading() as session:
            stored = [one for one in alerts.load_all(session) if one.labels["alertname"] == name]
        assert [_stands(one) for one in stored] == [_stands(one) for one in found], "memory and database differ"
        return " and ".join(_stands(one) for one in found) or "inactive"

    def incident(self, name: str) -> str:
        """The state of the newest incident of that rule; *none* when there is none."""
        return next((one.state for one in self._incidents() if one.key.startswith(f"{name}{{")), "none")

    def told(self) -> list[str]:
        """Every outbox row, oldest first, as ``Errors: opened``: what people hear."""
        with self.database.reading() as session:
            said = [
                (row.id or 0, f"{one.key.partition('{')[0]}: {row.kind}")
                for one in self._incidents()
                for row in deliveries.rows_of(session, one.number or 0)
            ]
        return [text for _, text in sorted(said)]

    def _incidents(self) -> list[Incident]:
        with self.database.reading() as session:
            return incidents.recent(session)

    def _answer(self, query: str) -> Iterator[bytes]:
        """Of a pack nothing but the fault of a member, as of Prometheus."""
        result = []
        for label, expr in members(query).items():
            said = self.says[expr.removesuffix("_total")]
            if callable(said):
                return said(self.wire)
            for number, value in enumerate(said, start=1):
                labels = {"i": str(number)} | ({"__incidentd__": label} if label else {})
                result.append({"metric": labels, "value": [0, str(value)]})
        return iter([http({"status": "success", "data": {"resultType": "vector", "result": result}})])

    def _source(self, port: int) -> PrometheusSource:
        return PrometheusSource("p", self._config(port))

    def _config(self, port: int) -> settings.Source:
        return settings.Source(url=f"http://127.0.0.1:{port}", timeout=self._timeout, failing_for=FAILING_FOR)

    def _stop(self) -> None:
        self.evaluator.close()
        self.line.close()
        self.database.close()


@cache
def _empty_database() -> Path:
    """One with the schema: to migrate costs more than all that a test does afterwards."""
    path = Path(tempfile.mkdtemp()) / "empty.db"
    atexit.register(shutil.rmtree, path.parent)
    database = Database(f"sqlite:///{path}")
    database.migrate()
    database.close()
    return path


def _stands(alert: Alert) -> str:
    if alert.severity is not None:
        return f"{alert.phase} {alert.severity}"
    (since,) = (clock.breached_since for clock in alert.levels.values())
    assert since is not None
    return f"{alert.phase} since {(since - T0).total_seconds() / 60:g}"
