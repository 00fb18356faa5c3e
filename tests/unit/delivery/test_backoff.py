"""One retry policy for all channels."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from incidentd.delivery import backoff
from incidentd.notify.notifier import DeliveryError
from incidentd.settings import Delivery

NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
POLICY = Delivery(deadline=timedelta(hours=6), first_retry=timedelta(seconds=2), longest_retry=timedelta(minutes=5))


def wait(
    attempts: int, *, jitter: float = 1.0, failing: timedelta = timedelta(), retry_after: float | None = None
) -> float | None:
    error = DeliveryError(
        "503", permanent=False, retry_after=None if retry_after is None else timedelta(seconds=retry_after)
    )
    until = backoff.next_attempt(
        POLICY, error, attempts=attempts, failing_since=NOW - failing, now=NOW, jitter=lambda: jitter
    )
    return None if until is None else (until - NOW).total_seconds()


@pytest.mark.parametrize(("attempts", "seconds"), [(1, 2), (2, 4), (3, 8), (7, 128), (9, 300), (4000, 300)])
def test_it_doubles_up_to_the_longest(attempts: int, seconds: float) -> None:
    assert wait(attempts) == seconds


def test_the_jitter_is_full() -> None:
    assert wait(3, jitter=0.0) == 0
    assert wait(3, jitter=0.5) == 4


def test_what_the_vendor_asked_for_is_obeyed() -> None:
    assert wait(1, retry_after=30) == 30
    assert wait(9, retry_after=30) == 300


def test_it_gives_up_at_the_deadline() -> None:
    assert wait(50, failing=timedelta(hours=5, minutes=59)) == 300
    assert wait(50, failing=timedelta(hours=6)) is None


def test_it_gives_up_at_once_when_a_retry_cannot_help() -> None:
    error = DeliveryError("channel_not_found", permanent=True)
    assert backoff.next_attempt(POLICY, error, attempts=1, failing_since=NOW, now=NOW, jitter=lambda: 1.0) is None
