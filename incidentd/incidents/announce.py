"""An incident -> outbox rows, in the transaction that changed it."""

from __future__ import annotations

from incidentd.catalog import destination as destinations
from incidentd.incidents.actor import SYSTEM, Actor
from incidentd.incidents.transaction import Transaction, number_of
from incidentd.notify.notification import Kind
from incidentd.routing import router
from incidentd.severity import Severity
from incidentd.store import deliveries
from incidentd.store.tables import Delivery, Incident
from incidentd.store.timeline import EntryKind


def page(tx: Transaction, incident: Incident, text: str, *, known: Kind = Kind.OPENED) -> None:
    """Tells everybody whom the routes name now: those who know the incident as *known*, the others that it opened."""
    told = {one.destination_key: one for one in deliveries.of_incident(tx.session, number_of(incident), lock=True)}
    named = _named_by_routes(tx, incident)
    for delivery in told.values():
        _enqueue(tx, delivery, known, text)
    for key, delivery in named.items():
        if key not in told:
            tx.session.add(delivery)
            tx.session.flush()
            _enqueue(tx, delivery, Kind.OPENED, text)
    if not told and not named:
        nobody = f"Nobody is told: no route leads {incident.severity} with these labels to a destination"
        tx.record(incident, EntryKind.DELIVERY, SYSTEM, nobody)


def tell(tx: Transaction, incident: Incident, kind: Kind, text: str) -> None:
    """Tells everybody who was told of the opening, whatever the routes say now."""
    for delivery in deliveries.of_incident(tx.session, number_of(incident), lock=True):
        _enqueue(tx, delivery, kind, text)


def answer(tx: Transaction, incident: Incident, actor: Actor, text: str) -> None:
    """Redraws the message in the actor's channel, and tells the actor alone why nothing changed."""
    for delivery in deliveries.of_incident(tx.session, number_of(incident), lock=True):
        if actor.channel and delivery.remote.get("channel") == actor.channel:
            _enqueue(tx, delivery, Kind.UPDATED, text, private_user=actor.user)


def _enqueue(tx: Transaction, delivery: Delivery, kind: Kind, text: str, private_user: str = "") -> None:
    deliveries.enqueue(tx.session, delivery, kind=kind.value, text=text, now=tx.now, private_user=private_user)


def _named_by_routes(tx: Transaction, incident: Incident) -> dict[str, Delivery]:
    """The destinations that the routes lead to now, by key, as rows that are not stored yet."""
    named: dict[str, Delivery] = {}
    for routed in router.route(tx.catalog.route, Severity(incident.severity), incident.labels):
        for channel, destination in tx.catalog.receivers[routed.receiver].destinations():
            key = destinations.key(channel, destination)
            delivery = Delivery(
                incident_number=number_of(incident),
                receiver=routed.receiver,
                channel=channel,
                name=destinations.name(destination, routed.receiver),
                destination=destinations.dump(destination),
                destination_key=key,
            )
            named.setdefault(key, delivery)
    return named
