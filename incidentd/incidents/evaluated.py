"""What one evaluation hands on: a rule and what became of its alerts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from incidentd.alert import Alert, Transition
from incidentd.catalog.rule import Rule


@dataclass(frozen=True, slots=True)
class Missed:
    """An alert that fired and cleared while nobody looked. *alert* is as it was last, still firing, *annotations* are
    the texts of its rule's annotations."""

    alert: Alert
    began_at: datetime
    ended_at: datetime
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Evaluated:
    """*evidence* is plain text that belongs to the description, such as a source's own error. *annotations* are the
    texts of a Prometheus rule's annotations by the fingerprint of the alert: of those that fire and are news. *missed*
    is what slots that were made up for show to have come and gone, *ended* the end of what they show to have cleared
    before it fired again."""

    rule: Rule
    transitions: tuple[Transition, ...]
    evidence: str = ""
    missed: tuple[Missed, ...] = ()
    ended: tuple[Transition, ...] = ()
    annotations: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
