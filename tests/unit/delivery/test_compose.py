"""Several rows -> the one notification that says all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from incidentd.delivery.compose import kind_of
from incidentd.lifecycle import State
from incidentd.notify.notification import Kind
from incidentd.store import parts
from incidentd.store.parts import Part
from tests.unit.delivery.conftest import T0

if TYPE_CHECKING:
    from tests.unit.delivery.conftest import Post


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


def test_a_long_outage_does_not_end_in_hundreds_of_replies(post: Post) -> None:
    for number in range(30):
        post.enqueue(Kind.UPDATED, f"happening {number}")
    post.worker().deliver_next("webhook")
    texts = post.channel.taken[0][2].thread_texts
    assert texts[0] == "20 earlier happenings are in the timeline"
    assert texts[1:] == tuple(f"happening {number}" for number in range(20, 30))


def test_of_very_many_alerts_the_first_hundred_are_told_and_all_are_counted(post: Post) -> None:
    with post.database.transaction() as session:
        firing = [Part(1, "r1", f"f{number:03}", "A", "sev3", T0) for number in range(150)]
        cleared = [Part(1, "r1", f"c{number:03}", "A", "sev2", T0, cleared_at=T0) for number in range(7)]
        parts.save(session, [*cleared, *firing, Part(1, "r1", "worst", "A", "sev1", T0, summary="the worst")])
    post.enqueue(Kind.OPENED)
    post.worker().deliver_next("webhook")
    ((_, _, notification),) = post.channel.taken
    assert (notification.alerts[0].summary, len(notification.alerts), len(notification.firing)) == (
        "the worst",
        100,
        100,
    )
    assert (notification.firing_count, notification.alert_count) == (151, 158)


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
