"""A silence that nobody made yet -> what it would mute now, and what it would have muted in the last seven days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from incidentd.alert import Phase
from incidentd.labels import Labels, Matchers
from incidentd.lifecycle import State
from incidentd.notify.notification import Kind
from incidentd.routing import mute
from incidentd.store import alerts, bulk, deliveries, incidents
from incidentd.store.database import Session
from incidentd.store.tables import Incident

LOOKS_BACK = timedelta(days=7)
MOST_LISTED = 50
"""Of alerts and incidents each; all are counted."""
_MOST_INCIDENTS = 10_000
"""That are looked at, newest first."""
_T = TypeVar("_T")
_PAGES = (Kind.OPENED.value, Kind.ESCALATED.value, Kind.REMINDED.value)


@dataclass(frozen=True, slots=True)
class AlertSeen:
    """An alert that would be muted, and whether it is pending or firing."""

    labels: Labels
    phase: str


@dataclass(frozen=True, slots=True)
class IncidentSeen:
    """An incident with an alert that would be muted. *wholly*: all of its alerts would; then nobody would be told."""

    number: int
    title: str
    severity: str
    state: str
    opened_at: datetime
    wholly: bool

    @property
    def name(self) -> str:
        return f"INC-{self.number}"


@dataclass(slots=True)
class Preview:
    """*alerts* and *open_incidents* are those of now; *past* are the incidents that were open in the last seven days,
    newest first, the open ones among them. Lists are cut at :data:`MOST_LISTED`, counts are not. *pages* were sent for
    those incidents that would have been muted as a whole. *is_complete* is False when there were too many to look at.
    """

    matchers: Matchers
    alerts: list[AlertSeen] = field(default_factory=list)
    alert_count: int = 0
    open_incidents: list[IncidentSeen] = field(default_factory=list)
    open_count: int = 0
    past: list[IncidentSeen] = field(default_factory=list)
    past_count: int = 0
    past_alert_count: int = 0
    pages: int = 0
    is_complete: bool = True


def of(session: Session, matchers: Matchers, now: datetime) -> Preview:
    """Changes nothing. An incident is matched by the labels that its alerts had last."""
    preview = Preview(matchers)
    for labels, severity, phase in alerts.labels_by_phase(session, (Phase.FIRING, Phase.PENDING)):
        seen = mute.labels_of(labels, severity) if severity else labels
        if matchers.matches(seen):
            preview.alert_count += 1
            _add(preview.alerts, AlertSeen(seen, phase))
    found = incidents.active_since(session, now - LOOKS_BACK)[::-1]
    preview.is_complete = len(found) <= _MOST_INCIDENTS
    for several in bulk.batches(found[:_MOST_INCIDENTS]):
        _look_at(session, several, preview)
    return preview


def _look_at(session: Session, several: Sequence[Incident], preview: Preview) -> None:
    matchers = preview.matchers
    parts = incidents.alerts_of(session, [one.number for one in several if one.number is not None])
    muted: list[int] = []
    for incident in several:
        number = incident.number or 0
        met = [part for part in parts[number] if matchers.matches(mute.labels_of(part.labels, part.severity))]
        if not met:
            continue
        preview.past_count += 1
        preview.past_alert_count += len(met)
        seen = _seen(incident, wholly=len(met) == len(parts[number]))
        _add(preview.past, seen)
        if seen.wholly:
            muted.append(number)
        firing = [part for part in parts[number] if part.cleared_at is None]
        if incident.state != State.RESOLVED and any(part in met for part in firing):
            preview.open_count += 1
            _add(preview.open_incidents, _seen(incident, wholly=all(part in met for part in firing)))
    preview.pages += deliveries.count_sent(session, muted, _PAGES)


def _seen(incident: Incident, *, wholly: bool) -> IncidentSeen:
    return IncidentSeen(
        number=incident.number or 0,
        title=incident.title,
        severity=incident.severity,
        state=incident.state,
        opened_at=incident.opened_at,
        wholly=wholly,
    )


def _add(listed: list[_T], item: _T) -> None:
    if len(listed) < MOST_LISTED:
        listed.append(item)
