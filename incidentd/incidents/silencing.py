"""Silences: asked for, ended, listed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from incidentd.catalog.catalog import Catalog
from incidentd.catalog.explain import did_you_mean
from incidentd.catalog.silence import Maintenance
from incidentd.incidents import wording
from incidentd.incidents.actor import Actor
from incidentd.incidents.mutes import stored
from incidentd.incidents.transaction import Transaction
from incidentd.labels import Matcher, Matchers
from incidentd.lifecycle import State
from incidentd.routing import silence as routing_silence
from incidentd.routing.silence import Silence, SilenceState
from incidentd.store import incidents, silences
from incidentd.store.database import Session
from incidentd.store.tables import Incident, SilenceRow

MOST_LISTED = 1000
_STORED = re.compile(r"S-([1-9][0-9]{0,8})", re.IGNORECASE)


class SilenceError(Exception):
    """A silence that is not made, or not ended; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What somebody asks for. Without *starts_at* it begins at once. It needs *ends_at*, *until_incident*, or both.
    Without *matchers* it takes the labels of that incident. *everything* says that it is meant to match alerts without
    labels too."""

    matchers: Matchers
    author: str = ""
    reason: str = ""
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    until_incident: int | None = None
    maintenance: Maintenance | None = None
    everything: bool = False


def matchers_of(session: Session, draft: Draft) -> Matchers:
    """What *draft* would match. Raises SilenceError when that is nothing, or everything unasked."""
    matchers = draft.matchers
    if draft.until_incident is not None:
        incident = _open_incident(session, draft.until_incident)
        if not matchers.all_of and not draft.everything:
            matchers = Matchers(tuple(Matcher(name, "=", value) for name, value in sorted(incident.labels.items())))
    if matchers.matches({}) and not draft.everything:
        raise SilenceError(
            "These matchers are met by every alert, or by one without labels; name a label that alerts have, or say "
            "that everything is meant."
        )
    return matchers


def make(tx: Transaction, draft: Draft, actor: Actor) -> Silence:
    """Stores it: from now on it mutes. Raises SilenceError; then nothing was written."""
    starts_at = max(draft.starts_at or tx.now, tx.now).astimezone(UTC)
    _require(draft, starts_at, tx.catalog)
    row = SilenceRow(
        matchers=[str(one) for one in matchers_of(tx.session, draft).all_of],
        author=wording.storable(draft.author.strip()),
        reason=wording.storable(draft.reason.strip()),
        origin=actor.origin.value,
        starts_at=starts_at,
        ends_at=draft.ends_at.astimezone(UTC) if draft.ends_at is not None else None,
        until_incident=draft.until_incident,
        maintenance=draft.maintenance.model_dump(mode="json") if draft.maintenance is not None else None,
        created_at=tx.now,
    )
    tx.session.add(row)
    tx.session.flush()
    return stored(row)


def end(tx: Transaction, silence_id: str, actor: Actor) -> Silence | None:
    """Ends it now; one that is over stays as it is. None when there is none of that id. Raises SilenceError for one
    that is kept in git."""
    number = _number(silence_id)
    if number is None:
        if any(one.id == silence_id for one in tx.catalog.silences):
            raise SilenceError(f"{silence_id} is kept in a file of the catalog; take it out there.")
        return None
    row = silences.get(tx.session, number, lock=True)
    if row is not None and stored(row).state(tx.now) is not SilenceState.EXPIRED:
        row.ended_at, row.ended_by = tx.now, actor.name
    return stored(row) if row is not None else None


def every(session: Session, catalog: Catalog, now: datetime) -> list[Silence]:
    """Those of the catalog, then those that people made, newest first. Of expired ones the oldest are left out."""
    rows = {row.number: row for row in (*silences.recent(session, MOST_LISTED), *silences.unexpired(session, now))}
    made = sorted(map(stored, rows.values()), key=lambda one: one.created_at or now, reverse=True)
    return [*map(routing_silence.authored, catalog.silences), *made]


def one(session: Session, catalog: Catalog, silence_id: str) -> Silence | None:
    """The silence of that id, None when there is none."""
    number = _number(silence_id)
    if number is None:
        kept = next((one for one in catalog.silences if one.id == silence_id), None)
        return routing_silence.authored(kept) if kept is not None else None
    row = silences.get(session, number)
    return stored(row) if row is not None else None


def _require(draft: Draft, starts_at: datetime, catalog: Catalog) -> None:
    if not draft.author.strip():
        raise SilenceError("A silence needs an author.")
    if not draft.reason.strip():
        raise SilenceError("A silence needs a reason.")
    if draft.ends_at is None and draft.until_incident is None:
        raise SilenceError("A silence must end: say when, or with which incident.")
    if draft.ends_at is None and draft.maintenance is not None:
        raise SilenceError("Maintenance must say when it ends: the status page shows it.")
    if draft.ends_at is not None and draft.ends_at <= starts_at:
        raise SilenceError("This silence would end before it begins.")
    known = [component.id for component in catalog.statuspage.components]
    for name in draft.maintenance.components if draft.maintenance is not None else ():
        if name not in known:
            hint = did_you_mean(name, known) or "add it to statuspage.components"
            raise SilenceError(f"The status page has no component {name}; {hint}.")


def _open_incident(session: Session, number: int) -> Incident:
    incident = incidents.get(session, number)
    if incident is None:
        raise SilenceError(f"There is no INC-{number}.")
    if incident.state == State.RESOLVED:
        raise SilenceError(f"INC-{number} is resolved already.")
    return incident


def _number(silence_id: str) -> int | None:
    match = _STORED.fullmatch(silence_id)
    return int(match[1]) if match else None
