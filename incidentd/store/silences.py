"""Silences that people made while the service ran."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import or_
from sqlmodel import Session, col, select

from incidentd.store.tables import SilenceRow


def get(session: Session, number: int, *, lock: bool = False) -> SilenceRow | None:
    """The silence of that number; *lock* keeps other writers away from it until the transaction ends."""
    return session.get(SilenceRow, number, with_for_update=True if lock else None, populate_existing=lock)


def recent(session: Session, limit: int) -> list[SilenceRow]:
    """At most *limit*, newest first."""
    return list(session.exec(select(SilenceRow).order_by(col(SilenceRow.number).desc()).limit(limit)))


def unexpired(session: Session, now: datetime) -> list[SilenceRow]:
    """Those that mute now or later, oldest first."""
    ends_at = col(SilenceRow.ends_at)
    query = select(SilenceRow).where(col(SilenceRow.ended_at).is_(None), or_(ends_at.is_(None), ends_at > now))
    return list(session.exec(query.order_by(col(SilenceRow.number))))


def announced_since(session: Session, since: datetime) -> list[SilenceRow]:
    """Maintenance that was not over at *since*, oldest first."""
    ended_at, ends_at = col(SilenceRow.ended_at), col(SilenceRow.ends_at)
    query = select(SilenceRow).where(
        col(SilenceRow.maintenance).is_not(None),
        or_(ended_at.is_(None), ended_at > since),
        or_(ends_at.is_(None), ends_at > since),
    )
    return list(session.exec(query.order_by(col(SilenceRow.number))))
