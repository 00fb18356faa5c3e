"""One incident's steps -> what the public may read of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from incidentd.catalog.component import Component
from incidentd.statuspage import status as words
from incidentd.statuspage.history import Step
from incidentd.statuspage.status import Stage, Status


@dataclass(frozen=True, slots=True)
class Update:
    """One public message; *before* and *after* are what the incident does to its component."""

    id: str
    at: datetime
    stage: Stage
    text: str
    before: Status
    after: Status


@dataclass(frozen=True, slots=True)
class PublicIncident:
    """What is public of an incident: its component, stages and times. Nothing else of it may ever be added here but
    what the catalog declares public. *updates* stand oldest first; there is at least one."""

    uid: str
    component: Component
    updates: tuple[Update, ...]

    @property
    def name(self) -> str:
        return f"{self.component.name}: {self.status.label.lower()}"

    @property
    def status(self) -> Status:
        """What it does to its component now; when it does nothing any more, the worst that it did."""
        now = self.updates[-1].after
        return now if now is not Status.OPERATIONAL else self.worst

    @property
    def worst(self) -> Status:
        return words.worst(update.after for update in self.updates)

    @property
    def stage(self) -> Stage:
        return self.updates[-1].stage

    @property
    def started_at(self) -> datetime:
        return self.updates[0].at

    @property
    def updated_at(self) -> datetime:
        return self.updates[-1].at

    @property
    def monitoring_at(self) -> datetime | None:
        """When it was last thought to be fixed."""
        return next((update.at for update in reversed(self.updates) if update.stage is Stage.MONITORING), None)

    @property
    def resolved_at(self) -> datetime | None:
        return self.updated_at if self.stage is Stage.RESOLVED else None

    @property
    def lasted(self) -> timedelta:
        """From its beginning to its newest update."""
        return self.updated_at - self.started_at

    def was_active_between(self, start: datetime, end: datetime) -> bool:
        return self.started_at < end and (self.resolved_at is None or self.resolved_at > start)


def public(uid: str, component: Component, steps: Sequence[Step]) -> PublicIncident | None:
    """The public face of an incident, None when it never affected its component."""
    if not steps:
        return None
    before_first = Step(steps[0].at, Stage.INVESTIGATING, Status.OPERATIONAL)
    updates = tuple(
        Update(
            id=f"{uid}-{index}",
            at=after.at,
            stage=after.stage,
            text=_text(before, after, first=index == 1),
            before=before.status,
            after=after.status,
        )
        for index, (before, after) in enumerate(pairwise([before_first, *steps]), start=1)
    )
    return PublicIncident(uid, component, updates)


def _text(before: Step, after: Step, *, first: bool) -> str:
    if first or before.stage is not after.stage:
        return after.stage.sentence
    if after.status is Status.OPERATIONAL:
        return "The component is not affected any more."
    return f"The impact is now: {after.status.label.lower()}."
