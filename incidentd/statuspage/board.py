"""Everything public at one moment, as one immutable value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property
from zoneinfo import ZoneInfo

from incidentd.catalog.component import Component, StatusPage
from incidentd.routing.silence import Silence
from incidentd.statuspage import component, history, incident, maintenance
from incidentd.statuspage import days as calendar
from incidentd.statuspage import status as words
from incidentd.statuspage.component import ComponentHistory
from incidentd.statuspage.days import Day
from incidentd.statuspage.incident import PublicIncident
from incidentd.statuspage.maintenance import MaintenanceStage, PublicMaintenance
from incidentd.statuspage.status import Stage, Status
from incidentd.store.tables import Incident, TimelineEntry


@dataclass(frozen=True, slots=True)
class Group:
    """Components under one heading; an empty *name* has none."""

    name: str
    members: tuple[ComponentHistory, ...]

    @property
    def status(self) -> Status:
        return words.worst(member.status for member in self.members)


@dataclass(frozen=True, slots=True)
class Stretch:
    """One day with its incidents, or quiet days in a row."""

    newest: date
    oldest: date
    incidents: tuple[PublicIncident, ...]


@dataclass(frozen=True)
class Board:
    """*components* stand as authored, *incidents* newest first, *maintenances* first to begin first. Not
    slotted: it caches what it derives."""

    page: StatusPage
    at: datetime
    zone: ZoneInfo
    components: tuple[ComponentHistory, ...]
    incidents: tuple[PublicIncident, ...]
    maintenances: tuple[PublicMaintenance, ...] = ()

    @property
    def begins(self) -> datetime:
        """The beginning of the oldest day shown."""
        return calendar.first_midnight(self.at, self.zone)

    @property
    def status(self) -> Status:
        return words.worst(one.status for one in self.components)

    @cached_property
    def affected(self) -> tuple[ComponentHistory, ...]:
        """Affected components, the worst first."""
        found = [one for one in self.components if one.status is not Status.OPERATIONAL]
        return tuple(sorted(found, key=lambda one: -one.status.rank))

    @cached_property
    def unresolved(self) -> tuple[PublicIncident, ...]:
        """Open incidents, the worst first, then the newest."""
        found = [one for one in self.incidents if one.stage is not Stage.RESOLVED]
        return tuple(sorted(found, key=lambda one: -one.status.rank))

    @property
    def in_progress(self) -> list[PublicMaintenance]:
        return [one for one in self.maintenances if one.stage is MaintenanceStage.IN_PROGRESS]

    @property
    def scheduled(self) -> list[PublicMaintenance]:
        return [one for one in self.maintenances if one.stage is MaintenanceStage.SCHEDULED]

    @property
    def headline(self) -> str:
        """The banner's one sentence."""
        if not self.components:
            return "No components are shown yet"
        if not self.affected:
            return "Maintenance is in progress" if self.in_progress else "All systems operational"
        if len(self.affected) == 1:
            only = self.affected[0]
            article = "" if only.status is Status.DEGRADED else "a "
            return f"{only.component.name} has {article}{only.status.label.lower()}"
        if len(self.affected) == len(self.components):
            return "All components are affected"
        return f"{len(self.affected)} of {len(self.components)} components are affected"

    @property
    def since(self) -> datetime | None:
        """Since when the headline's kind, all well or not, holds; None when all was well for as long as is shown."""
        if self.affected:
            return min(one.affected_since for one in self.affected if one.affected_since is not None)
        if self.in_progress:
            return min((one.starts_at for one in self.in_progress if one.starts_at is not None), default=None)
        return max((one.since for one in self.components if one.since is not None), default=None)

    @property
    def groups(self) -> list[Group]:
        """The components for the eye: affected groups first, in them affected components first, else as authored."""
        members: dict[str, list[ComponentHistory]] = {}
        for one in self.components:
            members.setdefault(one.component.group, []).append(one)
        found = [Group(name, tuple(sorted(group, key=lambda one: -one.status.rank))) for name, group in members.items()]
        return sorted(found, key=lambda group: -group.status.rank)

    def recent(self, count: int) -> list[Stretch]:
        """The last *count* days, newest first, each with the incidents that were active in it; quiet ones in a row are
        one stretch."""
        found: list[Stretch] = []
        for day in reversed(calendar.days((), self.at, self.zone, count)):
            active = tuple(self.active_on(day))
            if found and not active and not found[-1].incidents:
                found[-1] = replace(found[-1], oldest=day.date)
            else:
                found.append(Stretch(day.date, day.date, active))
        return found

    def active_on(self, day: Day, of: Component | None = None) -> list[PublicIncident]:
        """The incidents of one component, or of all, that were active in *day*, newest first."""
        return [
            one for one in self.incidents if one.was_active_between(day.start, day.end) and of in (None, one.component)
        ]


def build(
    page: StatusPage,
    incidents: Sequence[Incident],
    timelines: Mapping[int, Sequence[TimelineEntry]],
    *,
    now: datetime,
    zone: ZoneInfo,
    silences: Sequence[Silence] = (),
) -> Board:
    """The board of *page* at *now* from every incident that was open in the days shown, and the *silences* that are
    announced. An incident without a component of the page, or that never affected it, is not public."""
    announced = maintenance.public(page, silences, now)
    maintained = maintenance.begun(announced)
    found = public_incidents(page, incidents, timelines)
    known = history.intervals(incidents, timelines)
    begins = calendar.first_midnight(now, zone)
    return Board(
        page=page,
        at=now,
        zone=zone,
        components=tuple(
            one.maintained(maintained[one.component.id]) if one.component.id in maintained else one
            for one in (component.of(one, known.get(one.id, ()), begins, now, zone) for one in page.components)
        ),
        incidents=tuple(sorted(found, key=lambda one: (one.started_at, one.uid), reverse=True)),
        maintenances=announced,
    )


def public_incidents(
    page: StatusPage, incidents: Sequence[Incident], timelines: Mapping[int, Sequence[TimelineEntry]]
) -> list[PublicIncident]:
    """What is public of *incidents*, in their order."""
    found: list[PublicIncident] = []
    for one in incidents:
        authored = page.component(one.component)
        if authored is None or one.number is None:
            continue
        face = incident.public(one.uid, authored, history.steps(timelines.get(one.number, ())))
        if face is not None:
            found.append(face)
    return found
