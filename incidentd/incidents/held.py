"""A page of which somebody hears later, or nobody does -> what is kept of that."""

from __future__ import annotations

from incidentd import metrics
from incidentd.incidents.actor import SYSTEM
from incidentd.incidents.audience import Audience
from incidentd.incidents.transaction import Transaction, number_of
from incidentd.store import deliveries
from incidentd.store.tables import Incident
from incidentd.store.timeline import EntryKind


def note(tx: Transaction, incident: Incident, audience: Audience) -> None:
    """Who of the *audience* of a page did not hear it, and why: in the timeline for people, beside the incident for
    machines."""
    held = {one.delivery.receiver: one.muted for one in audience.listeners if one.muted is not None}
    first = audience.muted or next(iter(held.values()), None)
    if first is None:
        nothing_owed(incident)
        return
    incident.held_at = tx.now
    incident.muted_reason, incident.muted_by = first.reason.value, first.by
    if audience.muted is not None:
        tx.record(incident, EntryKind.MUTED, SYSTEM, f"Nobody is paged: {first.sentence}")
    else:
        for receiver, muted in held.items():
            tx.record(incident, EntryKind.MUTED, SYSTEM, f"{receiver} is not paged: {muted.sentence}")
    metrics.MUTED_PAGES.labels(first.reason.value).inc()


def nothing_owed(incident: Incident) -> None:
    incident.held_at = None
    incident.muted_reason = incident.muted_by = ""


def over(tx: Transaction, incident: Incident) -> None:
    """The incident resolved: nobody is owed a page of it any more, and what was silenced until then is heard again. One
    of which nobody was told stays owed: when it fires again, that is news, whatever its cooldown says."""
    if incident.held_at is not None:
        told = deliveries.of_incident(tx.session, number_of(incident), lock=True)
        for delivery in told:
            delivery.held_page = ""
        if told:
            nothing_owed(incident)
    for silence in tx.mutes.stored:
        if silence.until_incident == incident.number and silence.ended_at is None:
            silence.ended_at, silence.ended_by = tx.now, f"INC-{incident.number}"
