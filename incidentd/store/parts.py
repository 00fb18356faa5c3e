"""The parts of many alerts in incidents: Part <-> rows, in few statements."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from operator import attrgetter
from typing import NamedTuple

from sqlalchemy import select, tuple_
from sqlmodel import Session, col

from incidentd.alert import AlertKey
from incidentd.labels import Labels
from incidentd.store import bulk
from incidentd.store.tables import IncidentAlert


@dataclass(slots=True)
class Part:
    """An :class:`IncidentAlert` outside the session: ten thousand of those would cost seconds. Same names, same
    meaning, every column."""

    incident_number: int
    rule_id: str
    fingerprint: str
    rule: str
    severity: str
    since: datetime
    labels: Labels = field(default_factory=dict)
    condition: str = ""
    summary: str = ""
    description: str = ""
    annotations: Mapping[str, str] = field(default_factory=dict)
    value: float | None = None
    peak: float | None = None
    clearing: bool = False
    cleared_at: datetime | None = None


class Firing(NamedTuple):
    """What an incident takes over from one of its alerts that fire."""

    severity: str
    summary: str
    labels: Labels


_NAMES = tuple(one.name for one in fields(Part))
_COLUMNS = [col(getattr(IncidentAlert, name)) for name in _NAMES]
_values = attrgetter(*_NAMES)


def holding(session: Session, alerts: Iterable[AlertKey]) -> dict[AlertKey, Part]:
    """For each of *alerts* its part in the newest incident in which it has not cleared; none for those without one."""
    found: dict[AlertKey, Part] = {}
    key = tuple_(col(IncidentAlert.rule_id), col(IncidentAlert.fingerprint))
    for batch in bulk.batches((alert.rule_id, alert.fingerprint) for alert in alerts):
        query = select(*_COLUMNS).where(key.in_(batch), col(IncidentAlert.cleared_at).is_(None))
        for row in session.connection().execute(query.order_by(col(IncidentAlert.incident_number))):
            part = Part(*row)
            found[AlertKey(part.rule_id, part.fingerprint)] = part
    return found


def save(session: Session, parts: Collection[Part]) -> None:
    """Writes every column of each. No two may be of the same alert in the same incident."""
    bulk.upsert(session, IncidentAlert, [dict(zip(_NAMES, _values(part), strict=True)) for part in parts])


def firing(session: Session, numbers: Iterable[int]) -> Mapping[int, list[Firing]]:
    """What fires in each of these incidents, worst first and oldest first; empty where nothing does."""
    incident = col(IncidentAlert.incident_number)
    order = (incident, col(IncidentAlert.severity), col(IncidentAlert.since), col(IncidentAlert.fingerprint))
    found: dict[int, list[Firing]] = {}
    for batch in bulk.batches(numbers):
        found |= {number: [] for number in batch}
        query = select(incident, *(col(getattr(IncidentAlert, name)) for name in Firing._fields))
        fires = query.where(incident.in_(batch), col(IncidentAlert.cleared_at).is_(None))
        for number, *what in session.connection().execute(fires.order_by(*order)):
            found[number].append(Firing(*what))
    return found
