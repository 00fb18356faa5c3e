"""Stored incidents -> the shapes of the API."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from incidentd.catalog import runbook_link
from incidentd.catalog.catalog import Catalog
from incidentd.catalog.runbook_link import Reference
from incidentd.incidents.mutes import Mutes
from incidentd.lifecycle import State, actions
from incidentd.routing.mute import Muted
from incidentd.store import incidents, timeline
from incidentd.store.database import Session
from incidentd.store.incidents import AlertCount
from incidentd.store.tables import Incident, IncidentAlert, TimelineEntry
from incidentd.web import told
from incidentd.web.api_models import (
    AlertOut,
    DeliveryOut,
    IncidentInFull,
    IncidentOut,
    MutedOut,
    RunbookOut,
    TimelineOut,
)
from incidentd.web.context import WebContext

_MOST_LISTED = 50
"""Alerts of each incident in a list; one incident alone shows all of its."""
_COPIED = tuple(set(IncidentOut.model_fields) & set(Incident.model_fields))


def listed(session: Session, context: WebContext, found: Sequence[Incident]) -> list[IncidentOut]:
    """Several incidents, in as many queries as one takes."""
    numbers = [number for incident in found if (number := incident.number) is not None]
    alerts = incidents.alerts_of(session, numbers, most=_MOST_LISTED)
    counts = incidents.count_alerts(session, numbers)
    entries = timeline.of_all(session, numbers)
    why = muted(session, context, found)
    return [
        IncidentOut.model_validate(
            _fields(context, incident, alerts[number], counts[number], entries[number])
            | {"muted": _muted(why.get(number))}
        )
        for number, incident in zip(numbers, found, strict=True)
    ]


def in_full(session: Session, context: WebContext, number: int) -> IncidentInFull | None:
    """One incident with everything; None when there is none of that number."""
    incident = incidents.get(session, number)
    if incident is None:
        return None
    count = incidents.count_alerts(session, [number])[number]
    why = muted(session, context, [incident]).get(number)
    fields = _fields(context, incident, incidents.alerts(session, number), count, timeline.of(session, number))
    deliveries = [DeliveryOut.model_validate(one, from_attributes=True) for one in told.of_incident(session, number)]
    return IncidentInFull.model_validate({**fields, "muted": _muted(why), "deliveries": deliveries})


def muted(session: Session, context: WebContext, opened: Sequence[Incident]) -> dict[int, Muted]:
    """Why nobody would be paged now for those of *opened* that are muted, by number."""
    mutes = Mutes(session, context.current(), context.clock.now())
    if not mutes.any:
        return {}
    firing = incidents.firing_of(session, [one.number for one in opened if one.number is not None])
    found = {one.number: mutes.shown(one, firing[one.number]) for one in opened if one.number is not None}
    return {number: why for number, why in found.items() if why is not None}


def runbook(catalog: Catalog, reference: Reference, base_url: str) -> RunbookOut | None:
    """The runbook as it is authored now, or where it is if it is not ours."""
    link = runbook_link.link(catalog, reference, base_url)
    if link is None:
        return None
    found = link.runbook
    if found is None:
        return RunbookOut(
            name="", title=link.title, url=link.url, owner="", next_step="", expected_resolution_seconds=None
        )
    expected = found.front.expected_resolution
    return RunbookOut(
        name=found.name,
        title=found.front.title,
        url=link.url,
        owner=found.front.owner,
        next_step=found.next_step,
        expected_resolution_seconds=expected.total_seconds() if expected is not None else None,
    )


def _muted(why: Muted | None) -> MutedOut | None:
    return MutedOut.model_validate(why, from_attributes=True) if why is not None else None


def _fields(
    context: WebContext,
    incident: Incident,
    alerts: Sequence[IncidentAlert],
    count: AlertCount,
    entries: Sequence[TimelineEntry],
) -> dict[str, Any]:
    reference = Reference(incident.runbook, incident.runbook_url)
    linked = runbook(context.current(), reference, context.settings.base_url)
    return {
        **{name: getattr(incident, name) for name in _COPIED},
        "name": f"INC-{incident.number}",
        "url": f"{context.settings.base_url}/incidents/INC-{incident.number}",
        "actions": actions(State(incident.state)),
        "previous": f"INC-{incident.previous_number}" if incident.previous_number else None,
        "alerts": [AlertOut.model_validate(one, from_attributes=True) for one in alerts],
        "alert_count": count.total,
        "firing_count": count.firing,
        "runbooks": [linked] if linked is not None else [],
        "timeline": [TimelineOut.model_validate(one, from_attributes=True) for one in entries],
    }
