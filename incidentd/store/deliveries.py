"""One incident at one destination: who is told, what waits, and who is telling."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import bindparam, case, func, update
from sqlmodel import Session, col, select

from incidentd.store.tables import Delivery, OutboxRow

WAITING, SENT, MERGED, DEAD = "waiting", "sent", "merged", "dead"
_LEASED = (col(Delivery.lease_until).is_not(None)) & (col(Delivery.lease_until) > col(Delivery.due_at))
_NEXT_DUE = select(func.min(case((_LEASED, col(Delivery.lease_until)), else_=col(Delivery.due_at)))).where(
    col(Delivery.channel) == bindparam("of_channel"), col(Delivery.due_at).is_not(None)
)
"""Made once: every channel asks it again and again."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One destination with everything that it must be told, held by one worker until the lease ends.

    *uncertain* says that an earlier attempt may have arrived: its answer was lost, or its worker died.
    """

    delivery: Delivery
    rows: tuple[OutboxRow, ...]
    uncertain: bool


def of_incident(session: Session, number: int, *, lock: bool = False) -> list[Delivery]:
    """Every destination that the incident was announced to, in that order. *lock* keeps workers away from them until
    the transaction ends; whoever calls :func:`enqueue` must, or what it adds is never due."""
    query = select(Delivery).where(Delivery.incident_number == number).order_by(col(Delivery.id))
    if lock:
        query = query.with_for_update(key_share=True).execution_options(populate_existing=True)
    return list(session.exec(query))


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


def next_due(session: Session, channel: str) -> datetime | None:
    """When a destination of *channel* is due that nobody is telling; None when nothing waits. Takes no lock."""
    found: datetime | None = session.connection().execute(_NEXT_DUE, {"of_channel": channel}).scalar_one()
    return found


def claim(
    session: Session,
    *,
    channel: str,
    owner: str,
    now: datetime,
    lease: timedelta,
    held: Collection[int] = (),
) -> Claim | None:
    """The destination of *channel* that has been due for longest, leased to *owner*; None when none is due.

    *held* are those that the caller's process is telling right now: however late, they are not told twice at once.
    After an uncertain attempt the claim is for the same rows again, so that the vendor can recognise it; what was
    enqueued since is due when that is settled.
    """
    free = (col(Delivery.lease_until).is_(None)) | (col(Delivery.lease_until) < now)
    candidate = session.exec(
        select(Delivery)
        .where(Delivery.channel == channel, col(Delivery.due_at) <= now, free, col(Delivery.id).not_in(held))
        .order_by(col(Delivery.due_at), col(Delivery.id))
        .limit(1)
        .with_for_update(skip_locked=True, key_share=True)
    ).one_or_none()
    if candidate is None:
        return None
    candidate.uncertain = candidate.uncertain or candidate.lease_until is not None
    rows = _waiting(session, candidate)
    candidate.attempted_row = rows[-1].id if rows else None
    candidate.lease_until = now + lease
    candidate.lease_owner = f"{owner}/{uuid4().hex}"
    candidate.attempts += 1
    return Claim(candidate, rows, candidate.uncertain)


def settle(
    session: Session,
    claim: Claim,
    *,
    now: datetime,
    remote: dict[str, str] | None,
    status: str,
    error: str = "",
    uncertain: bool = False,
) -> bool:
    """Ends the lease: the newest row of the claim gets *status*, the ones that it speaks for are merged into it.
    What was enqueued meanwhile is due at once. *uncertain* stays so for what comes next. False when the lease had
    ended and somebody else took over: then nothing is written."""
    delivery = _mine(session, claim)
    if delivery is None:
        return False
    if remote is not None:
        delivery.remote = remote
    if remote and status == SENT:
        delivery.told_at = now
    delivery.attempts = 0
    delivery.attempted_row = None
    delivery.uncertain = uncertain
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
    return True


def postpone(
    session: Session,
    claim: Claim,
    *,
    now: datetime,
    until: datetime,
    error: str,
    uncertain: bool,
    remote: dict[str, str] | None = None,
) -> bool:
    """Ends the lease after a failed attempt: the same rows are due again at *until*. *remote* is what the attempt left
    behind all the same. False as in :func:`settle`."""
    delivery = _mine(session, claim)
    if delivery is None:
        return False
    if remote is not None:
        delivery.remote = remote
    delivery.failing_since = delivery.failing_since or now
    delivery.last_error = error
    delivery.uncertain = uncertain
    delivery.due_at = until
    _release(delivery)
    return True


def release_all(session: Session) -> None:
    """Ends every lease at the start of a process that has the database to itself. What was being sent when its
    worker died may have arrived."""
    session.connection().execute(
        update(Delivery)
        .where(col(Delivery.lease_until).is_not(None))
        .values(lease_until=None, lease_owner="", uncertain=True)
    )


def hasten(session: Session, now: datetime) -> None:
    """What is due later is due now: the clock was moved back, and with it the time that was to be waited."""
    session.connection().execute(update(Delivery).where(col(Delivery.due_at) > now).values(due_at=now))


def waiting(session: Session) -> tuple[int, datetime | None]:
    """How many rows wait, and since when the oldest does."""
    query = select(func.count(), func.min(OutboxRow.created_at)).where(OutboxRow.status == WAITING)
    count, oldest = session.exec(query).one()
    return count, oldest


def count_sent(session: Session, numbers: Collection[int], kinds: Collection[str]) -> int:
    """How many notices of these *kinds* were sent about these incidents."""
    if not numbers:
        return 0
    query = select(func.count()).where(
        col(OutboxRow.incident_number).in_(numbers), col(OutboxRow.kind).in_(kinds), OutboxRow.status == SENT
    )
    return session.exec(query).one()


def told(session: Session, number: int) -> Sequence[Delivery]:
    """The destinations of an incident that have proven to hold it."""
    return [one for one in of_incident(session, number) if one.told_at is not None]


def _waiting(session: Session, delivery: Delivery) -> tuple[OutboxRow, ...]:
    query = select(OutboxRow).where(OutboxRow.delivery_id == delivery.id, OutboxRow.status == WAITING)
    if delivery.uncertain and delivery.attempted_row is not None:
        query = query.where(col(OutboxRow.id) <= delivery.attempted_row)
    return tuple(session.exec(query.order_by(col(OutboxRow.id))))


def _mine(session: Session, claim: Claim) -> Delivery | None:
    """The delivery, kept from everybody else, while the claim's lease holds; None when somebody else took it."""
    delivery = session.get(Delivery, claim.delivery.id, with_for_update={"key_share": True}, populate_existing=True)
    return delivery if delivery is not None and delivery.lease_owner == claim.delivery.lease_owner else None


def _release(delivery: Delivery) -> None:
    delivery.lease_until = None
    delivery.lease_owner = ""


def _has_waiting(session: Session, delivery: Delivery) -> bool:
    query = select(OutboxRow.id).where(OutboxRow.delivery_id == delivery.id, OutboxRow.status == WAITING).limit(1)
    return session.exec(query).first() is not None
