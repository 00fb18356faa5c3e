"""Vendors tell an event at least once: which of them were acted on already."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from incidentd.store.tables import Callback


def first_time(session: Session, vendor: str, event_id: str, now: datetime) -> bool:
    """Whether this event is new; it is not new any more once the transaction commits."""
    if session.get(Callback, (vendor, event_id)) is not None:
        return False
    session.add(Callback(vendor=vendor, event_id=event_id, received_at=now))
    return True
