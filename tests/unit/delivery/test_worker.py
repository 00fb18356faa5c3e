"""The outbox, with a channel that fails on demand and remembers everything."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from incidentd.catalog.catalog import Catalog
from incidentd.catalog.receiver import Receiver
from incidentd.catalog.route import Route
from incidentd.clock import MovableClock
from incidentd.delivery.compose import kind_of
from incidentd.delivery.worker import Worker
from incidentd.lifecycle import State
from incidentd.notify.notification import Kind, Notification
from incidentd.notify.notifier import Attempt, DeliveryError, Remote
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

    def send(self, notification: Notification, destination: WebhookDestination, attempt: Attempt) -> Remote:
        self.attempts.append(attempt)
        if self.meanwhile is not None:
            meanwhile, self.meanwhile = self.meanwhile, None
            meanwhile()
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
    post.set_state("resolved")
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
    post.channel.errors = [Killed()]
    post.enqueue(Kind.OPENED)
    with pytest.raises(Killed):
        post.worker("w1").deliver_next("webhook")
    assert post.after(60).worker("w2").deliver_next("webhook") is False, "the lease still runs"
    assert post.after(1).worker("w2").deliver_next("webhook") is True
    assert [uncertain for _, uncertain, _ in post.channel.taken] == [True]


def test_a_process_that_has_the_database_to_itself_need_not_wait_for_the_lease(post: Post) -> None:
    post.channel.errors = [Killed()]
    post.enqueue(Kind.OPENED)
    with pytest.raises(Killed):
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
        "slack gone.example could not be told: slack is not set up in this service; add its section and restart"
    ]


def test_a_fault_of_ours_backs_off_like_any_failure_and_is_said_without_its_text(post: Post) -> None:
    post.channel.errors = [RuntimeError("token=s3cret"), RuntimeError("token=s3cret")]
    post.enqueue(Kind.OPENED)
    with capture_logs() as logs:
        assert post.worker().deliver_next("webhook") is True
    assert post.after(1.9).worker().deliver_next("webhook") is False
    assert post.after(0.1).worker().deliver_next("webhook") is True
    assert post.after(3.9).worker().deliver_next("webhook") is False
    post.after(0.1).worker().deliver_next("webhook")
    assert [(one["action"], one.get("exc_info")) for one in logs] == [
        ("delivery_fault", True), ("notification_retried", None),
    ]  # fmt: skip
    first, told = post.timeline()
    assert first.endswith("trying again: a fault of incidentd (RuntimeError); its log says more")
    assert told == "webhook one.example was told"
    assert [attempt.uncertain for attempt in post.channel.attempts] == [False, True, True]


def test_what_cannot_be_composed_does_not_stand_in_the_way_of_the_others(post: Post) -> None:
    other = post.add_destination("http://two.example")
    post.enqueue(Kind.OPENED)
    with post.database.transaction() as session:
        session.connection().exec_driver_sql("UPDATE outbox SET kind = 'nonsense'")
    post.after(1).enqueue(Kind.OPENED, delivery=other)
    worker = post.worker()
    assert worker.deliver_next("webhook") is True
    assert worker.deliver_next("webhook") is True
    assert [url for url, _, _ in post.channel.taken] == ["http://two.example"]
    assert "a fault of incidentd (ValueError)" in post.timeline()[0]


def test_an_uncertain_notification_is_repeated_as_it_was_and_what_came_since_goes_out_after_it(post: Post) -> None:
    """Its id is the same, so that the vendor can tell that it took it already."""
    post.channel.errors = [DeliveryError("timed out", permanent=False, uncertain=True)]
    post.enqueue(Kind.OPENED, "Opened")
    post.worker().deliver_next("webhook")
    post.enqueue(Kind.UPDATED, "1 alert began to fire")
    worker = post.after(2).worker()
    assert worker.deliver_next("webhook") is True
    assert worker.deliver_next("webhook") is True
    assert [(one.kind, one.thread_texts) for _, _, one in post.channel.taken] == [
        (Kind.OPENED, ()), (Kind.UPDATED, ("1 alert began to fire",)),
    ]  # fmt: skip
    assert [uncertain for _, uncertain, _ in post.channel.taken] == [True, False]
    assert [status for _, status in post.rows()] == ["sent", "sent"]


def test_a_slow_worker_of_the_same_process_settles_nothing_that_another_has_taken_over(post: Post) -> None:
    """All threads of a process go by one name: the lease is the claim's, not theirs."""
    post.enqueue(Kind.OPENED)
    with post.database.transaction() as session:
        slow = deliveries.claim(session, channel="webhook", owner="w1", now=T0, lease=timedelta(seconds=60))
    assert slow is not None
    post.after(61)
    with post.database.transaction() as session:
        fast = deliveries.claim(
            session, channel="webhook", owner="w1", now=post.clock.now(), lease=timedelta(seconds=60)
        )
    assert fast is not None
    with post.database.transaction() as session:
        assert deliveries.settle(session, slow, now=T0, remote={"id": "late"}, status="sent") is False
    with post.database.transaction() as session:
        assert deliveries.settle(session, fast, now=T0, remote={"id": "r1"}, status="sent") is True
    assert post.stored().remote == {"id": "r1"}


def test_what_is_being_sent_is_not_sent_again_however_the_clock_jumps(post: Post) -> None:
    worker = post.worker()
    post.enqueue(Kind.OPENED)
    again: list[bool] = []

    def another_thread() -> None:
        post.after(3600)
        again.append(worker.deliver_next("webhook"))

    post.channel.meanwhile = another_thread
    worker.deliver_next("webhook")
    assert again == [False]
    assert len(post.channel.taken) == 1
    post.enqueue(Kind.UPDATED)
    assert worker.deliver_next("webhook") is True, "and later it can be told again"


def test_what_failed_for_good_after_an_uncertain_attempt_may_still_be_there(post: Post) -> None:
    """The resolve must look for it: PagerDuty may hold an alert that nobody would end."""
    post.channel.errors = [
        DeliveryError("timed out", permanent=False, uncertain=True), DeliveryError("400", permanent=True)
    ]  # fmt: skip
    post.enqueue(Kind.OPENED)
    post.worker().deliver_next("webhook")
    post.after(2).worker().deliver_next("webhook")
    post.enqueue(Kind.RESOLVED)
    post.worker().deliver_next("webhook")
    assert post.rows() == [("opened", "dead"), ("resolved", "sent")]
    assert [uncertain for _, uncertain, _ in post.channel.taken] == [True]


def test_what_a_failed_attempt_left_behind_is_kept_and_is_no_proof_of_delivery(post: Post) -> None:
    failed = DeliveryError("429", permanent=False)
    failed.remote = {"id": "half"}
    post.channel.errors = [failed]
    post.enqueue(Kind.OPENED)
    post.worker().deliver_next("webhook")
    assert (post.stored().remote, post.stored().told_at) == ({"id": "half"}, None)
    post.after(2).worker().deliver_next("webhook")
    assert post.channel.attempts[1] == Attempt({"id": "half"}, uncertain=False, begun=True)
    assert post.channel.taken[0][2].kind is Kind.OPENED
    assert post.timeline()[-1] == "webhook one.example was told"


def test_the_deadline_is_that_of_the_newest_row(post: Post) -> None:
    down = DeliveryError("refused", permanent=False)
    post.channel.errors = [down] * 3
    post.enqueue(Kind.OPENED)
    post.worker().deliver_next("webhook")
    post.after(6 * 3600 - 60).enqueue(Kind.ESCALATED)
    post.after(120).worker().deliver_next("webhook")
    assert post.rows() == [("opened", "waiting"), ("escalated", "waiting")]
    post.after(6 * 3600).worker().deliver_next("webhook")
    assert post.rows() == [("opened", "dead"), ("escalated", "dead")]


def test_a_long_outage_does_not_end_in_hundreds_of_replies(post: Post) -> None:
    for number in range(30):
        post.enqueue(Kind.UPDATED, f"happening {number}")
    post.worker().deliver_next("webhook")
    texts = post.channel.taken[0][2].thread_texts
    assert texts[0] == "20 earlier happenings are in the timeline"
    assert texts[1:] == tuple(f"happening {number}" for number in range(20, 30))


def test_nothing_that_a_channel_left_untold_counts_as_told(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    """PagerDuty has nothing to say of what ended before it was told."""
    monkeypatch.setattr(post.channel, "send", lambda *_: {})
    post.enqueue(Kind.RESOLVED)
    post.worker().deliver_next("webhook")
    assert post.stored().told_at is None
    assert post.timeline() == []


PAGE, ACK, NEWS, OVER, OPENED = Kind.ESCALATED, Kind.ACKNOWLEDGED, Kind.UPDATED, Kind.RESOLVED, Kind.OPENED


@pytest.mark.parametrize(
    ("kinds", "state", "known", "new"),
    [
        ([OPENED], "detected", OPENED, OPENED),
        ([OPENED, NEWS, ACK], "acknowledged", ACK, OPENED),
        ([PAGE, ACK], "acknowledged", ACK, OPENED),
        ([ACK, PAGE], "acknowledged", PAGE, OPENED),
        ([PAGE, ACK, NEWS], "mitigating", ACK, OPENED),
        ([PAGE, ACK, NEWS], "detected", PAGE, OPENED),
        ([ACK, NEWS], "detected", NEWS, OPENED),
        ([NEWS], "detected", NEWS, OPENED),
        ([OVER, NEWS], "detected", NEWS, OPENED),
        ([OPENED, ACK, OVER], "resolved", OVER, OVER),
        ([OVER, OPENED], "detected", OPENED, OPENED),
        ([OPENED], "resolved", OPENED, OPENED),
        ([NEWS], "resolved", NEWS, NEWS),
    ],
)
def test_several_rows_amount_to_one_kind(kinds: list[Kind], state: str, known: Kind, new: Kind) -> None:
    """*known* to whom the incident is known already, *new* to whom it is not."""
    assert kind_of(kinds, State(state), first_contact=False) is known
    assert kind_of(kinds, State(state), first_contact=True) is new
