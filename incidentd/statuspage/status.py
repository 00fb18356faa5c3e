"""Severities and states -> the public's words for them."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from incidentd.lifecycle import State
from incidentd.severity import Severity


class Status(StrEnum):
    """How a component does; the values are Statuspage's."""

    OPERATIONAL = "operational"
    DEGRADED = "degraded_performance"
    PARTIAL = "partial_outage"
    MAJOR = "major_outage"

    @property
    def rank(self) -> int:
        """0 for operational, 3 for a major outage."""
        return _RANKS[self]

    @property
    def label(self) -> str:
        return self.value.replace("_", " ").capitalize()

    @property
    def impact(self) -> str:
        """Statuspage's impact of an incident and indicator of a page."""
        return _IMPACTS[self]


class Stage(StrEnum):
    """How far an incident has come; the values are Statuspage's."""

    INVESTIGATING = "investigating"
    IDENTIFIED = "identified"
    MONITORING = "monitoring"
    RESOLVED = "resolved"

    @property
    def label(self) -> str:
        return self.value.capitalize()

    @property
    def sentence(self) -> str:
        """All that the public reads about it: nobody's own words."""
        return _SENTENCES[self]


_RANKS = {status: rank for rank, status in enumerate(Status)}
_IMPACTS = {
    Status.OPERATIONAL: "none",
    Status.DEGRADED: "minor",
    Status.PARTIAL: "major",
    Status.MAJOR: "critical",
}
_EFFECTS = {
    Severity.SEV1: Status.MAJOR,
    Severity.SEV2: Status.PARTIAL,
    Severity.SEV3: Status.DEGRADED,
    Severity.SEV4: Status.OPERATIONAL,
}
_STAGES = {
    State.DETECTED: Stage.INVESTIGATING,
    State.ACKNOWLEDGED: Stage.IDENTIFIED,
    State.MITIGATING: Stage.MONITORING,
    State.RESOLVED: Stage.RESOLVED,
}
_SENTENCES = {
    Stage.INVESTIGATING: "We are investigating.",
    Stage.IDENTIFIED: "The cause is being worked on.",
    Stage.MONITORING: "A fix is in place and we are watching.",
    Stage.RESOLVED: "This incident has been resolved.",
}


def effect(severity: Severity) -> Status:
    """What an open incident of that severity does to its component."""
    return _EFFECTS[severity]


def stage(state: State) -> Stage:
    return _STAGES[state]


def worst(statuses: Iterable[Status]) -> Status:
    """The worst of *statuses*, operational when there is none."""
    return max(statuses, key=lambda status: status.rank, default=Status.OPERATIONAL)
