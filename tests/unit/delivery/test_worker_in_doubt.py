"""Deaths, lost answers and clocks that jump: what a worker does when nobody knows whether it arrived."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from incidentd.notify.notification import Kind
from incidentd.notify.notifier import Attempt, DeliveryError
from incidentd.store import deliveries
from tests.unit.delivery.conftest import T0, Killed

if TYPE_CHECKING:
    from tests.unit.delivery.conftest import Post


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


def test_what_may_have_arrived_once_may_have_arrived_after_a_clear_refusal_too(post: Post) -> None:
    post.channel.errors = [
        DeliveryError("timed out", permanent=False, uncertain=True), DeliveryError("refused", permanent=False)
    ]  # fmt: skip
    post.enqueue(Kind.OPENED)
    for _ in range(3):
        post.worker().deliver_next("webhook")
        post.after(4)
    assert [attempt.uncertain for attempt in post.channel.attempts] == [False, True, True]


def test_a_lease_is_longer_than_a_channel_with_a_long_time_out_needs(post: Post) -> None:
    post.channel.errors = [Killed()]
    post.enqueue(Kind.OPENED)
    with pytest.raises(Killed):
        post.worker("w1", webhook={"timeout": "60s"}).deliver_next("webhook")
    assert post.after(359).worker("w2").deliver_next("webhook") is False
    assert post.after(2).worker("w2").deliver_next("webhook") is True
