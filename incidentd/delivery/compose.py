"""A claim -> the notification that says all of it, from the incident as it is now."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from incidentd.catalog import runbook_link as runbook_links
from incidentd.catalog.catalog import Catalog
from incidentd.catalog.runbook_link import Reference
from incidentd.lifecycle import Action, State, actions
from incidentd.notify.notification import AlertLine, Kind, Notification, PrivateReply, RunbookLink, TimelineLine
from incidentd.severity import Severity
from incidentd.store import deliveries, incidents, timeline
from incidentd.store.database import Session
from incidentd.store.deliveries import Claim
from incidentd.store.tables import Incident, IncidentAlert, OutboxRow

_OFFERED = (Action.ACKNOWLEDGE, Action.MITIGATE, Action.RESOLVE)
_PAGES = (Kind.ESCALATED, Kind.OPENED, Kind.REMINDED)
_TAKEN = (State.ACKNOWLEDGED, State.MITIGATING)
_MOST_TEXTS = 10
"""What one message may add to its thread; an outage of the vendor must not end in hundreds of replies."""


_MOST_ALERTS = 100
_MOST_ENTRIES = 100
"""No channel shows more of either."""


def compose(session: Session, claim: Claim, *, catalog: Catalog, base_url: str, now: datetime) -> Notification | None:
    """None when nothing waits, or the incident is gone."""
    incident = incidents.get(session, claim.delivery.incident_number)
    if incident is None or not claim.rows:
        return None
    state = State(incident.state)
    first_contact = claim.delivery.told_at is None
    alerts = incidents.alerts(session, claim.delivery.incident_number, most=_MOST_ALERTS)
    listed_firing = sum(alert.cleared_at is None for alert in alerts)
    count = incidents.count_alerts(session, [claim.delivery.incident_number])[claim.delivery.incident_number]
    return Notification(
        id=claim.rows[-1].uid,
        kind=kind_of([Kind(row.kind) for row in claim.rows], state, first_contact=first_contact),
        headline=next((row.text for row in reversed(claim.rows) if row.text and not row.private_user), ""),
        now=now,
        number=claim.delivery.incident_number,
        uid=incident.uid,
        version=incident.version,
        generation=incident.generation,
        title=incident.title,
        state=state,
        severity=Severity(incident.severity),
        labels=incident.labels,
        alerts=tuple(_line(alert) for alert in alerts),
        more_firing=count.firing - listed_firing,
        more_cleared=count.total - count.firing - (len(alerts) - listed_firing),
        url=f"{base_url}/incidents/INC-{incident.number}",
        actions=tuple(action for action in actions(state) if action in _OFFERED),
        opened_at=incident.opened_at,
        owner=incident.owner,
        component=incident.component,
        acknowledged_at=incident.acknowledged_at,
        acknowledged_by=incident.acknowledged_by,
        mitigating_at=incident.mitigating_at,
        resolved_at=incident.resolved_at,
        resolved_by=incident.resolved_by,
        flaps=incident.flaps,
        previous=f"INC-{incident.previous_number}" if incident.previous_number else "",
        runbook=runbook_link(incident, catalog, base_url),
        timeline=tuple(
            TimelineLine(entry.at, entry.who, entry.text)
            for entry in timeline.of(session, claim.delivery.incident_number, newest=_MOST_ENTRIES)
        ),
        thread_texts=_thread_texts(claim.rows, first_contact=first_contact),
        private_replies=tuple(PrivateReply(row.private_user, row.text) for row in claim.rows if row.private_user),
        delivered=_delivered(session, claim),
    )


def kind_of(kinds: Sequence[Kind], state: State, *, first_contact: bool) -> Kind:
    """What several rows, oldest first, amount to now: the resolve if it is resolved, else the most urgent of them.

    Who was told nothing yet is told that it opened; a page that somebody has taken since is an acknowledgement.
    """
    if state is State.RESOLVED and Kind.RESOLVED in kinds:
        return Kind.RESOLVED
    page = next((kind for kind in _PAGES if kind in kinds), None)
    if first_contact and (page or state is not State.RESOLVED):
        return Kind.OPENED
    if state in _TAKEN and Kind.ACKNOWLEDGED in kinds:
        since = kinds[len(kinds) - kinds[::-1].index(Kind.ACKNOWLEDGED) :]
        return next((kind for kind in _PAGES if kind in since), Kind.ACKNOWLEDGED)
    return page or Kind.UPDATED


def runbook_link(incident: Incident, catalog: Catalog, base_url: str) -> RunbookLink | None:
    """The incident's runbook as it is authored now, or where it is if it is not ours."""
    link = runbook_links.link(catalog, Reference(incident.runbook, incident.runbook_url), base_url)
    if link is None:
        return None
    if link.runbook is None:
        return RunbookLink(name="", title=link.title, url=link.url, next_step="", owner="", expected_resolution=None)
    runbook = link.runbook
    return RunbookLink(
        name=runbook.name,
        title=link.title,
        url=link.url,
        next_step=runbook.next_step,
        owner=runbook.front.owner,
        expected_resolution=runbook.front.expected_resolution,
    )


def _line(alert: IncidentAlert) -> AlertLine:
    return AlertLine(
        rule=alert.rule,
        summary=alert.summary,
        description=alert.description,
        labels=alert.labels,
        severity=Severity(alert.severity),
        condition=alert.condition,
        annotations=alert.annotations,
        value=alert.value,
        peak=alert.peak,
        since=alert.since,
        cleared_at=alert.cleared_at,
    )


def _thread_texts(rows: Sequence[OutboxRow], *, first_contact: bool) -> tuple[str, ...]:
    """What belongs below the message: all but the opening that the message itself tells."""
    texts = [
        row.text
        for row in rows
        if row.text and not row.private_user and not (first_contact and row.kind == Kind.OPENED)
    ]
    left_out = len(texts) - _MOST_TEXTS
    if left_out > 0:
        return (f"{left_out} earlier happenings are in the timeline", *texts[left_out:])
    return tuple(texts)


def _delivered(session: Session, claim: Claim) -> tuple[str, ...]:
    """The other destinations that hold the incident, Jira with its issue."""
    others = (one for one in deliveries.told(session, claim.delivery.incident_number) if one.id != claim.delivery.id)
    return tuple(f"Jira {one.remote['key']}" if one.remote.get("key") else one.name for one in others)
