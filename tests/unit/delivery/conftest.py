"""An outbox with one destination, and a channel that fails on demand and remembers everything."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from incidentd.catalog.catalog import Catalog
from incidentd.catalog.receiver import Receiver
from incidentd.catalog.route import Route
from incidentd.clock import MovableClock
from incidentd.delivery.worker import Worker
from incidentd.notify.notification import Kind, Notification
from incidentd.notify.notifier import Attempt, Remote
from incidentd.notify.slack.config import SlackDestination
from incidentd.notify.webhook.config import WebhookDestination
from incidentd.settings import Settings
from incidentd.store import deliveries, incidents, timeline
from incidentd.store.database import Database
from incidentd.store.tables import Delivery, Incident

T0 = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)


class Killed(BaseException):
    """What no loop may catch, as SIGKILL cannot be."""


class Channel:
    """Takes what it is sent, or fails with the errors that a test queued; meanwhile something may happen."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, bool, Notification]] = []
        self.errors: list[BaseException] = []
        self.attempts: list[Attempt] = []
        self.meanwhile: Callable[[], object] | None = None

    def send(
        self, notification: Notification, destination: WebhookDestination | SlackDestination, attempt: Attempt
    ) -> Remote:
        self.attempts.append(attempt)
        if self.meanwhile is not None:
            meanwhile, self.meanwhile = self.meanwhile, None
            meanwhile()
        if self.errors:
            raise self.errors.pop(0)
        self.taken.append((_name(destination), attempt.uncertain, notification))
        return {"id": "r1"}


def _name(destination: WebhookDestination | SlackDestination) -> str:
    return destination.url if isinstance(destination, WebhookDestination) else destination.channel


class Post:
    """A database with one incident and one destination, and a worker whose clock a test moves."""

    def __init__(self, folder: Path) -> None:
        self.clock = MovableClock(T0)
        self.database = Database(f"sqlite:///{folder / 'post.db'}")
        self.database.migrate()
        self.channel = Channel()
        with self.database.transaction() as session:
            self.incident = Incident(
                key="A{}", title="chat fails", state="detected", severity="sev2", peak_severity="sev2",
                opened_at=T0, updated_at=T0, paged_at=T0,
            )  # fmt: skip
            session.add(self.incident)
        self.delivery = self.add_destination("http://one.example")

    def add_destination(self, url: str, channel: str = "webhook") -> Delivery:
        with self.database.transaction() as session:
            delivery = Delivery(
                incident_number=1, receiver="hook", channel=channel, name=f"{channel} {url[7:]}",
                destination={"url": url}, destination_key=url,
            )  # fmt: skip
            session.add(delivery)
        return delivery

    def set_state(self, state: str) -> None:
        with self.database.transaction() as session:
            found = incidents.get(session, 1)
            assert found is not None
            found.state = state

    def stored(self) -> Delivery:
        with self.database.reading() as session:
            return deliveries.of_incident(session, 1)[0]

    def enqueue(self, kind: Kind, text: str = "", delivery: Delivery | None = None) -> None:
        with self.database.transaction() as session:
            stored = session.get(Delivery, (delivery or self.delivery).id)
            assert stored is not None
            deliveries.enqueue(session, stored, kind=kind, text=text, now=self.clock.now())

    def worker(self, owner: str = "w1", **authored: Any) -> Worker:
        settings = Settings.model_validate({"sources": {"p": {"url": "http://127.0.0.1:1"}}, **authored})
        catalog = Catalog(rules=(), runbooks={}, receivers={"hook": Receiver(name="hook")}, route=Route())
        return Worker(
            self.database,
            {"webhook": self.channel, "slack": self.channel},
            settings,
            lambda: catalog,
            self.clock,
            owner=owner,
            jitter=lambda: 1.0,
        )

    def rows(self) -> list[tuple[str, str]]:
        with self.database.reading() as session:
            return [(row.kind, row.status) for row in deliveries.rows_of(session, 1)]

    def timeline(self) -> list[str]:
        with self.database.reading() as session:
            return [entry.text for entry in timeline.of(session, 1)]

    def after(self, seconds: float) -> Post:
        self.clock.at += timedelta(seconds=seconds)
        return self


@pytest.fixture
def post(tmp_path: Path) -> Iterator[Post]:
    made = Post(tmp_path)
    yield made
    made.database.close()
