"""The whole service inside this process: what a start takes over, what a reload refuses, how it ends."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from incidentd.app import App
from incidentd.catalog.load import load
from incidentd.clock import SystemClock
from incidentd.demo.server import Answer, Request, StandIn, json_answer
from incidentd.store import deliveries, incidents, timeline
from incidentd.store.database import StoreError
from incidentd.store.tables import Delivery, Incident

pytestmark = pytest.mark.integration

RULE: dict[str, Any] = {"name": "Down", "expr": "up == 0", "severity": "sev2", "every": "1s"}


class EmptyPrometheus(StandIn):
    """Answers that there is nothing."""

    api = ("/api/",)

    def answer(self, request: Request) -> Answer:
        return json_answer({"status": "success", "data": {"resultType": "vector", "result": []}})


class House:
    """A folder with a configuration, and the service that lives in it."""

    def __init__(self, folder: Path, source: StandIn) -> None:
        self.folder = folder
        self.source = source
        (folder / "rules").mkdir()
        (folder / "runbooks").mkdir()
        self.config = folder / "incidentd.yaml"
        self.rules(RULE)
        self.configure()
        self.app: App | None = None

    def rules(self, *rules: dict[str, Any]) -> None:
        text = yaml.safe_dump({"rules": list(rules)})
        (self.folder / "rules" / "r.yaml").write_text(text, encoding="utf-8")

    def configure(self, **changes: Any) -> None:
        config = {
            "listen": "127.0.0.1:0",
            "database": f"sqlite:///{self.folder / 'app.db'}",
            "sources": {"prometheus": {"url": self.source.url, "timeout": "2s"}},
            "receivers": [{"name": "hook", "webhook": [{"url": "http://127.0.0.1:9/hook"}]}],
            "route": {"receiver": "hook"},
        }
        self.config.write_text(yaml.safe_dump({**config, **changes}), encoding="utf-8")

    def build(self) -> App:
        return App(self.config, load(self.config), SystemClock())

    def start(self) -> App:
        self.app = self.build()
        self.app.start()
        return self.app


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with EmptyPrometheus() as source:
        made = House(tmp_path, source)
        yield made
        if made.app is not None:
            made.app.stop()


def eventually(house: House, told: str) -> list[str]:
    """The timeline of the first incident, once *told* stands in it."""
    assert house.app is not None
    deadline = time.monotonic() + 10
    while True:
        with house.app.database.reading() as session:
            texts = [entry.text for entry in timeline.of(session, 1)]
        if any(told in text for text in texts):
            return texts
        assert time.monotonic() < deadline, texts
        time.sleep(0.05)


def test_what_waits_for_a_channel_that_was_taken_out_is_given_up_and_said(house: House) -> None:
    """It would wait for ever, and nobody would know."""
    app = house.build()
    now = SystemClock().now()
    with app.database.transaction() as session:
        session.add(Incident(key="A{}", title="t", state="detected", severity="sev2", peak_severity="sev2",
                             opened_at=now, updated_at=now, paged_at=now))  # fmt: skip
        session.flush()
        waits = Delivery(incident_number=1, receiver="r", channel="slack", name="Slack #a", destination_key="a")
        waits.lease_until, waits.lease_owner = now + timedelta(hours=1), "the process before"
        session.add(waits)
        session.flush()
        deliveries.enqueue(session, waits, kind="opened", text="", now=now)
    app.start()
    house.app = app
    eventually(house, "Slack #a could not be told: slack is not set up in this service")


def test_a_reload_that_needs_a_restart_is_refused_as_a_whole(house: House) -> None:
    app = house.start()
    sources = {name: {"url": house.source.url} for name in ("prometheus", "second")}
    receivers = [{"name": "hook", "slack": [{"channel": "#a"}]}]
    house.configure(sources=sources, receivers=receivers, slack={"token": "xoxb-1"})
    house.rules({**RULE, "source": "prometheus"}, {**RULE, "name": "Other", "source": "second"})
    result = app.reload()
    assert not result.ok
    assert [problem.message for problem in result.problems] == [
        "hook uses slack, which was set up after the start",
        "Other asks the source `second`, which was added after the start",
    ]
    assert [rule.name for rule in app.catalog().rules] == ["Down"]


def test_a_reload_that_fails_ends_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    app = house.start()
    house.rules({**RULE, "name": "New"})

    def broken(*_: Any) -> None:
        raise RuntimeError("disk on fire")

    with monkeypatch.context() as patch:
        patch.setattr(app._evaluator, "adopt", broken)
        result = app.reload()
    assert not result.ok
    assert "a fault of incidentd" in result.problems[0].message
    assert "disk" not in result.problems[0].message
    assert [rule.name for rule in app.catalog().rules] == ["Down"]
    assert app.reload().ok
    assert [rule.name for rule in app.catalog().rules] == ["New"]
    assert app.health().ready


def test_it_ends_within_seconds_though_its_source_hangs(house: House) -> None:
    app = house.start()
    house.source.hang(60, n=100, path="/api/")
    house.source.wait_for(lambda: True if house.source.holding else None, "a query that hangs")
    begun = time.monotonic()
    app.stop()
    house.app = None
    assert time.monotonic() - begun < 8, "two time-outs of two seconds, and some air"


def test_being_stopped_is_no_failure_of_the_source(house: House) -> None:
    house.configure(sources={"prometheus": {"url": house.source.url, "timeout": "2s", "failing_for": "0s"}})
    app = house.start()
    house.source.hang(60, n=100, path="/api/")
    house.source.wait_for(lambda: True if house.source.holding else None, "a query that hangs")
    app.stop()
    house.app = None
    again = house.build()
    with again.database.reading() as session:
        assert incidents.recent(session) == []
    again.database.close()


def test_a_database_that_is_in_use_is_not_migrated(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.start()
    monkeypatch.setattr("incidentd.store.database.migrations.upgrade", lambda _: pytest.fail("it was migrated"))
    with pytest.raises(StoreError, match="another incidentd uses"):
        house.build()


def test_it_says_what_is_wrong_with_it(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    app = house.start()
    assert app.health().checks == {"threads": "ok", "evaluation": "ok", "database": "ok"}
    with app.database.transaction() as session:
        session.connection().exec_driver_sql("ALTER TABLE outbox RENAME TO hidden")
    late = SystemClock().now() - timedelta(minutes=2)
    monkeypatch.setattr(app._scheduler, "next_slots", lambda: {"prometheus/1s": late})
    report = app.health()
    assert not report.ready
    assert report.checks["database"] == "does not answer (OperationalError)"
    assert report.checks["evaluation"] == "not begun in time: prometheus/1s"
    with app.database.transaction() as session:
        session.connection().exec_driver_sql("ALTER TABLE hidden RENAME TO outbox")
