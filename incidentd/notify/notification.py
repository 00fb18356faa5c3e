"""One message about one incident to one destination, as every channel is handed it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from incidentd.labels import Labels
from incidentd.lifecycle import Action, State
from incidentd.severity import Severity


class Kind(StrEnum):
    """Why somebody is told. ``updated`` never pages: messages are edited in place, other channels stay quiet."""

    OPENED = "opened"
    UPDATED = "updated"
    ACKNOWLEDGED = "acknowledged"
    ESCALATED = "escalated"
    REMINDED = "reminded"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class AlertLine:
    """One alert of the incident as it is now. *condition* is what was crossed, as ``> 0.05``; empty when the
    expression compares by itself. *annotations* are those of a Prometheus rule."""

    rule: str
    summary: str
    description: str
    labels: Labels
    severity: Severity
    condition: str
    value: float | None
    peak: float | None
    since: datetime
    cleared_at: datetime | None
    annotations: Labels = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunbookLink:
    """What to do: *next_step* is plain text, *url* leads to the rendered runbook. One that is not ours has neither
    name nor next step, only a title and a URL."""

    name: str
    title: str
    url: str
    next_step: str
    owner: str
    expected_resolution: timedelta | None


@dataclass(frozen=True, slots=True)
class TimelineLine:
    at: datetime
    who: str
    text: str


@dataclass(frozen=True, slots=True)
class PrivateReply:
    """An answer that only one person should see, such as why a button press changed nothing."""

    user: str
    text: str


@dataclass(frozen=True, slots=True)
class Notification:
    """The incident as it is NOW, plus why this destination is told.

    *alerts* are the first hundred, those that fire before the others and the worst of them first; *more_firing* and
    *more_cleared* are how many there are beyond those. *id* is stable across retries. *headline* says what happened
    ("Acknowledged by anna"). *thread_texts* are the happenings that belong in the thread, oldest first. *actions* are
    those that are valid now. *delivered* names what other destinations have proven to hold, as "PagerDuty", "Jira
    OPS-12".
    """

    id: str
    kind: Kind
    headline: str
    now: datetime
    number: int
    uid: str
    version: int
    generation: int
    title: str
    state: State
    severity: Severity
    labels: Labels
    alerts: tuple[AlertLine, ...]
    url: str
    actions: tuple[Action, ...]
    opened_at: datetime
    owner: str = ""
    component: str = ""
    acknowledged_at: datetime | None = None
    acknowledged_by: str = ""
    mitigating_at: datetime | None = None
    resolved_at: datetime | None = None
    resolved_by: str = ""
    flaps: int = 0
    more_firing: int = 0
    more_cleared: int = 0
    previous: str = ""
    runbook: RunbookLink | None = None
    timeline: tuple[TimelineLine, ...] = ()
    thread_texts: tuple[str, ...] = ()
    private_replies: tuple[PrivateReply, ...] = ()
    delivered: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The incident's name for people, as ``INC-42``."""
        return f"INC-{self.number}"

    @property
    def age(self) -> timedelta:
        """How long it lasted, or has lasted."""
        return (self.resolved_at or self.now) - self.opened_at

    @property
    def firing(self) -> tuple[AlertLine, ...]:
        """Of the alerts those that fire."""
        return tuple(alert for alert in self.alerts if alert.cleared_at is None)

    @property
    def firing_count(self) -> int:
        """How many fire, listed or not."""
        return len(self.firing) + self.more_firing

    @property
    def alert_count(self) -> int:
        """How many there are, listed or not."""
        return len(self.alerts) + self.more_firing + self.more_cleared
