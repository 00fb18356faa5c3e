"""Everything authored, loaded and cross-checked as one immutable value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from incidentd.catalog.component import StatusPage
from incidentd.catalog.inhibit_rule import InhibitRule
from incidentd.catalog.problem import Position, Problem
from incidentd.catalog.receiver import Receiver
from incidentd.catalog.route import Route
from incidentd.catalog.rule import Rule
from incidentd.catalog.runbook import Runbook
from incidentd.catalog.silence import AuthoredSilence
from incidentd.catalog.time_interval import TimeInterval


@dataclass(frozen=True)
class Catalog:
    """What people authored. *commit* is the git commit that it came from, empty outside git. *warnings* are the
    findings that did not prevent loading, *recording* counts the recording rules that were left out. Not slotted: it
    caches its own index."""

    rules: tuple[Rule, ...]
    runbooks: Mapping[str, Runbook]
    receivers: Mapping[str, Receiver]
    route: Route
    statuspage: StatusPage = field(default_factory=StatusPage)
    silences: tuple[AuthoredSilence, ...] = ()
    inhibit_rules: tuple[InhibitRule, ...] = ()
    time_intervals: Mapping[str, tuple[TimeInterval, ...]] = field(default_factory=dict)
    commit: str = ""
    positions: Mapping[str, Position] = field(default_factory=dict)
    warnings: tuple[Problem, ...] = ()
    recording: int = 0

    @cached_property
    def _by_id(self) -> dict[str, Rule]:
        return {rule.id: rule for rule in self.rules}

    def rule(self, rule_id: str) -> Rule | None:
        """The rule of that identity, None when it is not authored any more."""
        return self._by_id.get(rule_id)

    @cached_property
    def _by_letters(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name in self.runbooks:
            found.setdefault(_letters(name), []).append(name)
        return found

    def runbook_called_like(self, alert: str) -> str:
        """The name of the runbook that is called like *alert*, ignoring case; else, if there is only one, of that
        with the same letters: ``disk-is-full`` or ``disk_is_full`` for ``DiskIsFull``. Empty when there is none."""
        if alert.lower() in self.runbooks:
            return alert.lower()
        found = self._by_letters.get(_letters(alert), [])
        return found[0] if len(found) == 1 and _letters(alert) else ""

    def runbook(self, name: str | None) -> Runbook | None:
        """The runbook of that name, ignoring case."""
        return self.runbooks.get(name.lower()) if name else None


def _letters(name: str) -> str:
    return "".join(char for char in name.lower() if char.isalnum())
