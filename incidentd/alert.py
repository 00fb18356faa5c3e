"""One rule for one label set: where it stands on its ladder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from incidentd.labels import Labels
from incidentd.severity import Severity


class Phase(StrEnum):
    INACTIVE = "inactive"
    PENDING = "pending"
    FIRING = "firing"


@dataclass(frozen=True, slots=True)
class LevelClock:
    """One level of one alert: since when it is breached, since when it is clear, and whether it holds."""

    breached_since: datetime | None = None
    clear_since: datetime | None = None
    active: bool = False


@dataclass(frozen=True, slots=True)
class AlertKey:
    """What identifies an alert: the rule's identity and the fingerprint of the label set."""

    rule_id: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Alert:
    """The state of one alert after one evaluation. *levels* has an entry for each level that is not at rest. *series*
    has the labels of the series alone, without the rule's; it is not stored, and empty until the series is seen."""

    key: AlertKey
    labels: Labels
    phase: Phase = Phase.INACTIVE
    severity: Severity | None = None
    levels: Mapping[Severity, LevelClock] = field(default_factory=dict)
    value: float | None = None
    peak: float | None = None
    evaluated_at: datetime | None = None
    firing_since: datetime | None = None
    series: Labels = field(default_factory=dict, compare=False)

    @property
    def is_clearing(self) -> bool:
        """Whether it fires only until its condition has been gone for long enough: nothing is breached any more."""
        active = [clock for clock in self.levels.values() if clock.active]
        return bool(active) and all(clock.clear_since is not None for clock in active)


class Change(StrEnum):
    """What one evaluation did to one alert."""

    SAME = "same"
    STARTED = "started"
    FIRED = "fired"
    CLIMBED = "climbed"
    DESCENDED = "descended"
    CLEARED = "cleared"
    ENDED = "ended"
    """Pending no longer; it never fired."""


@dataclass(frozen=True, slots=True)
class Transition:
    """One alert before and after one evaluation, and what that amounts to."""

    before: Alert
    after: Alert
    change: Change

    @property
    def moves_mutes(self) -> bool:
        """Whether it may end, or begin, that somebody is muted: not when a value moved."""
        return self.change is not Change.SAME or self.before.is_clearing != self.after.is_clearing

    @property
    def is_news(self) -> bool:
        """Whether it must be stored: a clock started or stopped, or the value or the labels of a firing alert moved."""
        before, after = self.before, self.after
        if self.change is not Change.SAME or before.levels != after.levels:
            return True
        return after.phase is Phase.FIRING and (before.value != after.value or before.labels != after.labels)
