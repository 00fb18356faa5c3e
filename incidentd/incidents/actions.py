"""What a person asks for -> the state machine, once, with everybody told."""

from __future__ import annotations

from datetime import datetime

from incidentd.incidents import announce, episode, held, wording
from incidentd.incidents.actor import Actor
from incidentd.incidents.callback import Callback
from incidentd.incidents.outcome import Outcome, Result
from incidentd.incidents.transaction import Transaction, number_of
from incidentd.lifecycle import Action, State, after
from incidentd.notify.notification import Kind
from incidentd.store import callbacks, incidents, timeline
from incidentd.store.tables import Incident, TimelineEntry
from incidentd.store.timeline import EntryKind

_ENTRY = {
    Action.ACKNOWLEDGE: EntryKind.ACKNOWLEDGED,
    Action.UNACKNOWLEDGE: EntryKind.UNACKNOWLEDGED,
    Action.MITIGATE: EntryKind.MITIGATING,
    Action.RESOLVE: EntryKind.RESOLVED,
    Action.REOPEN: EntryKind.REOPENED,
}
_KIND = {
    Action.ACKNOWLEDGE: Kind.ACKNOWLEDGED,
    Action.UNACKNOWLEDGE: Kind.UPDATED,
    Action.MITIGATE: Kind.ACKNOWLEDGED,
    Action.RESOLVE: Kind.RESOLVED,
}


def act(tx: Transaction, number: int, action: Action, actor: Actor, *, version: int | None, note: str) -> Outcome:
    """Does it if the incident is still as the actor saw it (*version*; None means as it is now)."""
    incident = incidents.get(tx.session, number, lock=True)
    if incident is None:
        return unknown(number)
    state = State(incident.state)
    target = after(state, action)
    if target is state:
        return Outcome(Result.REPEATED, number, state, wording.already(incident))
    obstacle = _obstacle(tx, incident, action, version)
    if obstacle is not None:
        announce.answer(tx, incident, actor, obstacle[1])
        return Outcome(obstacle[0], number, state, obstacle[1])
    assert target is not None  # noqa: S101 - what the table refuses is an obstacle
    incidents.move(tx.session, incident, to=target)
    _stamp(tx, incident, action, actor)
    text = wording.done(action, actor.name, note)
    tx.record(incident, _ENTRY[action], actor, text)
    if action is Action.REOPEN:
        episode.page_again(tx, incident, text, known=Kind.OPENED)
    else:
        announce.tell(tx, incident, _KIND[action], text)
    return Outcome(Result.DONE, number, target, text)


def act_from_afar(tx: Transaction, callback: Callback, action: Action, actor: Actor) -> Outcome:
    """Does it once, and only if the event is about the newest page of its incident."""
    incident = incidents.with_uid(tx.session, callback.uid)
    if incident is None:
        return Outcome(Result.UNKNOWN, 0, None, "There is no such incident.")
    is_new = callbacks.first_time(tx.session, callback.vendor, callback.event_id, tx.now)
    if not is_new or callback.generation != incident.generation:
        return Outcome(Result.REPEATED, number_of(incident), State(incident.state), wording.already(incident))
    return act(tx, number_of(incident), action, actor, version=None, note="")


def add_note(tx: Transaction, number: int, actor: Actor, text: str) -> Outcome:
    """A note in the timeline, for everybody who was told."""
    incident = incidents.get(tx.session, number)
    if incident is None:
        return unknown(number)
    tx.record(incident, EntryKind.NOTE, actor, text)
    announce.tell(tx, incident, Kind.UPDATED, f"Note by {actor.name}: {text}")
    return Outcome(Result.DONE, number, State(incident.state), "Noted")


def unknown(number: int) -> Outcome:
    return Outcome(Result.UNKNOWN, number, None, f"There is no INC-{number}.")


def _obstacle(tx: Transaction, incident: Incident, action: Action, version: int | None) -> tuple[Result, str] | None:
    """Why it cannot be done, as a sentence for the actor; None when nothing is in the way."""
    if version is not None and version != incident.version:
        return Result.STALE, wording.stale(incident, _last_move(tx, number_of(incident)), tx.now)
    if after(State(incident.state), action) is None:
        return Result.REFUSED, wording.refused(incident, action)
    newest = incidents.latest_with_key(tx.session, incident.key)
    if action is Action.REOPEN and newest is not None and newest.number != incident.number:
        return Result.REFUSED, wording.followed(incident, newest)
    return None


def _stamp(tx: Transaction, incident: Incident, action: Action, actor: Actor) -> None:
    """Who did it and when. The first acknowledgement counts for the time to acknowledge."""
    incident.updated_at = tx.now
    match action:
        case Action.ACKNOWLEDGE:
            incident.acknowledged_at = incident.acknowledged_at or tx.now
            incident.acknowledged_by = actor.name
            incident.mitigating_at = None
        case Action.UNACKNOWLEDGE:
            incident.acknowledged_at, incident.acknowledged_by = None, ""
        case Action.MITIGATE:
            incident.acknowledged_at = incident.acknowledged_at or tx.now
            incident.acknowledged_by = incident.acknowledged_by or actor.name
            incident.mitigating_at = tx.now
        case Action.RESOLVE:
            incident.resolved_at, incident.resolved_by = tx.now, actor.name
            incident.page_again_at = _held_until(tx, incident)
            held.over(tx, incident)
        case Action.REOPEN:
            episode.begin_response_anew(incident)


def _held_until(tx: Transaction, incident: Incident) -> datetime | None:
    """When it pages again if what a person resolved still fires then; None when nothing fires."""
    fires = incidents.firing(tx.session, number_of(incident))
    return tx.now + episode.cooldown(incident) if fires else None


def _last_move(tx: Transaction, number: int) -> TimelineEntry | None:
    moves = {kind.value for kind in _ENTRY.values()}
    return next((entry for entry in reversed(timeline.of(tx.session, number)) if entry.kind in moves), None)
