"""The outbox: what is sent, what is tried again, what is given up."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from incidentd.notify.notification import Kind
from incidentd.notify.notifier import DeliveryError
from incidentd.store import deliveries
from incidentd.store.tables import Delivery
from tests.unit.delivery.conftest import T0

if TYPE_CHECKING:
    from tests.unit.delivery.conftest import Post


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
    jira = post.add_destination("http://gone.example", channel="jira")
    post.enqueue(Kind.OPENED, delivery=jira)
    post.worker().deliver_next("jira")
    assert post.timeline() == [
        "jira gone.example could not be told: jira is not set up in this service; add its section and restart"
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


def test_nothing_that_a_channel_left_untold_counts_as_told(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    """PagerDuty has nothing to say of what ended before it was told."""
    monkeypatch.setattr(post.channel, "send", lambda *_: {})
    post.enqueue(Kind.RESOLVED)
    post.worker().deliver_next("webhook")
    assert post.stored().told_at is None
    assert post.timeline() == []


def test_the_back_off_begins_anew_after_a_success(post: Post) -> None:
    post.channel.errors = [DeliveryError("503", permanent=False)] * 3
    post.enqueue(Kind.OPENED)
    for _ in range(4):
        post.worker().deliver_next("webhook")
        post.after(10)
    assert len(post.channel.taken) == 1
    post.channel.errors = [DeliveryError("503", permanent=False)]
    post.enqueue(Kind.UPDATED)
    post.worker().deliver_next("webhook")
    assert post.after(1.9).worker().deliver_next("webhook") is False
    assert post.after(0.2).worker().deliver_next("webhook") is True


def test_slack_shows_who_else_was_told(post: Post) -> None:
    slack = post.add_destination("xxxxxxx#a", channel="slack")
    with post.database.transaction() as session:
        stored = session.get(Delivery, slack.id)
        assert stored is not None
        stored.destination, stored.told_at, stored.remote = {"channel": "#a"}, T0, {"ts": "1"}
    post.enqueue(Kind.OPENED, "Opened")
    post.worker().deliver_next("webhook")
    assert post.rows() == [("opened", "sent"), ("updated", "waiting")]
    post.worker().deliver_next("slack")
    _, (name, _, notification) = post.channel.taken
    assert (name, notification.kind, notification.thread_texts) == ("#a", Kind.UPDATED, ())
    assert notification.delivered == ("webhook one.example",)
    assert post.worker().deliver_next("webhook") is False, "and nobody else is told of that"
