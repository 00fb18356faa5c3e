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
"""Longer than an attempt takes; where a channel's time-out is long, _CALLS of them."""
_CALLS = 6
_SHORTEST_IDLE = timedelta(milliseconds=200)
_AFTER_A_FAULT = timedelta(seconds=1)
_LONGEST_IDLE = timedelta(seconds=10)
"""Whoever adds something to tell wakes us; this is for what nobody told us of."""
_WHO = "incidentd"
_ORIGIN = "delivery"
_EDITED_IN_PLACE = "slack"
_SECTIONS = {"email": "smtp"}
"""The settings of a channel stand under its name; these are called otherwise."""


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
        self._held: set[int] = set()
        self._holding = threading.Lock()

    def run(self, channel: str, wake: threading.Event, stop: threading.Event) -> None:
        """Delivers to *channel* until *stop*; sleeps until *wake*, or until it is time to look again."""
        while not stop.is_set():
            wake.clear()
            try:
                idle = timedelta() if self.deliver_next(channel) else self._idle_for(channel)
            except Exception:  # noqa: BLE001 - one of the two loop tops: a fault of ours must not end delivery
                _LOG.exception("the delivery loop failed; it goes on", action="delivery_loop_failed", channel=channel)
                metrics.LOOP_FAILURES.labels("delivery").inc()
                idle = _AFTER_A_FAULT
            wake.wait(idle.total_seconds())

    def deliver_next(self, channel: str) -> bool:
        """One attempt for the destination of *channel* that has been due for longest; False when none is due."""
        taken = self._take(channel)
        if taken is None:
            return False
        claim, message = taken
        begun = time.perf_counter()
        try:
            self._attempt(channel, claim, message)
        finally:
            with self._holding:
                self._held.discard(claim.delivery.id or 0)
        metrics.DELIVERY_SECONDS.labels(channel).observe(time.perf_counter() - begun)
        return True

    def _idle_for(self, channel: str) -> timedelta:
        """Until something is due, within bounds."""
        with self._database.reading() as session:
            due = deliveries.next_due(session, channel)
        wait = _LONGEST_IDLE if due is None else due - self._clock.now()
        return min(max(wait, _SHORTEST_IDLE), _LONGEST_IDLE)

    def _take(self, channel: str) -> tuple[Claim, Notification | DeliveryError | None] | None:
        """What is due, and what to say. One that cannot be composed is an error of its own, so that it backs off
        instead of standing in the way of all others."""
        now = self._clock.now()
        with self._database.reading() as session:
            due = deliveries.next_due(session, channel)
        if due is None or due > now:
            return None
        with self._holding:
            with self._database.transaction() as session:
                claim = deliveries.claim(
                    session, channel=channel, owner=self._owner, now=now, lease=self._lease(channel), held=self._held
                )
                message = None if claim is None else self._compose(session, claim, now)
            if claim is None:
                return None
            self._held.add(claim.delivery.id or 0)
        return claim, message

    def _compose(self, session: Session, claim: Claim, now: datetime) -> Notification | DeliveryError | None:
        try:
            return compose(session, claim, catalog=self._current(), base_url=self._settings.base_url, now=now)
        except Exception as exc:  # noqa: BLE001 - a fault of ours, see _fault
            return _fault(exc, claim)

    def _attempt(self, channel: str, claim: Claim, message: Notification | DeliveryError | None) -> None:
        if message is None:
            self._settle(claim, None, status=deliveries.MERGED)
            return
        if isinstance(message, DeliveryError):
            self._fail(channel, claim, message)
            return
        try:
            remote = self._send(channel, claim, message)
        except DeliveryError as error:
            self._fail(channel, claim, error)
        except Exception as exc:  # noqa: BLE001 - a fault of ours, see _fault
            self._fail(channel, claim, _fault(exc, claim))
        else:
            metrics.LAST_DELIVERY.labels(channel).set(self._clock.now().timestamp())
            metrics.DELIVERIES.labels(channel, "sent").inc()
            self._settle(claim, remote, status=deliveries.SENT)
            _log(claim, f"{message.name} {message.kind}", "notification_sent")

    def _lease(self, channel: str) -> timedelta:
        section = getattr(self._settings, _SECTIONS.get(channel, channel))
        return max(LEASE, section.timeout * _CALLS) if section is not None else LEASE

    def _send(self, channel: str, claim: Claim, notification: Notification) -> Remote:
        notifier = self._notifiers.get(channel)
        if notifier is None:
            raise DeliveryError(f"{channel} is not set up in this service; add its section and restart", permanent=True)
        try:
            destination = destinations.parse(channel, claim.delivery.destination)
        except ValidationError as exc:
            raise DeliveryError(f"the stored destination is no {channel} destination", permanent=True) from exc
        remote = claim.delivery.remote
        begun = bool(remote) and claim.delivery.told_at is None
        return notifier.send(notification, destination, Attempt(remote, claim.uncertain, begun))

    def _settle(self, claim: Claim, remote: Remote | None, *, status: str) -> None:
        now = self._clock.now()
        first_contact = claim.delivery.told_at is None and bool(remote)
        with self._database.transaction() as session:
            others = deliveries.of_incident(session, claim.delivery.incident_number, lock=True)
            mine = deliveries.settle(
                session, claim, now=now, remote=None if remote is None else dict(remote), status=status
            )
            if not mine or not first_contact:
                return
            _record(session, claim, now, f"{claim.delivery.name} was told")
            for other in others:
                if other.channel == _EDITED_IN_PLACE and other.id != claim.delivery.id and other.told_at is not None:
                    deliveries.enqueue(session, other, kind=Kind.UPDATED.value, text="", now=now)

    def _fail(self, channel: str, claim: Claim, error: DeliveryError) -> None:
        now = self._clock.now()
        until = backoff.next_attempt(
            self._settings.delivery,
            error,
            attempts=claim.delivery.attempts,
            failing_since=_failing_since(claim, now),
            now=now,
            jitter=self._jitter,
        )
        metrics.DELIVERIES.labels(channel, "dead" if until is None else "retried").inc()
        kind = claim.rows[-1].kind if claim.rows else ""
        action = "notification_dead" if until is None else "notification_retried"
        _log(claim, f"INC-{claim.delivery.incident_number} {kind}", action, str(error))
        remote = None if error.remote is None else dict(error.remote)
        uncertain = error.uncertain or claim.uncertain
        first_failure = claim.delivery.failing_since is None
        with self._database.transaction() as session:
            if until is None:
                mine = deliveries.settle(
                    session, claim, now=now, remote=remote, status=deliveries.DEAD, error=str(error),
                    uncertain=uncertain,
                )  # fmt: skip
                said = f"could not be told: {error}"
            else:
                mine = deliveries.postpone(
                    session, claim, now=now, until=until, error=str(error), uncertain=uncertain, remote=remote
                )
                said = f"does not take it yet, trying again: {error}" if first_failure else ""
            if mine and said:
                _record(session, claim, now, f"{claim.delivery.name} {said}")


def _fault(exc: Exception, claim: Claim) -> DeliveryError:
    """What is wrong with us, not with the vendor: tried again with back-off, for a restart or a release may mend it.
    Its text stays in the log, for it may repeat anything."""
    _LOG.exception("a fault of ours kept a notification back", action="delivery_fault", to=claim.delivery.name)
    metrics.LOOP_FAILURES.labels("delivery").inc()
    return DeliveryError(
        f"a fault of incidentd ({type(exc).__name__}); its log says more", permanent=False, uncertain=True
    )


def _failing_since(claim: Claim, now: datetime) -> datetime:
    """The deadline is that of the newest row, for it has been tried for no longer than it exists."""
    newest = max((row.created_at for row in claim.rows), default=now)
    return max(claim.delivery.failing_since or now, newest)


def _log(claim: Claim, what: str, action: str, error: str = "") -> None:
    log = _LOG.warning if error else _LOG.info
    log(
        f"{what} to {claim.delivery.name}",
        action=action,
        incident=claim.delivery.incident_number,
        channel=claim.delivery.channel,
        attempts=claim.delivery.attempts,
        error=error,
    )


def _record(session: Session, claim: Claim, now: datetime, text: str) -> None:
    incident = incidents.get(session, claim.delivery.incident_number)
    if incident is not None:
        timeline.append(session, incident, EntryKind.DELIVERY, at=now, who=_WHO, origin=_ORIGIN, text=text)
