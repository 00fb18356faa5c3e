"""What one transaction of this package works with."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from incidentd.catalog.catalog import Catalog
from incidentd.incidents.actor import Actor
from incidentd.incidents.mutes import Mutes
from incidentd.store import timeline
from incidentd.store.database import Session
from incidentd.store.tables import Incident
from incidentd.store.timeline import EntryKind


@dataclass(frozen=True, slots=True)
class Transaction:
    """One session, the catalog that it decides by, and the one time at which everything in it happens."""

    session: Session
    catalog: Catalog
    now: datetime
    mutes: Mutes = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "mutes", Mutes(self.session, self.catalog, self.now))

    def record(self, incident: Incident, kind: EntryKind, actor: Actor, text: str) -> None:
        """Appends to the incident's timeline."""
        timeline.append(self.session, incident, kind, at=self.now, who=actor.name, origin=actor.origin.value, text=text)


def number_of(incident: Incident) -> int:
    """The number of an incident that has been written."""
    assert incident.number is not None  # noqa: S101 - the database gives it at the first flush
    return incident.number
