"""What one evaluation hands on: a rule and what became of its alerts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from incidentd.alert import Transition
from incidentd.catalog.rule import Rule


@dataclass(frozen=True, slots=True)
class Evaluated:
    """*evidence* is plain text that belongs to the description, such as a source's own error. *annotations* are the
    texts of a Prometheus rule's annotations by the fingerprint of the alert: of those that fire and are news."""

    rule: Rule
    transitions: tuple[Transition, ...]
    evidence: str = ""
    annotations: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
