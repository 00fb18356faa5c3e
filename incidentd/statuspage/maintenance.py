"""Silences that are announced -> what the public may read of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from incidentd.catalog.component import Component, StatusPage
from incidentd.routing.silence import Silence, SilenceState

_EVER = datetime.min.replace(tzinfo=UTC)


class MaintenanceStage(StrEnum):
    """How far it has come; the values are Statuspage's."""

    SCHEDULED = "scheduled"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"

    @property
    def label(self) -> str:
        return self.value.replace("_", " ").capitalize()


_STAGES = {
    SilenceState.PENDING: MaintenanceStage.SCHEDULED,
    SilenceState.ACTIVE: MaintenanceStage.IN_PROGRESS,
    SilenceState.EXPIRED: MaintenanceStage.COMPLETED,
}


@dataclass(frozen=True, slots=True)
class PublicMaintenance:
    """What is public of a silence: what its maintenance says, and when. Its matchers, author and reason may never be
    added here. *source* is the silence's id, to derive another from; it is not public itself."""

    source: str
    title: str
    message: str
    components: tuple[Component, ...]
    stage: MaintenanceStage
    starts_at: datetime | None
    ends_at: datetime | None

    @property
    def changed_at(self) -> datetime | None:
        """When its stage changed last."""
        return self.ends_at if self.stage is MaintenanceStage.COMPLETED else self.starts_at


def public(page: StatusPage, silences: Sequence[Silence], now: datetime) -> tuple[PublicMaintenance, ...]:
    """What is public of *silences*, first to begin first: those that are announced, for a component of the page, and
    that were not taken back before they began."""
    found = []
    for silence in silences:
        authored, window = silence.maintenance, silence.window(now)
        components = [page.component(name) for name in authored.components] if authored is not None else []
        known = tuple(one for one in components if one is not None)
        if authored is None or window is None or not known:
            continue
        begin, end = window
        stage = _STAGES[silence.state(now)]
        found.append(PublicMaintenance(silence.id, authored.title, authored.message, known, stage, begin, end))
    return tuple(sorted(found, key=lambda one: (one.starts_at or _EVER, one.source)))


def begun(announced: Sequence[PublicMaintenance]) -> dict[str, datetime | None]:
    """The components that are under maintenance, by id, and since when."""
    found: dict[str, datetime | None] = {}
    for one in announced:
        if one.stage is MaintenanceStage.IN_PROGRESS:
            for component in one.components:
                found.setdefault(component.id, one.starts_at)
    return found
