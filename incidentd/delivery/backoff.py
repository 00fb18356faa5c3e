"""A failed attempt -> when to try again, or that it is given up. Pure; the only retry policy there is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from incidentd.notify.notifier import DeliveryError
from incidentd.settings import Delivery


def next_attempt(
    policy: Delivery,
    error: DeliveryError,
    *,
    attempts: int,
    failing_since: datetime,
    now: datetime,
    jitter: Callable[[], float],
) -> datetime | None:
    """When attempt ``attempts + 1`` is due; None when it is given up: permanent, or past the deadline.

    Exponential with full jitter (*jitter* gives 0..1), never earlier than the vendor asked for.
    """
    if error.permanent or now - failing_since >= policy.deadline:
        return None
    # 2**30 first retries are longer than any deadline; the bound keeps the number finite.
    ceiling: timedelta = min(policy.longest_retry, policy.first_retry * float(2 ** min(attempts - 1, 30)))
    return now + max(ceiling * jitter(), error.retry_after or timedelta())
