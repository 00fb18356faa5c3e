"""The outbox, with a channel that fails on demand and remembers everything."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from incidentd.catalog.catalog import Catalog
from incidentd.catalog.receiver import Receiver
from incidentd.catalog.route import Route
from incidentd.clock import MovableClock
from incidentd.delivery.worker import Worker
from incidentd.notify.notification import Kind, Notification
from incidentd.notify.notifier import Attempt, DeliveryError, Remote
from incidentd.notify.webhook.config import WebhookDestination
from incidentd.settings import Settings
from incidentd.store import deliveries, incidents, timeline
from incidentd.store.database import Database
from incidentd.store.tables import Delivery, Incident

T0 = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)


class Channel:
    """Takes what it is sent, or fails with the errors that a test queued."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, bool, Notification]] = []
        self.errors: list[DeliveryError | RuntimeError] = []

    def send(self, notification: Notification, destination: WebhookDestination, attempt: Attempt) -> Remote:
        if self.errors:
            raise self.errors.pop(0)
        self.taken.append((destination.url, attempt.uncertain, notification))
        return {"id": "r1"}


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

    def enqueue(self, kind: Kind, text: str = "", delivery: Delivery | None = None) -> None:
        with self.database.transaction() as session:
            stored = session.get(Delivery, (delivery or self.delivery).id)
            assert stored is not None
            deliveries.enqueue(session, stored, kind=kind, text=text, now=self.clock.now())

    def worker(self, owner: str = "w1") -> Worker:
        settings = Settings.model_validate({"sources": {"p": {"url": "http://127.0.0.1:1"}}})
        catalog = Catalog(rules=(), runbooks={}, receivers={"hook": Receiver(name="hook")}, route=Route())
        return Worker(
            self.database,
            {"webhook": self.channel},
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


def test_it_sends_what_waits_once(post: Post) -> None:
    post.enqueue(Kind.OPENED, "Opened")
    assert post.worker().deliver_next("webhook") is True
    assert post.worker().deliver_next("webhook") is False
    ((url, uncertain, notification),) = post.channel.taken
    assert (url, uncertain) == ("http://one.example", False)
    assert (notification.kind, notification.name, notification.title) == (Kind.OPENED, "INC-1", "chat fails")
    assert notification.url == "http://127.0.0.1:9720/incidents/INC-1"
    assert post.rows() == [("opened", "sent")]
    assert post.timeline() == ["webhook one.example was told"]


def test_rows_that_say_less_than_a_later_one_are_merged(post: Post) -> None:
    post.enqueue(Kind.OPENED, "Opened")
    post.enqueue(Kind.UPDATED, "1 alert began to fire")
    post.enqueue(Kind.ACKNOWLEDGED, "Acknowledged by anna")
    post.worker().deliver_next("webhook")
    ((_, _, notification),) = post.channel.taken
    assert notification.kind is Kind.OPENED, "nobody was told of the opening yet"
    assert notification.thread_texts == ("1 alert began to fire", "Acknowledged by anna")
    assert post.rows() == [("opened", "merged"), ("updated", "merged"), ("acknowledged", "sent")]


def test_the_resolve_outweighs_everything_once_it_is_resolved(post: Post) -> None:
    post.enqueue(Kind.OPENED)
    post.enqueue(Kind.RESOLVED, "Resolved by the rule")
    with post.database.transaction() as session:
        found = incidents.get(session, 1)
        assert found is not None
        found.state = "resolved"
    post.worker().deliver_next("webhook")
    assert post.channel.taken[0][2].kind is Kind.RESOLVED


def test_a_temporary_failure_is_tried_again_later_and_not_before(post: Post) -> None:
    post.channel.errors = [DeliveryError("503", permanent=False), DeliveryError("503", permanent=False)]
    post.enqueue(Kind.OPENED)
    worker = post.worker()
    assert worker.deliver_next("webhook") is True
    assert post.after(1.9).worker().deliver_next("webhook") is False
    assert post.after(0.1).worker().deliver_next("webhook") is True
    assert post.after(3.9).worker().deliver_next("webhook") is False
    assert post.after(0.1).worker().deliver_next("webhook") is True
    assert len(post.channel.taken) == 1
    assert post.timeline() == [
        "webhook one.example does not take it yet, trying again: 503",
        "webhook one.example was told",
    ]


def test_what_comes_meanwhile_waits_with_the_failing_destination_and_goes_out_as_one(post: Post) -> None:
    post.channel.errors = [DeliveryError("503", permanent=False)]
    post.enqueue(Kind.OPENED)
    post.worker().deliver_next("webhook")
    post.enqueue(Kind.ACKNOWLEDGED)
    assert post.worker().deliver_next("webhook") is False, "the order is kept: nothing overtakes"
    post.after(2).worker().deliver_next("webhook")
    assert [status for _, status in post.rows()] == ["merged", "sent"]


def test_a_permanent_failure_is_dead_and_the_timeline_says_so(post: Post) -> None:
    post.channel.errors = [DeliveryError("channel_not_found", permanent=True)]
    post.enqueue(Kind.OPENED)
    post.worker().deliver_next("webhook")
    assert post.rows() == [("opened", "dead")]
    assert post.timeline() == ["webhook one.example could not be told: channel_not_found"]
    post.enqueue(Kind.RESOLVED)
    assert post.worker().deliver_next("webhook") is True, "the next one is tried all the same"


def test_one_destination_that_fails_does_not_hold_up_another(post: Post) -> None:
    other = post.add_destination("http://two.example")
    post.channel.errors = [DeliveryError("503", permanent=False)]
    post.enqueue(Kind.OPENED)
    post.enqueue(Kind.OPENED, delivery=other)
    post.worker().deliver_next("webhook")
    post.worker().deliver_next("webhook")
    assert [url for url, _, _ in post.channel.taken] == ["http://two.example"]


def test_an_uncertain_attempt_makes_the_next_one_look_first(post: Post) -> None:
    post.channel.errors = [DeliveryError("timed out", permanent=False, uncertain=True)]
    post.enqueue(Kind.OPENED)
    post.worker().deliver_next("webhook")
    post.after(2).worker().deliver_next("webhook")
    assert [uncertain for _, uncertain, _ in post.channel.taken] == [True]


def test_a_worker_that_died_while_sending_loses_nothing(post: Post) -> None:
    """Its lease ends by itself; the next one is told that the message may have arrived."""
    post.channel.errors = [RuntimeError("killed")]
    post.enqueue(Kind.OPENED)
    with pytest.raises(RuntimeError, match="killed"):
        post.worker("w1").deliver_next("webhook")
    assert post.after(60).worker("w2").deliver_next("webhook") is False, "the lease still runs"
    assert post.after(1).worker("w2").deliver_next("webhook") is True
    assert [uncertain for _, uncertain, _ in post.channel.taken] == [True]


def test_a_process_that_has_the_database_to_itself_need_not_wait_for_the_lease(post: Post) -> None:
    post.channel.errors = [RuntimeError("killed")]
    post.enqueue(Kind.OPENED)
    with pytest.raises(RuntimeError, match="killed"):
        post.worker("w1").deliver_next("webhook")
    with post.database.transaction() as session:
        deliveries.release_all(session)
    assert post.worker("w2").deliver_next("webhook") is True
    assert [uncertain for _, uncertain, _ in post.channel.taken] == [True]


def test_a_worker_whose_lease_has_ended_settles_nothing(post: Post) -> None:
    post.enqueue(Kind.OPENED)
    with post.database.transaction() as session:
        slow = deliveries.claim(session, channel="webhook", owner="w1", now=T0, lease=timedelta(seconds=60))
    assert slow is not None
    post.after(61).worker("w2").deliver_next("webhook")
    with post.database.transaction() as session:
        deliveries.settle(session, slow, now=post.clock.now(), remote={"id": "late"}, status="sent")
    with post.database.reading() as session:
        assert deliveries.of_incident(session, 1)[0].remote == {"id": "r1"}


def test_what_was_enqueued_while_it_was_sent_is_due_at_once(post: Post) -> None:
    post.enqueue(Kind.OPENED)
    with post.database.transaction() as session:
        claim = deliveries.claim(session, channel="webhook", owner="w1", now=T0, lease=timedelta(seconds=60))
    assert claim is not None
    post.enqueue(Kind.RESOLVED)
    with post.database.transaction() as session:
        deliveries.settle(session, claim, now=T0, remote={"id": "r1"}, status="sent")
    assert post.worker().deliver_next("webhook") is True
    assert post.rows() == [("opened", "sent"), ("resolved", "sent")]


def test_a_channel_that_is_not_set_up_any_more_is_said(post: Post) -> None:
    slack = post.add_destination("http://gone.example", channel="slack")
    post.enqueue(Kind.OPENED, delivery=slack)
    post.worker().deliver_next("slack")
    assert post.timeline() == [
        "slack gone.example could not be told: slack is not set up any more; add its section back"
    ]
