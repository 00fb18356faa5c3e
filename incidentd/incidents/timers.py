"""Cooldowns and mutes that end -> pages that were held back."""

from __future__ import annotations

from collections.abc import Collection

from incidentd.alert import AlertKey
from incidentd.incidents import announce, episode
from incidentd.incidents.episode import RULE
from incidentd.incidents.transaction import Transaction, number_of
from incidentd.lifecycle import State
from incidentd.notify.notification import Kind
from incidentd.store import incidents, parts
from incidentd.store.tables import Incident, IncidentAlert
from incidentd.store.timeline import EntryKind

_STILL = "Still fires at the end of the cooldown"


def end_cooldowns(tx: Transaction, in_doubt: Collection[AlertKey]) -> int:
    """Pages for every incident whose cooldown has ended, that still fires, and that nobody has taken. How many. To who
    has taken it the page stays owed: it goes out when the acknowledgement is taken back. So it does while all that
    fires is *in_doubt*: it goes out once that is known again."""
    return sum(_end_cooldown(tx, incident, in_doubt) for incident in incidents.page_due(tx.session, tx.now))


def _end_cooldown(tx: Transaction, incident: Incident, in_doubt: Collection[AlertKey]) -> bool:
    """What fires only until its condition has been gone for long enough, or because nothing is known of it, is looked
    at again later: it will clear, or be back."""
    number = number_of(incident)
    fires = incidents.firing(tx.session, number)
    if fires and all(alert.clearing or AlertKey(alert.rule_id, alert.fingerprint) in in_doubt for alert in fires):
        return False
    incident.page_again_at = None
    if not fires:
        return False
    # While it was held, nobody kept it current.
    episode.describe(tx, incident, parts.firing(tx.session, [number])[number])
    if incident.state == State.RESOLVED:
        episode.reopen(tx, incident, _STILL, RULE)
    if tx.mutes.of(fires) is None:
        tx.record(incident, EntryKind.PAGED, RULE, f"{_STILL}; the opening notice goes out")
    episode.page_again(tx, incident, _STILL, known=Kind.OPENED)
    return True


def end_mutes(tx: Transaction) -> int:
    """Pages for every incident that nobody has taken, that still fires, and of which somebody was not told who is muted
    no longer. How many. As with cooldowns, to who has taken it the page stays owed."""
    owed = incidents.owed(tx.session)
    firing = incidents.firing_of(tx.session, [number_of(incident) for incident in owed])
    return sum(_end_mute(tx, incident, firing[number_of(incident)]) for incident in owed)


def _end_mute(tx: Transaction, incident: Incident, fires: list[IncidentAlert]) -> bool:
    if all(alert.clearing for alert in fires) or tx.mutes.of(fires) is not None:
        return False
    routed = tx.mutes.routed(incident)
    if routed and all(one.muted is not None for one in routed):
        return False
    text = f"Still fires, and {incident.muted_by} mutes it no longer"
    released = announce.release(tx, incident, text)
    if not released:
        return False
    incident.page_again_at = None
    receivers = ", ".join(dict.fromkeys(one.delivery.receiver for one in released))
    tx.record(incident, EntryKind.PAGED, RULE, f"{text}; the notice goes out to {receivers}")
    return True
