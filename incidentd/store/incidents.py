"""Queries on incidents and their alerts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, update
from sqlmodel import Session, col, select

from incidentd.lifecycle import OPEN_STATES, State
from incidentd.store.tables import Incident, IncidentAlert

_NUMBERS_PER_QUERY = 500
# As strong as an UPDATE and no stronger: workers may still write rows that refer to the incident.
_LOCK: dict[str, Any] = {"key_share": True}


class MovedError(Exception):
    """An incident was moved by somebody else at the same time; nothing was written."""


def get(session: Session, number: int, *, lock: bool = False) -> Incident | None:
    """The incident of that number; *lock* keeps other writers away from it until the transaction ends."""
    return session.get(Incident, number, with_for_update=_LOCK if lock else None, populate_existing=lock)


def with_uid(session: Session, uid: str) -> Incident | None:
    """The incident that vendors know by *uid*."""
    return session.exec(select(Incident).where(Incident.uid == uid)).one_or_none()


def latest_with_key(session: Session, key: str) -> Incident | None:
    """The newest incident of that key, whatever its state, kept from other writers until the transaction ends."""
    newest = select(Incident).where(Incident.key == key).order_by(col(Incident.number).desc()).limit(1)
    return session.exec(newest.with_for_update(**_LOCK)).one_or_none()


def recent(
    session: Session, *, states: Sequence[State] = (), limit: int = 100, before: int | None = None
) -> list[Incident]:
    """At most *limit* incidents in any of *states* (all when empty), newest first, those below number *before*."""
    query = select(Incident).order_by(col(Incident.number).desc()).limit(limit)
    if states:
        query = query.where(col(Incident.state).in_([state.value for state in states]))
    if before is not None:
        query = query.where(col(Incident.number) < before)
    return list(session.exec(query))


def active_since(session: Session, since: datetime) -> list[Incident]:
    """Every incident that was open at some time after *since*, oldest first."""
    resolved_at = col(Incident.resolved_at)
    query = select(Incident).where((col(Incident.state) != State.RESOLVED.value) | (resolved_at >= since))
    return list(session.exec(query.order_by(col(Incident.number))))


def page_due(session: Session, now: datetime) -> list[Incident]:
    """The incidents that nobody has taken and whose cooldown is over; one that ends later than it can is that of a
    clock that was moved back."""
    query = select(Incident).where(
        col(Incident.page_again_at).is_not(None), col(Incident.state).in_((State.DETECTED.value, State.RESOLVED.value))
    )
    held = session.exec(query.order_by(col(Incident.number)).with_for_update(**_LOCK))
    return [one for one in held if not _is_ahead(one, now)]


def owed(session: Session) -> list[Incident]:
    """The incidents that nobody has taken and of which somebody was not told, because of a mute."""
    query = select(Incident).where(col(Incident.held_at).is_not(None), Incident.state == State.DETECTED.value)
    return list(session.exec(query.order_by(col(Incident.number)).with_for_update(**_LOCK)))


def _is_ahead(incident: Incident, now: datetime) -> bool:
    wait = incident.page_again_at - now if incident.page_again_at is not None else timedelta()
    return timedelta() < wait <= timedelta(seconds=incident.cooldown_seconds)


def move(session: Session, incident: Incident, *, to: State) -> None:
    """Compare and set: the new state and the next version. Raises MovedError when somebody was faster, which cannot
    happen to an incident that this transaction keeps from other writers."""
    session.flush()
    moved = session.connection().execute(
        update(Incident)
        .where(col(Incident.number) == incident.number, col(Incident.version) == incident.version)
        .values(state=to.value, version=incident.version + 1)
    )
    if moved.rowcount != 1:
        raise MovedError(f"INC-{incident.number} is not at version {incident.version} any more")
    session.refresh(incident, ["state", "version"])


def alerts(session: Session, number: int) -> list[IncidentAlert]:
    """The incident's alerts, firing ones first, worst first."""
    query = select(IncidentAlert).where(IncidentAlert.incident_number == number)
    return sorted(
        session.exec(query),
        key=lambda alert: (alert.cleared_at is not None, alert.severity, alert.since, alert.fingerprint),
    )


def firing(session: Session, number: int) -> list[IncidentAlert]:
    """The incident's alerts that have not cleared, worst first."""
    return [alert for alert in alerts(session, number) if alert.cleared_at is None]


def alerts_of(session: Session, numbers: Sequence[int]) -> dict[int, list[IncidentAlert]]:
    """The alerts of several incidents in one query, by incident."""
    found: dict[int, list[IncidentAlert]] = {number: [] for number in numbers}
    for alert in session.exec(select(IncidentAlert).where(col(IncidentAlert.incident_number).in_(numbers))):
        found[alert.incident_number].append(alert)
    return found


def firing_of(session: Session, numbers: Sequence[int]) -> dict[int, list[IncidentAlert]]:
    """The alerts of several incidents that have not cleared, by incident, in few queries."""
    found: dict[int, list[IncidentAlert]] = {number: [] for number in numbers}
    for start in range(0, len(numbers), _NUMBERS_PER_QUERY):
        several = col(IncidentAlert.incident_number).in_(numbers[start : start + _NUMBERS_PER_QUERY])
        for alert in session.exec(select(IncidentAlert).where(several, col(IncidentAlert.cleared_at).is_(None))):
            found[alert.incident_number].append(alert)
    return found


def alert(session: Session, number: int, rule_id: str, fingerprint: str) -> IncidentAlert | None:
    """One alert's part in one incident."""
    return session.get(IncidentAlert, (number, rule_id, fingerprint))


def holding(session: Session, rule_id: str, fingerprint: str) -> IncidentAlert | None:
    """The part of the newest incident in which this alert has not cleared yet."""
    return session.exec(
        select(IncidentAlert)
        .where(
            IncidentAlert.rule_id == rule_id,
            IncidentAlert.fingerprint == fingerprint,
            col(IncidentAlert.cleared_at).is_(None),
        )
        .order_by(col(IncidentAlert.incident_number).desc())
        .limit(1)
    ).one_or_none()


def all_holding(session: Session) -> dict[tuple[str, str], IncidentAlert]:
    """What :func:`holding` says of every alert, by (rule id, fingerprint), in one query."""
    query = select(IncidentAlert).where(col(IncidentAlert.cleared_at).is_(None))
    found = session.exec(query.order_by(col(IncidentAlert.incident_number)))
    return {(alert.rule_id, alert.fingerprint): alert for alert in found}


def count_open(session: Session) -> dict[tuple[str, str], int]:
    """Open incidents by (state, severity)."""
    query = (
        select(Incident.state, Incident.severity, func.count())
        .where(col(Incident.state).in_([state.value for state in OPEN_STATES]))
        .group_by(col(Incident.state), col(Incident.severity))
    )
    return {(state, severity): count for state, severity, count in session.exec(query)}
