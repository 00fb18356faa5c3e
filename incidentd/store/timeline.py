"""The append-only list of what happened to an incident."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from sqlmodel import Session, col, select

from incidentd.store.tables import Incident, TimelineEntry


class EntryKind(StrEnum):
    """What happened."""

    OPENED = "opened"
    REOPENED = "reopened"
    ALERT = "alert"
    SEVERITY = "severity"
    ACKNOWLEDGED = "acknowledged"
    UNACKNOWLEDGED = "unacknowledged"
    MITIGATING = "mitigating"
    RESOLVED = "resolved"
    PAGED = "paged"
    MUTED = "muted"
    NOTE = "note"
    DELIVERY = "delivery"
    MISSED = "missed"


def append(
    session: Session, incident: Incident, kind: EntryKind, *, at: datetime, who: str, origin: str, text: str
) -> None:
    """Adds an entry with the state and severity that *incident* has now."""
    assert incident.number is not None  # noqa: S101 - it was flushed
    session.add(
        TimelineEntry(
            incident_number=incident.number,
            at=at,
            kind=kind.value,
            who=who,
            origin=origin,
            text=text,
            state=incident.state,
            severity=incident.severity,
        )
    )


def of(session: Session, number: int, *, newest: int | None = None) -> list[TimelineEntry]:
    """An incident's timeline, oldest first; the *newest* entries of it."""
    query = select(TimelineEntry).where(TimelineEntry.incident_number == number)
    return list(session.exec(query.order_by(col(TimelineEntry.id).desc()).limit(newest)))[::-1]


def of_all(session: Session, numbers: Sequence[int]) -> dict[int, list[TimelineEntry]]:
    """The timelines of several incidents in one query, by incident, oldest entry first."""
    found: dict[int, list[TimelineEntry]] = {number: [] for number in numbers}
    query = select(TimelineEntry).where(col(TimelineEntry.incident_number).in_(numbers))
    for entry in session.exec(query.order_by(col(TimelineEntry.id))):
        found[entry.incident_number].append(entry)
    return found
