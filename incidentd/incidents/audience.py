"""An incident -> everybody who hears of a page of it, now or once they are muted no longer."""

from __future__ import annotations

from dataclasses import dataclass

from incidentd.catalog import destination as destinations
from incidentd.incidents.transaction import Transaction, number_of
from incidentd.routing.mute import Muted
from incidentd.store import deliveries, incidents
from incidentd.store.tables import Delivery, Incident


@dataclass(frozen=True, slots=True)
class Listener:
    """One destination. One that was not told yet has a row that is not stored."""

    delivery: Delivery
    is_told: bool
    muted: Muted | None


@dataclass(frozen=True, slots=True)
class Audience:
    """*muted* says why all of them are muted."""

    muted: Muted | None
    listeners: tuple[Listener, ...]


def of(tx: Transaction, incident: Incident) -> Audience:
    """Who was told, in that order, then whom else the routes name now."""
    firing = incidents.firing(tx.session, number_of(incident)) if tx.mutes.any_by_labels else []
    everybody = tx.mutes.of(firing)
    named = _named_by_routes(tx, incident)
    listeners = []
    for delivery in deliveries.of_incident(tx.session, number_of(incident), lock=True):
        _, muted = named.pop(delivery.destination_key, (delivery, None))
        listeners.append(Listener(delivery, is_told=True, muted=everybody or muted))
    listeners += [Listener(delivery, is_told=False, muted=everybody or muted) for delivery, muted in named.values()]
    return Audience(everybody, tuple(listeners))


def _named_by_routes(tx: Transaction, incident: Incident) -> dict[str, tuple[Delivery, Muted | None]]:
    """The destinations that the routes lead to now, by key, as rows that are not stored yet. One that two receivers
    have is muted when both are."""
    named: dict[str, tuple[Delivery, Muted | None]] = {}
    for one in tx.mutes.routed(incident):
        for channel, destination in tx.catalog.receivers[one.receiver].destinations():
            key = destinations.key(channel, destination)
            if key in named and (named[key][1] is None or one.muted is not None):
                continue
            delivery = Delivery(
                incident_number=number_of(incident),
                receiver=one.receiver,
                channel=channel,
                name=destinations.name(destination, one.receiver),
                destination=destinations.dump(destination),
                destination_key=key,
            )
            named[key] = (delivery, one.muted)
    return named
