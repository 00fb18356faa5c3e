"""Outbox rows -> channels, with retries."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import structlog
from pydantic import ValidationError

from incidentd import metrics
from incidentd.catalog import destination as destinations
from incidentd.catalog.catalog import Catalog
from incidentd.clock import Clock
from incidentd.delivery import backoff
from incidentd.delivery.compose import compose
from incidentd.notify.notification import Kind, Notification
from incidentd.notify.notifier import Attempt, DeliveryError, Notifier, Remote
from incidentd.settings import Settings
from incidentd.store import deliveries, incidents, timeline
from incidentd.store.database import Database, Session
from incidentd.store.deliveries import Claim
from incidentd.store.timeline import EntryKind

_LOG = structlog.get_logger(__name__)

LEASE = timedelta(seconds=60)
"""Longer than any attempt: the sum of the time-outs of the calls that one attempt may make."""
_POLL = timedelta(seconds=1)
_WHO = "incidentd"
_ORIGIN = "delivery"
_EDITED_IN_PLACE = "slack"


class Worker:
    """Delivers what is due; several threads and processes may run :meth:`deliver_next` at once."""

    def __init__(
        self,
        database: Database,
        notifiers: Mapping[str, Notifier[Any]],
        settings: Settings,
        current: Callable[[], Catalog],
        clock: Clock,
        *,
        owner: str,
        jitter: Callable[[], float],
    ) -> None:
        """*notifiers* by channel. *owner* names this process's leases, *jitter* gives 0..1."""
        self._database = database
        self._notifiers = notifiers
        self._settings = settings
        self._current = current
        self._clock = clock
        self._owner = owner
        self._jitter = jitter

    def run(self, channel: str, wake: threading.Event, stop: threading.Event) -> None:
        """Delivers to *channel* until *stop*; sleeps until *wake*, or until it is time to look again."""
        while not stop.is_set():
            wake.clear()
            try:
                busy = self.deliver_next(channel)
            except Exception:  # noqa: BLE001 - one of the two loop tops: a fault of ours must not end delivery
                _LOG.exception("the delivery loop failed; it goes on", action="delivery_loop_failed", channel=channel)
                metrics.LOOP_FAILURES.labels("delivery").inc()
                busy = False
            if not busy:
                wake.wait(_POLL.total_seconds())

    def deliver_next(self, channel: str) -> bool:
        """One attempt for the destination of *channel* that has been due for longest; False when none is due."""
        now = self._clock.now()
        with self._database.transaction() as session:
            claim = deliveries.claim(session, channel=channel, owner=self._owner, now=now, lease=LEASE)
            if claim is None:
                return False
            notification = compose(session, claim, catalog=self._current(), base_url=self._settings.base_url, now=now)
        if notification is None:
            self._settle(claim, None, status=deliveries.MERGED)
            return True
        begun = time.perf_counter()
        try:
            remote = self._send(channel, claim, notification)
        except DeliveryError as error:
            self._fail(channel, claim, notification, error)
        else:
            metrics.LAST_DELIVERY.labels(channel).set(self._clock.now().timestamp())
            metrics.DELIVERIES.labels(channel, "sent").inc()
            self._settle(claim, remote, status=deliveries.SENT)
            self._log(claim, notification, "notification_sent")
        metrics.DELIVERY_SECONDS.labels(channel).observe(time.perf_counter() - begun)
        return True

    def _send(self, channel: str, claim: Claim, notification: Notification) -> Remote:
        notifier = self._notifiers.get(channel)
        if notifier is None:
            raise DeliveryError(f"{channel} is not set up any more; add its section back", permanent=True)
        try:
            destination = destinations.parse(channel, claim.delivery.destination)
        except ValidationError as exc:
            raise DeliveryError(f"the stored destination is no {channel} destination", permanent=True) from exc
        return notifier.send(notification, destination, Attempt(claim.delivery.remote, claim.uncertain))

    def _settle(self, claim: Claim, remote: Remote | None, *, status: str, error: str = "") -> None:
        now = self._clock.now()
        first_contact = claim.delivery.told_at is None and bool(remote)
        with self._database.transaction() as session:
            deliveries.settle(
                session, claim, now=now, remote=None if remote is None else dict(remote), status=status, error=error
            )
            if not first_contact:
                return
            _record(session, claim, now, f"{claim.delivery.name} was told")
            for other in deliveries.told(session, claim.delivery.incident_number):
                if other.channel == _EDITED_IN_PLACE and other.id != claim.delivery.id:
                    deliveries.enqueue(session, other, kind=Kind.UPDATED.value, text="", now=now)

    def _fail(self, channel: str, claim: Claim, notification: Notification, error: DeliveryError) -> None:
        now = self._clock.now()
        first_failure = claim.delivery.failing_since is None
        until = backoff.next_attempt(
            self._settings.delivery,
            error,
            attempts=claim.delivery.attempts,
            failing_since=claim.delivery.failing_since or now,
            now=now,
            jitter=self._jitter,
        )
        metrics.DELIVERIES.labels(channel, "dead" if until is None else "retried").inc()
        self._log(claim, notification, "notification_dead" if until is None else "notification_retried", str(error))
        with self._database.transaction() as session:
            if until is None:
                deliveries.settle(session, claim, now=now, remote=None, status=deliveries.DEAD, error=str(error))
                _record(session, claim, now, f"{claim.delivery.name} could not be told: {error}")
                return
            deliveries.postpone(session, claim, now=now, until=until, error=str(error), uncertain=error.uncertain)
            if first_failure:
                _record(session, claim, now, f"{claim.delivery.name} does not take it yet, trying again: {error}")

    def _log(self, claim: Claim, notification: Notification, action: str, error: str = "") -> None:
        log = _LOG.warning if error else _LOG.info
        log(
            f"{notification.name} {notification.kind} to {claim.delivery.name}",
            action=action,
            incident=notification.number,
            channel=claim.delivery.channel,
            attempts=claim.delivery.attempts,
            error=error,
        )


def _record(session: Session, claim: Claim, now: datetime, text: str) -> None:
    incident = incidents.get(session, claim.delivery.incident_number)
    if incident is not None:
        timeline.append(session, incident, EntryKind.DELIVERY, at=now, who=_WHO, origin=_ORIGIN, text=text)
