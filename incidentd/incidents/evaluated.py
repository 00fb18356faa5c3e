"""What one evaluation hands on: a rule and what became of its alerts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from incidentd.alert import Alert, Transition
from incidentd.catalog.rule import Rule


@dataclass(frozen=True, slots=True)
class Missed:
    """An alert that fired and cleared while nobody looked. *alert* is as it was last, still firing."""

    alert: Alert
    began_at: datetime
    ended_at: datetime


@dataclass(frozen=True, slots=True)
class Evaluated:
    """*evidence* is plain text that belongs to the description, such as a source's own error. *missed* is what slots
    that were made up for show to have come and gone."""

    rule: Rule
    transitions: tuple[Transition, ...]
    evidence: str = ""
    missed: tuple[Missed, ...] = ()
