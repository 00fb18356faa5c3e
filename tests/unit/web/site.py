"""The real application on a real port over a real database, with literal rows and a clock that a test moves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import requests
from pydantic import SecretStr

from incidentd.catalog.catalog import Catalog
from incidentd.catalog.component import StatusPage
from incidentd.catalog.problem import Position
from incidentd.catalog.route import Route
from incidentd.catalog.rule import Rule
from incidentd.catalog.runbook import FrontMatter, Runbook
from incidentd.clock import MovableClock
from incidentd.incidents.desk import IncidentDesk
from incidentd.metrics import REGISTRY
from incidentd.settings import Api, Settings, Slack, Source
from incidentd.store import tokens
from incidentd.store.database import Database
from incidentd.store.tables import AlertRow, Delivery, Incident, IncidentAlert, OutboxRow, TimelineEntry
from incidentd.web.context import HealthReport, ReloadResult, RuleState, WebContext
from incidentd.web.server import Server, build

T0 = datetime(2026, 11, 20, 18, 0, tzinfo=UTC)
TOKEN = "token-of-the-configuration"
SIGNING_SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
RULE = Rule.model_validate(
    {
        "name": "ErrorRate",
        "expr": "sum by (service) (errors) / sum by (service) (calls)",
        "levels": [
            {"when": "> 20%", "for": "2m", "severity": "sev2"},
            {"when": "> 10%", "for": "5m", "severity": "sev3"},
        ],
        "labels": {"team": "ai"},
        "resolve": {"for": "1m"},
        "cooldown": "10m",
        "group_by": ["service"],
        "runbook": "errors",
        "summary": "{{ labels.service }}: {{ value | percent }} of calls fail",
    }
)


def minutes(after: float) -> datetime:
    """So many minutes after 18:00."""
    return T0 + timedelta(minutes=after)


class Site:
    """What one test needs. The desk is the real one; *reloaded* and *report* are what the process would say."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = MovableClock(minutes(10))
        self.database = Database(f"sqlite:///{folder / 'site.db'}")
        self.database.migrate()
        self.settings = Settings(
            sources={"prometheus": Source(url="http://127.0.0.1:9090")},
            slack=Slack(token=SecretStr("xoxb"), signing_secret=SecretStr(SIGNING_SECRET)),
            api=Api(token=SecretStr(TOKEN)),
            base_url="https://incidents.example.com",
        )
        self.catalog = _catalog(folder / "public")
        self.reloaded = ReloadResult(ok=True, added=("New",))
        self.report = HealthReport(ready=True, checks={"database": "answers"})
        self.states: dict[str, RuleState] = {}
        self.http = requests.Session()
        self.http.trust_env = False
        self._server: Server | None = None

    def context(self) -> WebContext:
        return WebContext(
            settings=self.settings,
            database=self.database,
            desk=IncidentDesk(self.database, lambda: self.catalog, self.clock, lambda: None),
            current=lambda: self.catalog,
            clock=self.clock,
            reload=lambda: self.reloaded,
            health=lambda: self.report,
            rule_states=lambda: self.states,
        )

    @property
    def url(self) -> str:
        """Where it listens; it starts with the first request, so that a test may change the settings before."""
        if self._server is None:
            self._server = Server(build(self.context()), "127.0.0.1", 0)
            self._server.start()
        return f"http://127.0.0.1:{self._server.port}"

    def restart(self, **settings: Any) -> None:
        """The same database under other settings."""
        self._stop()
        self.settings = self.settings.model_copy(update=settings)

    def close(self) -> None:
        self.http.close()
        self._stop()
        self.database.close()

    def _stop(self) -> None:
        if self._server is not None:
            self._server.stop()
            self._server = None

    def get(self, path: str, **options: Any) -> requests.Response:
        return self.http.get(self.url + path, timeout=10, allow_redirects=False, **options)

    def post(self, path: str, *, token: str | None = None, **options: Any) -> requests.Response:
        headers = options.pop("headers", {}) | ({"Authorization": f"Bearer {token}"} if token else {})
        return self.http.post(self.url + path, timeout=10, allow_redirects=False, headers=headers, **options)

    def sign_in(self, name: str = "anna", token: str = TOKEN) -> str:
        """The cookie of a browser that signed in; not kept by the session."""
        own = {"Origin": self.url}
        answer = self.post("/sign-in", data={"name": name, "token": token}, headers=own)
        self.http.cookies.clear()
        assert answer.status_code == 303, answer.text
        return answer.headers["Set-Cookie"].split(";")[0]

    def new_token(self, name: str) -> str:
        with self.database.transaction() as session:
            token = tokens.create(session, name, T0)
        assert token is not None
        return token

    def write(self, *rows: Any) -> None:
        """In this order."""
        with self.database.transaction() as session:
            for row in rows:
                session.add(row)
                session.flush()

    def incident(self, number: int) -> Incident:
        with self.database.reading() as session:
            found = session.get(Incident, number)
        assert found is not None
        return found


def _catalog(out: Path) -> Catalog:
    runbook = Runbook(
        name="errors",
        file="runbooks/errors.md",
        front=FrontMatter(title="Calls fail", owner="ai-platform", expected_resolution=timedelta(minutes=45)),
        markdown="# Calls fail",
        html="<h1>Calls fail</h1>\n<p>Look at <code>&lt;namespace&gt;</code>.</p>",
        next_step="Split the failures by status.",
    )
    return Catalog(
        rules=(RULE,),
        runbooks={"errors": runbook},
        receivers={},
        route=Route(),
        statuspage=StatusPage(out=out),
        positions={RULE.id: Position("rules/llm.yaml", 7, 5)},
    )


def open_incident(number: int = 42, **fields: Any) -> tuple[Incident, IncidentAlert, TimelineEntry]:
    """A sev2 incident that was opened at 18:00, with one firing alert."""
    incident: dict[str, Any] = {
        "number": number,
        "uid": f"{number:032x}",
        "key": f"key-{number}",
        "title": "chat: 31% of calls fail",
        "state": "detected",
        "severity": "sev2",
        "peak_severity": "sev2",
        "labels": {"service": "chat"},
        "component": "chat-api",
        "runbook": "errors",
        "owner": "ai-platform",
        "opened_at": T0,
        "updated_at": T0,
        "paged_at": T0,
        "cooldown_seconds": 600,
    }
    incident |= fields
    alert = IncidentAlert(
        incident_number=number,
        rule_id=RULE.id,
        fingerprint="f" * 16,
        rule="ErrorRate",
        labels={"service": "chat"},
        severity=incident["severity"],
        condition="> 20%",
        summary=incident["title"],
        value=0.31,
        peak=0.42,
        since=T0,
    )
    entry = TimelineEntry(
        incident_number=number,
        at=T0,
        kind="opened",
        who="the rule",
        origin="rule",
        text=f"Opened as {incident['severity']}",
        state="detected",
        severity=incident["severity"],
    )
    return Incident(**incident), alert, entry


def alert_row(**fields: Any) -> AlertRow:
    """The ladder of that alert."""
    row: dict[str, Any] = {
        "rule_id": RULE.id,
        "fingerprint": "f" * 16,
        "labels": {"service": "chat", "team": "ai"},
        "phase": "firing",
        "severity": "sev2",
        "levels": {"sev2": {"breached_since": "2026-11-20T17:58:00+00:00", "clear_since": None, "active": True}},
        "value": 0.31,
        "peak": 0.42,
        "evaluated_at": minutes(9.5),
        "firing_since": T0,
    }
    return AlertRow(**(row | fields))


def delivery(number: int, channel: str, name: str, **fields: Any) -> Delivery:
    secret = {"routing_key": "k3y-that-nobody-may-see-000000000"}
    row: dict[str, Any] = {
        "receiver": "page",
        "destination": secret,
        "destination_key": name,
        "incident_number": number,
    }
    return Delivery(**(row | {"channel": channel, "name": name} | fields))


def outbox(delivery_id: int, number: int, **fields: Any) -> OutboxRow:
    row: dict[str, Any] = {"delivery_id": delivery_id, "incident_number": number, "kind": "opened", "created_at": T0}
    return OutboxRow(**(row | fields))


def counted(name: str, **labels: str) -> float:
    """A metric's value now."""
    return REGISTRY.get_sample_value(name, labels) or 0.0
