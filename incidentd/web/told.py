"""Deliveries and their outbox rows -> who has been told of an incident, and who not yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from incidentd.store import deliveries
from incidentd.store.database import Session
from incidentd.store.tables import Delivery, OutboxRow


class DeliveryState(StrEnum):
    WAITING = "waiting"
    RETRYING = "retrying"
    """An attempt failed; it is tried again."""
    DELIVERED = "delivered"
    FAILED = "failed"
    """It was given up: the newest thing to tell was not told."""


@dataclass(frozen=True, slots=True)
class Told:
    """One destination. *name* holds Jira's issue once there is one; *error* is empty unless the last attempt failed."""

    channel: str
    name: str
    receiver: str
    state: DeliveryState
    told_at: datetime | None
    next_attempt_at: datetime | None
    error: str


def of_incident(session: Session, number: int) -> list[Told]:
    """Every destination of the incident, in the order in which they were first told."""
    newest = {row.delivery_id: row for row in deliveries.rows_of(session, number)}
    return [_told(one, newest.get(one.id)) for one in deliveries.of_incident(session, number) if one.id is not None]


def counts(told: Sequence[Told]) -> dict[DeliveryState, int]:
    """How many destinations are in each state; states that none is in are left out."""
    return {state: count for state in DeliveryState if (count := sum(one.state is state for one in told))}


def _told(delivery: Delivery, newest: OutboxRow | None) -> Told:
    state = _state(delivery, newest)
    return Told(
        channel=delivery.channel,
        name=f"Jira {delivery.remote['key']}" if delivery.remote.get("key") else delivery.name,
        receiver=delivery.receiver,
        state=state,
        told_at=delivery.told_at,
        next_attempt_at=delivery.due_at if state in (DeliveryState.WAITING, DeliveryState.RETRYING) else None,
        error=delivery.last_error if state is not DeliveryState.DELIVERED else "",
    )


def _state(delivery: Delivery, newest: OutboxRow | None) -> DeliveryState:
    if newest is not None and newest.status == deliveries.WAITING:
        return DeliveryState.RETRYING if delivery.failing_since is not None else DeliveryState.WAITING
    if newest is not None and newest.status == deliveries.DEAD:
        return DeliveryState.FAILED
    return DeliveryState.DELIVERED
