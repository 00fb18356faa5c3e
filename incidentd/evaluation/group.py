"""Rules -> groups that are evaluated together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from incidentd.catalog.rule import Rule


@dataclass(frozen=True, slots=True)
class Group:
    """The enabled rules that share a source and an interval."""

    source: str
    every: timedelta
    rules: tuple[Rule, ...]

    @property
    def name(self) -> str:
        """``prometheus/30s``: the same across reloads while the source and the interval stay."""
        return f"{self.source}/{self.every.total_seconds():g}s"


def groups(rules: Iterable[Rule]) -> tuple[Group, ...]:
    """One group for each source and interval that an enabled rule asks for."""
    found: defaultdict[tuple[str, timedelta], list[Rule]] = defaultdict(list)
    for rule in rules:
        if rule.enabled:
            found[rule.source, rule.every].append(rule)
    return tuple(Group(source, every, tuple(members)) for (source, every), members in sorted(found.items()))
