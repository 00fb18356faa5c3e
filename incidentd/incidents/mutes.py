"""The catalog's and the stored silences, and what fires -> who is muted in one transaction. Each is read once, when it
is first needed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import cached_property

from incidentd.alert import Phase
from incidentd.catalog import time_interval
from incidentd.catalog.catalog import Catalog
from incidentd.catalog.route import Route
from incidentd.catalog.silence import Maintenance
from incidentd.labels import parse_matchers
from incidentd.lifecycle import State
from incidentd.routing import mute, router, silence
from incidentd.routing.mute import Inhibitions, Muted
from incidentd.routing.router import Routed
from incidentd.routing.silence import Silence
from incidentd.severity import Severity
from incidentd.store import alerts, silences
from incidentd.store.database import Session
from incidentd.store.tables import Incident, IncidentAlert, SilenceRow


class Mutes:
    """What is muted at *now*."""

    def __init__(self, session: Session, catalog: Catalog, now: datetime) -> None:
        self._session = session
        self._catalog = catalog
        self._now = now

    @cached_property
    def stored(self) -> list[SilenceRow]:
        """The silences in the database that mute now or later."""
        return silences.unexpired(self._session, self._now)

    @cached_property
    def active(self) -> tuple[Silence, ...]:
        """The silences that mute now, wherever they were made."""
        known = (*map(silence.authored, self._catalog.silences), *map(stored, self.stored))
        return tuple(one for one in known if one.is_active(self._now))

    @cached_property
    def inhibitions(self) -> Inhibitions:
        rules = self._catalog.inhibit_rules
        firing = alerts.labels_by_phase(self._session, [Phase.FIRING]) if rules else []
        return Inhibitions(rules, [mute.labels_of(labels, severity) for labels, severity, _ in firing])

    @property
    def any_by_labels(self) -> bool:
        """Whether some alerts are muted now, whichever; where not, nobody need look at them."""
        return bool(self.active or self._catalog.inhibit_rules)

    @property
    def any(self) -> bool:
        """The same, with routes that are muted at times."""
        return self.any_by_labels or bool(self._catalog.time_intervals)

    @property
    def signature(self) -> tuple[object, ...]:
        """Equal for equal mutes: while it stays, and alerts do, so does who is muted."""
        intervals = self._catalog.time_intervals
        in_force = (name for name, one in intervals.items() if time_interval.contains(one, self._now))
        return self._catalog, *(one.id for one in self.active), "", *in_force

    def of(self, firing: Iterable[IncidentAlert]) -> Muted | None:
        """Why an incident with these firing alerts notifies nobody."""
        if not self.any_by_labels:
            return None
        seen = (mute.labels_of(alert.labels, alert.severity) for alert in firing)
        return mute.of_incident(seen, self.active, self.inhibitions, self._now)

    def routed(self, incident: Incident) -> tuple[Routed, ...]:
        """The receivers that the routes lead to now, and which of them their routes mute at this time."""
        return router.route(self._catalog.route, Severity(incident.severity), incident.labels, muted=self._of_route)

    def shown(self, incident: Incident, firing: Iterable[IncidentAlert]) -> Muted | None:
        """Why nobody would be paged for an open incident now: it is muted, or every route that it takes is."""
        if incident.state == State.RESOLVED:
            return None
        routed = self.routed(incident) if self._catalog.time_intervals else ()
        by_time = routed[0].muted if all(one.muted is not None for one in routed) and routed else None
        return self.of(firing) or by_time

    def _of_route(self, node: Route) -> Muted | None:
        return mute.of_route(node, self._catalog.time_intervals, self._now)


def stored(row: SilenceRow) -> Silence:
    """A silence of the database."""
    return Silence(
        id=f"S-{row.number}",
        matchers=parse_matchers(row.matchers),
        author=row.author,
        reason=row.reason,
        origin=row.origin,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        until_incident=row.until_incident,
        maintenance=Maintenance.model_validate(row.maintenance) if row.maintenance is not None else None,
        created_at=row.created_at,
        ended_at=row.ended_at,
        ended_by=row.ended_by,
    )
