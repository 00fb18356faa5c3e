"""A group of rules at its slot -> what its source answers -> incidents."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from incidentd import metrics
from incidentd.alert import Alert, AlertKey, Change, Phase, Transition
from incidentd.catalog.rule import Rule
from incidentd.evaluation import ladder, source_watch
from incidentd.evaluation.group import Group
from incidentd.incidents.desk import IncidentDesk
from incidentd.incidents.evaluated import Evaluated
from incidentd.labels import fingerprint
from incidentd.sources.base import Answer, Answered, Question, Source, Unknown

_LOG = structlog.get_logger(__name__)

_LONGEST_DELAY = timedelta(minutes=1)
"""How late an evaluation may come; a slot that is older than that is no late one: the clock was moved back."""

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
        self._rules: dict[str, Rule] = {}
        self._unknown: dict[str, dict[str, Unknown]] = {name: {} for name in sources}
        self._awaited: set[str] = set()
        self._health: dict[str, Health] = {}
        self._newest_slot: dict[str, datetime] = {}
        self._closed = False
        self._lock = threading.Lock()

    def load(self, alerts: Collection[Alert]) -> None:
        """Takes over where the last process stopped."""
        with self._lock:
            self._alerts = {}
            for alert in alerts:
                self._alerts.setdefault(alert.key.rule_id, {})[alert.key.fingerprint] = alert

    def close(self) -> None:
        """What is being asked for is not decided any more: a source that is closed has not failed."""
        with self._lock:
            self._closed = True

    def evaluate(self, group: Group, slot: datetime) -> None:
        """Evaluates every rule of *group* as of *slot*, but those that are not in force as they stand there. A slot
        that is not newer than the last one is left out, unless the clock was moved back.

        Raises what the store raises; then nothing was written and the alerts are as before.
        """
        source = self._sources[group.source]
        begun = time.perf_counter()
        answers = source.ask([_question(rule) for rule in group.rules], slot)
        seconds = time.perf_counter() - begun
        metrics.EVALUATION_SECONDS.labels(group.source).observe(seconds)
        with self._lock:
            if self._closed:
                return
            newest = self._newest_slot.get(group.name)
            if newest is not None and slot <= newest < slot + max(_LONGEST_DELAY, 3 * group.every):
                return
            rules = [rule for rule in group.rules if self._is_in_force(rule)]
            evaluations = self._step(group.source, rules, answers, slot)
            self._desk.apply(evaluations)
            self._newest_slot[group.name] = slot
            self._remember(evaluations)
            for rule in rules:
                unknown = self._unknown[group.source].get(rule.id)
                self._health[rule.id] = Health(slot, seconds, unknown.message if unknown else "")

    def adopt(self, rules: Collection[Rule], at: datetime) -> None:
        """Puts *rules* in force. The alerts of all others are cleared, so that their incidents end; what is being
        asked for them right now is dropped when it is answered.

        Raises what the store raises; then the rules before it stay in force.
        """
        with self._lock:
            in_force = {rule.id: rule for rule in rules}
            unknown = {
                name: {id_: why for id_, why in of.items() if id_ in in_force and in_force[id_].source == name}
                for name, of in self._unknown.items()
            }
            used = {rule.source for rule in rules}
            gone = [alert for of in self._alerts.values() for alert in of.values() if self._ends(alert, in_force, used)]
            shrunk = [name for name in used if len(unknown[name]) < len(self._unknown[name])]
            evaluations = [self._watch(name, unknown[name].values(), at) for name in shrunk]
            evaluations.append(Evaluated(_GONE, tuple(_cleared(alert, at) for alert in gone)))
            self._desk.apply(evaluations)
            self._remember(evaluations)
            self._unknown = unknown
            self._awaited = self._awaited & in_force.keys() if self._rules else set(in_force)
            self._health = {id_: health for id_, health in self._health.items() if id_ in in_force}
            self._rules = in_force
        if gone:
            _LOG.info("rules were removed; their alerts ended", action="rules_retired", alerts=len(gone))

    def alerts(self) -> list[Alert]:
        """Every alert that is pending or firing."""
        with self._lock:
            return [alert for alerts in self._alerts.values() for alert in alerts.values()]

    def in_doubt(self, now: datetime) -> frozenset[AlertKey]:
        """The alerts of authored rules that hold their state without being known to: the last evaluation of the rule
        said nothing of them, or is overdue, as after a start or when the machine was asleep."""
        with self._lock:
            return frozenset(
                alert.key
                for rule in self._rules.values()
                for alert in self._alerts.get(rule.id, {}).values()
                if self._is_in_doubt(rule, alert, now)
            )

    def health(self) -> dict[str, Health]:
        """The last evaluation of each rule, by its identity."""
        with self._lock:
            return dict(self._health)

    def _is_in_doubt(self, rule: Rule, alert: Alert, now: datetime) -> bool:
        last = self._health.get(rule.id)
        if last is None or alert.evaluated_at != last.evaluated_at:
            return True
        return now - last.evaluated_at > rule.every + _LONGEST_DELAY

    def _is_in_force(self, rule: Rule) -> bool:
        known = self._rules.get(rule.id)
        return known is rule or known == rule

    def _ends(self, alert: Alert, in_force: Collection[str], used: Collection[str]) -> bool:
        """Whether nothing evaluates it any more: its rule is gone, or nothing uses the source that it watches."""
        if any(alert.key.rule_id == rule.id for rule in self._watches.values()):
            return alert.labels.get("source") not in used
        return alert.key.rule_id not in in_force

    def _step(
        self, source: str, rules: Collection[Rule], answers: Mapping[Question, Answer], slot: datetime
    ) -> list[Evaluated]:
        unknown = self._unknown[source]
        evaluations = []
        for rule in rules:
            answer = answers[_question(rule)]
            known = isinstance(answer, Answered)
            metrics.EVALUATIONS.labels(source, "known" if known else "unknown").inc()
            self._awaited.discard(rule.id)
            if isinstance(answer, Unknown):
                unknown[rule.id] = answer
            else:
                unknown.pop(rule.id, None)
                transitions = ladder.step(rule, answer, self._alerts.get(rule.id, {}), slot)
                evaluations.append(Evaluated(rule, tuple(transitions)))
        if unknown or not any(self._rules[id_].source == source for id_ in self._awaited):
            # After a start the rules that were not asked yet may be those that fail: nothing is known of the source.
            evaluations.append(self._watch(source, unknown.values(), slot))
        return evaluations

    def _watch(self, source: str, unknown: Collection[Unknown], at: datetime) -> Evaluated:
        rule = self._watches[source]
        previous = self._alerts.get(rule.id, {}).get(fingerprint({"source": source}))
        return source_watch.watch(source, rule, unknown, previous, at)

    def _remember(self, evaluations: Collection[Evaluated]) -> None:
        for evaluated in evaluations:
            for transition in evaluated.transitions:
                alert = transition.after
                of_rule = self._alerts.setdefault(alert.key.rule_id, {})
                if alert.phase is Phase.INACTIVE:
                    of_rule.pop(alert.key.fingerprint, None)
                else:
                    of_rule[alert.key.fingerprint] = alert


def _question(rule: Rule) -> Question:
    return Question(rule.expr, alone=not rule.pack)


def _cleared(alert: Alert, at: datetime) -> Transition:
    change = Change.CLEARED if alert.phase is Phase.FIRING else Change.ENDED
    return Transition(alert, Alert(alert.key, alert.labels, evaluated_at=at), change)


_GONE = Rule.model_validate({"name": "removed", "expr": "removed", "severity": "sev4"})
