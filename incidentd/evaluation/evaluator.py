"""A group of rules at its slot -> what its source answers -> incidents."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

import structlog

from incidentd import metrics
from incidentd.alert import Alert, Change, Phase, Transition
from incidentd.catalog.rule import Rule
from incidentd.evaluation import ladder, source_watch
from incidentd.evaluation.group import Group
from incidentd.incidents.desk import IncidentDesk
from incidentd.incidents.evaluated import Evaluated
from incidentd.labels import fingerprint
from incidentd.sources.base import Answer, Answered, Source, Unknown

_LOG = structlog.get_logger(__name__)

Alerts = dict[str, dict[str, Alert]]
"""Rule identity -> fingerprint -> alert."""


@dataclass(frozen=True, slots=True)
class Health:
    """How a rule's last evaluation went. *error* is empty when it was known; *seconds* is the group's asking time."""

    evaluated_at: datetime
    seconds: float
    error: str


class Evaluator:
    """Holds every alert in memory, as the store has them; groups may be evaluated from several threads at once."""

    def __init__(self, sources: Mapping[str, Source], watches: Mapping[str, Rule], desk: IncidentDesk) -> None:
        """*watches* are the built-in rules by source; see :mod:`source_watch`."""
        self._sources = sources
        self._watches = watches
        self._desk = desk
        self._alerts: Alerts = {}
        self._unknown: dict[str, dict[str, Unknown]] = {name: {} for name in sources}
        self._health: dict[str, Health] = {}
        self._newest_slot: dict[str, datetime] = {}
        self._lock = threading.Lock()

    def load(self, alerts: Collection[Alert]) -> None:
        """Takes over where the last process stopped."""
        with self._lock:
            self._alerts = {}
            for alert in alerts:
                self._alerts.setdefault(alert.key.rule_id, {})[alert.key.fingerprint] = alert

    def evaluate(self, group: Group, slot: datetime) -> None:
        """Evaluates every rule of *group* as of *slot*. A slot that is not newer than the last one is left out.

        Raises what the store raises; then nothing was written and the alerts are as before.
        """
        source = self._sources[group.source]
        begun = time.perf_counter()
        answers = source.ask(list(dict.fromkeys(rule.expr for rule in group.rules)), slot)
        seconds = time.perf_counter() - begun
        metrics.EVALUATION_SECONDS.labels(group.source).observe(seconds)
        with self._lock:
            if slot <= self._newest_slot.get(group.name, slot - group.every):
                return
            evaluations = self._step(group, answers, slot)
            self._desk.apply(evaluations)
            self._newest_slot[group.name] = slot
            self._remember(evaluations)
            for rule in group.rules:
                unknown = self._unknown[group.source].get(rule.id)
                self._health[rule.id] = Health(slot, seconds, unknown.message if unknown else "")

    def retire(self, kept: Collection[str], at: datetime) -> None:
        """Clears the alerts of rules that are not authored any more, so that their incidents end."""
        with self._lock:
            watched = {rule.id for rule in self._watches.values()}
            gone = [rule_id for rule_id in self._alerts if rule_id not in kept and rule_id not in watched]
            evaluations = [self._cleared(rule_id, at) for rule_id in gone]
            for rules in self._unknown.values():
                for rule_id in rules.keys() - set(kept):
                    del rules[rule_id]
            if evaluations:
                self._desk.apply(evaluations)
                self._remember(evaluations)
                _LOG.info("rules were removed; their alerts ended", action="rules_retired", rules=len(gone))

    def alerts(self) -> list[Alert]:
        """Every alert that is pending or firing."""
        with self._lock:
            return [alert for alerts in self._alerts.values() for alert in alerts.values()]

    def health(self) -> dict[str, Health]:
        """The last evaluation of each rule, by its identity."""
        with self._lock:
            return dict(self._health)

    def _step(self, group: Group, answers: Mapping[str, Answer], slot: datetime) -> list[Evaluated]:
        unknown = self._unknown[group.source]
        evaluations = []
        for rule in group.rules:
            answer = answers[rule.expr]
            known = isinstance(answer, Answered)
            metrics.EVALUATIONS.labels(group.source, "known" if known else "unknown").inc()
            if isinstance(answer, Unknown):
                unknown[rule.id] = answer
            else:
                unknown.pop(rule.id, None)
                transitions = ladder.step(rule, answer, self._alerts.get(rule.id, {}), slot)
                evaluations.append(Evaluated(rule, tuple(transitions)))
        evaluations.append(self._watch(group.source, slot))
        return evaluations

    def _watch(self, source: str, slot: datetime) -> Evaluated:
        rule = self._watches[source]
        previous = self._alerts.get(rule.id, {}).get(fingerprint({"source": source}))
        return source_watch.watch(source, rule, self._unknown[source].values(), previous, slot)

    def _cleared(self, rule_id: str, at: datetime) -> Evaluated:
        alerts = self._alerts[rule_id].values()
        transitions = tuple(
            Transition(
                alert,
                Alert(alert.key, alert.labels, evaluated_at=at),
                Change.CLEARED if alert.phase is Phase.FIRING else Change.ENDED,
            )
            for alert in alerts
        )
        return Evaluated(_GONE, transitions)

    def _remember(self, evaluations: Collection[Evaluated]) -> None:
        for evaluated in evaluations:
            for transition in evaluated.transitions:
                alert = transition.after
                of_rule = self._alerts.setdefault(alert.key.rule_id, {})
                if alert.phase is Phase.INACTIVE:
                    of_rule.pop(alert.key.fingerprint, None)
                else:
                    of_rule[alert.key.fingerprint] = alert


_GONE = Rule.model_validate({"name": "removed", "expr": "removed", "severity": "sev4"})
