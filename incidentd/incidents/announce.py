"""An incident -> outbox rows, in the transaction that changed it; who is muted is owed theirs."""

from __future__ import annotations

from incidentd.incidents import audience, held
from incidentd.incidents.actor import SYSTEM, Actor
from incidentd.incidents.audience import Listener
from incidentd.incidents.transaction import Transaction, number_of
from incidentd.notify.notification import Kind
from incidentd.severity import Severity
from incidentd.store import deliveries
from incidentd.store.tables import Delivery, Incident
from incidentd.store.timeline import EntryKind


def page(tx: Transaction, incident: Incident, text: str, *, known: Kind = Kind.OPENED) -> None:
    """Tells everybody whom the routes name now: those who know the incident as *known*, in a new generation so that
    every channel tells anew, the others that it opened. Who is muted is owed it."""
    heard_of_it = audience.of(tx, incident)
    for one in heard_of_it.listeners:
        if one.muted is None:
            _reach(tx, incident, one, known, text)
        elif one.is_told:
            one.delivery.held_page = known.value
            _enqueue(tx, one.delivery, Kind.UPDATED, text)
    held.note(tx, incident, heard_of_it)
    if not heard_of_it.listeners:
        nobody = f"Nobody is told: no route leads {incident.severity} with these labels to a destination"
        tx.record(incident, EntryKind.DELIVERY, SYSTEM, nobody)
    hear = [one for one in heard_of_it.listeners if one.muted is None]
    if any(one.is_told for one in hear):
        incident.generation += 1
    if hear or incident.held_at is None:
        incident.paged_at = tx.now


def release(tx: Transaction, incident: Incident, text: str) -> tuple[Listener, ...]:
    """Tells those who are owed a page and are muted no longer; returns them."""
    owed = [one for one in audience.of(tx, incident).listeners if _is_owed(incident, one)]
    released = tuple(one for one in owed if one.muted is None)
    if any(one.is_told for one in released) and not _paged_since_held(incident):
        incident.generation += 1
    for one in released:
        _reach(tx, incident, one, Kind(one.delivery.held_page or Kind.OPENED), text)
        incident.paged_at = tx.now
    if len(released) == len(owed):
        held.nothing_owed(incident)
    return released


def tell(tx: Transaction, incident: Incident, kind: Kind, text: str) -> None:
    """Tells everybody who was told of the opening, whatever the routes say now."""
    for delivery in deliveries.of_incident(tx.session, number_of(incident), lock=True):
        _enqueue(tx, delivery, kind, text)


def answer(tx: Transaction, incident: Incident, actor: Actor, text: str) -> None:
    """Redraws the message in the actor's channel, and tells the actor alone why nothing changed."""
    for delivery in deliveries.of_incident(tx.session, number_of(incident), lock=True):
        if actor.channel and delivery.remote.get("channel") == actor.channel:
            _enqueue(tx, delivery, Kind.UPDATED, text, private_user=actor.user)


def _paged_since_held(incident: Incident) -> bool:
    """Whether others were paged when these were not: then the generation is a new one to these already."""
    return incident.held_at is None or incident.paged_at >= incident.held_at


def _is_owed(incident: Incident, listener: Listener) -> bool:
    """A climb that was taken back meanwhile is owed to nobody who was paged at the severity of now, or a worse one."""
    held_page, paged = listener.delivery.held_page, listener.delivery.paged_severity
    if held_page == Kind.ESCALATED and paged:
        return Severity(incident.severity).is_worse_than(Severity(paged))
    return bool(held_page) or not listener.is_told


def _reach(tx: Transaction, incident: Incident, listener: Listener, known: Kind, text: str) -> None:
    delivery = listener.delivery
    if not listener.is_told:
        tx.session.add(delivery)
        tx.session.flush()
    delivery.held_page, delivery.paged_severity = "", incident.severity
    _enqueue(tx, delivery, known if listener.is_told else Kind.OPENED, text)


def _enqueue(tx: Transaction, delivery: Delivery, kind: Kind, text: str, private_user: str = "") -> None:
    deliveries.enqueue(tx.session, delivery, kind=kind.value, text=text, now=tx.now, private_user=private_user)
