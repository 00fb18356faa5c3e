"""What one evaluation hands on: a rule and what became of its alerts."""

from __future__ import annotations

from dataclasses import dataclass

from incidentd.alert import Transition
from incidentd.catalog.rule import Rule


@dataclass(frozen=True, slots=True)
class Evaluated:
    """*evidence* is plain text that belongs to the description, such as a source's own error."""

    rule: Rule
    transitions: tuple[Transition, ...]
    evidence: str = ""
