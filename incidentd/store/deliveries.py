"""One incident at one destination: who is told, what waits, and who is telling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, update
from sqlmodel import Session, col, select

from incidentd.store.tables import Delivery, OutboxRow

WAITING, SENT, MERGED, DEAD = "waiting", "sent", "merged", "dead"


@dataclass(frozen=True, slots=True)
class Claim:
    """One destination with everything that it must be told, held by one worker until the lease ends.

    *uncertain* says that an earlier attempt may have arrived: its answer was lost, or its worker died.
    """

    delivery: Delivery
    rows: tuple[OutboxRow, ...]
    uncertain: bool


def of_incident(session: Session, number: int) -> list[Delivery]:
    """Every destination that the incident was announced to, in that order."""
    query = select(Delivery).where(Delivery.incident_number == number)
    return list(session.exec(query.order_by(col(Delivery.id))))


def rows_of(session: Session, number: int) -> list[OutboxRow]:
    """Every outbox row of an incident, oldest first."""
    return list(session.exec(select(OutboxRow).where(OutboxRow.incident_number == number).order_by(col(OutboxRow.id))))


def enqueue(
    session: Session, delivery: Delivery, *, kind: str, text: str, now: datetime, private_user: str = ""
) -> None:
    """Adds one thing to tell. A destination that is backing off keeps its time; others are due at once."""
    assert delivery.id is not None  # noqa: S101 - it was flushed
    session.add(
        OutboxRow(
            delivery_id=delivery.id,
            incident_number=delivery.incident_number,
            kind=kind,
            text=text,
            private_user=private_user,
            created_at=now,
        )
    )
    if delivery.due_at is None:
        delivery.due_at = now


def claim(session: Session, *, channel: str, owner: str, now: datetime, lease: timedelta) -> Claim | None:
    """The destination of *channel* that has been due for longest, leased to *owner*; None when none is due."""
    free = (col(Delivery.lease_until).is_(None)) | (col(Delivery.lease_until) < now)
    candidate = session.exec(
        select(Delivery)
        .where(Delivery.channel == channel, col(Delivery.due_at) <= now, free)
        .order_by(col(Delivery.due_at), col(Delivery.id))
        .limit(1)
        .with_for_update(skip_locked=True)
    ).one_or_none()
    if candidate is None:
        return None
    abandoned = candidate.lease_until is not None
    rows = session.exec(
        select(OutboxRow)
        .where(OutboxRow.delivery_id == candidate.id, OutboxRow.status == WAITING)
        .order_by(col(OutboxRow.id))
    ).all()
    candidate.lease_until = now + lease
    candidate.lease_owner = owner
    candidate.uncertain = candidate.uncertain or abandoned
    candidate.attempts += 1
    return Claim(candidate, tuple(rows), candidate.uncertain)


def settle(
    session: Session, claim: Claim, *, now: datetime, remote: dict[str, str] | None, status: str, error: str = ""
) -> None:
    """Ends the lease: the newest row of the claim gets *status*, the ones that it speaks for are merged into it.
    What was enqueued meanwhile is due at once."""
    delivery = _mine(session, claim)
    if delivery is None:
        return
    if remote is not None:
        delivery.remote = remote
        delivery.told_at = now
    delivery.attempts = 0
    delivery.uncertain = False
    delivery.failing_since = None
    delivery.last_error = error
    _release(delivery)
    for row in claim.rows:
        stored = session.merge(row)
        stored.status = status if row is claim.rows[-1] or status == DEAD else MERGED
        stored.settled_at = now
        stored.error = error
    session.flush()
    delivery.due_at = now if _has_waiting(session, delivery) else None


def postpone(session: Session, claim: Claim, *, now: datetime, until: datetime, error: str, uncertain: bool) -> None:
    """Ends the lease after a failed attempt: the same rows are due again at *until*."""
    delivery = _mine(session, claim)
    if delivery is None:
        return
    delivery.failing_since = delivery.failing_since or now
    delivery.last_error = error
    delivery.uncertain = uncertain or claim.uncertain
    delivery.due_at = until
    _release(delivery)


def release_all(session: Session) -> None:
    """Ends every lease at the start of a process that has the database to itself. What was being sent when its
    worker died may have arrived."""
    session.connection().execute(
        update(Delivery)
        .where(col(Delivery.lease_until).is_not(None))
        .values(lease_until=None, lease_owner="", uncertain=True)
    )


def next_due(session: Session) -> datetime | None:
    """When the next destination is due."""
    return session.exec(select(func.min(Delivery.due_at))).one()


def waiting(session: Session) -> tuple[int, datetime | None]:
    """How many rows wait, and since when the oldest does."""
    query = select(func.count(), func.min(OutboxRow.created_at)).where(OutboxRow.status == WAITING)
    count, oldest = session.exec(query).one()
    return count, oldest


def told(session: Session, number: int) -> Sequence[Delivery]:
    """The destinations of an incident that have proven to hold it."""
    return [one for one in of_incident(session, number) if one.told_at is not None]


def _mine(session: Session, claim: Claim) -> Delivery | None:
    delivery = session.get(Delivery, claim.delivery.id)
    return delivery if delivery is not None and delivery.lease_owner == claim.delivery.lease_owner else None


def _release(delivery: Delivery) -> None:
    delivery.lease_until = None
    delivery.lease_owner = ""


def _has_waiting(session: Session, delivery: Delivery) -> bool:
    query = select(OutboxRow.id).where(OutboxRow.delivery_id == delivery.id, OutboxRow.status == WAITING).limit(1)
    return session.exec(query).first() is not None
