"""Queries on incidents and their alerts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import func, update
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from incidentd.lifecycle import OPEN_STATES, State
from incidentd.store import bulk
from incidentd.store.tables import Incident, IncidentAlert

# As strong as an UPDATE and no stronger: workers may still write rows that refer to the incident.
_LOCK: dict[str, Any] = {"key_share": True}
_WORST_FIRST = (
    col(IncidentAlert.cleared_at).is_not(None),
    col(IncidentAlert.severity),
    col(IncidentAlert.since),
    col(IncidentAlert.fingerprint),
)


class AlertCount(NamedTuple):
    """How many alerts of an incident fire, and how many it has had."""

    firing: int
    total: int


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


def newest_with_keys(session: Session, keys: Iterable[str]) -> dict[str, int]:
    """The number of the newest incident of each key, whatever its state; none for a key that has none."""
    found: dict[str, int] = {}
    for batch in bulk.batches(keys):
        newest = select(Incident.key, func.max(Incident.number)).where(col(Incident.key).in_(batch))
        found |= {key: number for key, number in session.exec(newest.group_by(col(Incident.key))) if number is not None}
    return found


def lock_all(session: Session, numbers: Iterable[int]) -> dict[int, Incident]:
    """These incidents by number, as they are now, kept from other writers until the transaction ends."""
    found: dict[int, Incident] = {}
    for batch in bulk.batches(sorted(numbers)):
        query = select(Incident).where(col(Incident.number).in_(batch)).order_by(col(Incident.number))
        locked = query.with_for_update(**_LOCK).execution_options(populate_existing=True)
        found |= {one.number: one for one in session.exec(locked) if one.number is not None}
    return found


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


def any_page_held(session: Session) -> bool:
    """Whether any incident waits for the end of its cooldown: a look that takes no lock."""
    held = select(Incident.number).where(col(Incident.page_again_at).is_not(None)).limit(1)
    return session.connection().execute(held).first() is not None


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


def alerts(session: Session, number: int, *, most: int | None = None) -> list[IncidentAlert]:
    """The incident's alerts, firing ones first, worst first; the first *most* of them."""
    query = select(IncidentAlert).where(IncidentAlert.incident_number == number)
    return list(session.exec(query.order_by(*_WORST_FIRST).limit(most)))


def firing(session: Session, number: int) -> list[IncidentAlert]:
    """The incident's alerts that have not cleared, worst first."""
    query = select(IncidentAlert).where(
        IncidentAlert.incident_number == number, col(IncidentAlert.cleared_at).is_(None)
    )
    return list(session.exec(query.order_by(*_WORST_FIRST)))


def alerts_of(session: Session, numbers: Sequence[int], *, most: int | None = None) -> dict[int, list[IncidentAlert]]:
    """The first *most* alerts (None: all) of each of several incidents in one query, by incident, in the order of
    :func:`alerts`."""
    found: dict[int, list[IncidentAlert]] = {number: [] for number in numbers}
    place = func.row_number().over(partition_by=col(IncidentAlert.incident_number), order_by=_WORST_FIRST)
    of_them = select(IncidentAlert, place.label("place")).where(col(IncidentAlert.incident_number).in_(numbers))
    placed = of_them.subquery()
    first = select(aliased(IncidentAlert, placed)).order_by(placed.c.place)
    for alert in session.exec(first if most is None else first.where(placed.c.place <= most)):
        found[alert.incident_number].append(alert)
    return found


def count_alerts(session: Session, numbers: Sequence[int]) -> dict[int, AlertCount]:
    """How many alerts each of several incidents has, in one query."""
    number = col(IncidentAlert.incident_number)
    fires = func.count().filter(col(IncidentAlert.cleared_at).is_(None))
    query = select(number, fires, func.count()).where(number.in_(numbers)).group_by(number)
    return {one: AlertCount(0, 0) for one in numbers} | {one: AlertCount(*count) for one, *count in session.exec(query)}


def firing_of(session: Session, numbers: Sequence[int]) -> dict[int, list[IncidentAlert]]:
    """The alerts of several incidents that have not cleared, by incident, in few queries."""
    found: dict[int, list[IncidentAlert]] = {number: [] for number in numbers}
    for batch in bulk.batches(numbers):
        several = col(IncidentAlert.incident_number).in_(batch)
        for alert in session.exec(select(IncidentAlert).where(several, col(IncidentAlert.cleared_at).is_(None))):
            found[alert.incident_number].append(alert)
    return found


def all_holding(session: Session) -> dict[tuple[str, str], IncidentAlert]:
    """Of every alert that fires its part in the newest incident in which it has not cleared, by (rule id,
    fingerprint)."""
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
