"""What evaluation remembers between slots: where every alert stands, and which slot of each rule was the last."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from incidentd.alert import Alert, Phase
from incidentd.catalog.rule import Rule
from incidentd.incidents.evaluated import Evaluated
from incidentd.store.marks import Marks

LONGEST_DELAY = timedelta(minutes=1)
"""How late an evaluation may come; a slot that is older than that is no late one: the clock was moved back."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Rules whose last slot was *last*; one slot or more were missed since. *is_late*: by this process, not because
    none ran."""

    rules: tuple[Rule, ...]
    last: datetime
    is_late: bool


class Ledger:
    """In memory, as the store has it. Not thread-safe."""

    def __init__(self) -> None:
        self._alerts: dict[str, dict[str, Alert]] = {}
        self._last: dict[str, datetime] = {}
        self._taken_over: Marks | None = None
        self._not_yet: set[str] = set()
        """The rules that this process has not evaluated since it took over."""

    def load(self, alerts: Iterable[Alert], marks: Marks) -> None:
        """Takes over where the last process stopped."""
        self._alerts, self._last, self._taken_over = {}, {}, marks
        for alert in alerts:
            self._alerts.setdefault(alert.key.rule_id, {})[alert.key.fingerprint] = alert

    @property
    def alerts(self) -> Mapping[str, Mapping[str, Alert]]:
        """Every alert that is pending or firing, by rule and fingerprint."""
        return self._alerts

    def adopt(self, rules: Iterable[Rule]) -> None:
        """Only *rules* are evaluated from now on. What the last process evaluated counts for the first that are
        adopted; a rule that comes later, or comes back, has missed nothing."""
        marks, self._taken_over = self._taken_over, None
        last = {rule.id: marks.of(rule.source, rule.id) if marks else self._last.get(rule.id) for rule in rules}
        self._last = {id_: at for id_, at in last.items() if at is not None}
        self._not_yet = set(self._last) if marks else self._not_yet & self._last.keys()

    def is_due(self, rule: Rule, slot: datetime) -> bool:
        """Whether *slot* is newer than the rule's last, or so much older that the clock was moved back."""
        last = self._last.get(rule.id)
        return last is None or not slot <= last < slot + max(LONGEST_DELAY, 3 * rule.every)

    def gaps(self, rules: Iterable[Rule], slot: datetime) -> list[Gap]:
        """Those of *rules* that missed at least one slot before *slot*; with alerts under way first."""
        found: defaultdict[tuple[datetime, bool], list[Rule]] = defaultdict(list)
        for rule in rules:
            last = self._last.get(rule.id)
            if last is not None and slot - last >= 2 * rule.every:
                found[last, rule.id not in self._not_yet].append(rule)
        return [
            Gap(tuple(sorted(missed, key=lambda rule: rule.id not in self._alerts)), last, is_late)
            for (last, is_late), missed in sorted(found.items())
        ]

    def advance(self, rules: Iterable[Rule], slot: datetime, evaluations: Iterable[Evaluated]) -> None:
        """*rules* were evaluated at *slot*, and *evaluations* were written."""
        self.remember(evaluations)
        for rule in rules:
            self._last[rule.id] = slot
            self._not_yet.discard(rule.id)

    def remember(self, evaluations: Iterable[Evaluated]) -> None:
        """The alerts are as *evaluations* left them."""
        for evaluated in evaluations:
            for transition in evaluated.transitions:
                alert = transition.after
                of_rule = self._alerts.setdefault(alert.key.rule_id, {})
                if alert.phase is Phase.INACTIVE:
                    of_rule.pop(alert.key.fingerprint, None)
                else:
                    of_rule[alert.key.fingerprint] = alert
                if not of_rule:
                    del self._alerts[alert.key.rule_id]

    def evaluated_until(self, rules: Iterable[Rule]) -> dict[str, datetime]:
        """By source, the time until which every one of *rules* has had all of its slots. A source with a rule that was
        never evaluated is not in it."""
        oldest: dict[str, datetime] = {}
        unknown: set[str] = set()
        for rule in rules:
            last = self._last.get(rule.id)
            if last is None:
                unknown.add(rule.source)
            else:
                oldest[rule.source] = min(last, oldest.get(rule.source, last))
        return {source: at for source, at in oldest.items() if source not in unknown}
