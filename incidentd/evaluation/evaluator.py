"""A group of rules at its slot -> what its source answers -> incidents."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from incidentd import metrics, settings
from incidentd.alert import Alert, AlertKey, Change, Phase, Transition
from incidentd.catalog.rule import Rule
from incidentd.evaluation import annotate, ladder, meaning, replay
from incidentd.evaluation.group import Group
from incidentd.evaluation.history import Histories, History
from incidentd.evaluation.ledger import LONGEST_DELAY, Ledger
from incidentd.evaluation.source_watch import SourceWatch
from incidentd.incidents.desk import IncidentDesk
from incidentd.incidents.evaluated import Evaluated
from incidentd.sources.base import Answer, Answered, Question, Source
from incidentd.store.marks import Marks

_LOG = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Health:
    """How a rule's last evaluation went. *error* is empty when it was known; *seconds* is the group's asking time;
    *value* is the worst that any of the *samples* series said."""

    evaluated_at: datetime
    seconds: float
    error: str
    value: float | None
    samples: int


class Evaluator:
    """Holds every alert in memory, as the store has them; groups may be evaluated from several threads at once."""

    def __init__(
        self,
        sources: Mapping[str, Source],
        configs: Mapping[str, settings.Source],
        desk: IncidentDesk,
        made_up: settings.Replay | None = None,
    ) -> None:
        """*configs* are the settings of *sources*; *made_up* says how far missed slots are made up for."""
        self._sources = sources
        self._watches = {name: SourceWatch(name, config) for name, config in configs.items()}
        self._desk = desk
        self._histories = Histories(made_up or settings.Replay())
        self._ledger = Ledger()
        self._rules: dict[str, Rule] = {}
        self._health: dict[str, Health] = {}
        self._closed = False
        self._lock = threading.Lock()

    def load(self, alerts: Collection[Alert], marks: Marks | None = None) -> None:
        """Takes over where the last process stopped."""
        with self._lock:
            self._ledger.load(alerts, marks or Marks())

    def close(self) -> None:
        """What is being asked for is not decided any more: a source that is closed has not failed."""
        with self._lock:
            self._closed = True

    def evaluate(self, group: Group, slot: datetime) -> None:
        """Evaluates every rule of *group* as of *slot*, but those that are not in force as they stand there. Slots that
        a rule missed since its last are asked for too, and count before it. A slot that is not newer than a rule's
        last one is left out, unless the clock was moved back.

        Raises what the store raises; then nothing was written and the alerts are as before.
        """
        source = self._sources[group.source]
        with self._lock:
            gaps = self._ledger.gaps(group.rules, slot)
        history = self._histories.of(source, gaps, slot)
        begun = time.perf_counter()
        answers = source.ask(group.questions, slot)
        seconds = time.perf_counter() - begun
        metrics.EVALUATION_SECONDS.labels(group.source).observe(seconds)
        with self._lock:
            rules = self._due(group, slot)
            answered = [(rule, answers[asked]) for rule, asked in rules]
            late = {rule.id for gap in gaps if gap.is_late for rule in gap.rules}
            evaluations = self._step(group.source, answered, history, late, slot)
        evaluations = annotate.annotate(evaluations, lambda expr: _asked(source, expr, slot), slot)
        with self._lock:
            if self._closed or not rules or rules != self._due(group, slot):
                return  # what changed meanwhile is made up for at the next slot
            evaluations += self._watches[group.source].evaluate(self._ledger.alerts, slot)
            self._desk.apply(evaluations)
            self._ledger.advance((rule for rule, _ in rules), slot, evaluations)
            self._note_health(answered, slot, seconds)

    def adopt(self, rules: Collection[Rule], at: datetime) -> None:
        """Puts *rules* in force. The alerts of all others are cleared, so that their incidents end; a rule that means
        something else now begins its `for` clocks anew, and what fires goes on until it is shown to be gone. What is
        being asked for the others right now is dropped when it is answered.

        Raises what the store raises; then the rules before it stay in force.
        """
        with self._lock:
            in_force = {rule.id: rule for rule in rules}
            used = {name: _ids_of(rules, name) for name in self._watches}
            watches = {name: watch.retained(used[name]) for name, watch in self._watches.items()}
            ended = self._ended(in_force, at)
            evaluations = [Evaluated(_GONE, tuple(ended))]
            for name, watch in watches.items():
                if used[name] and watch.shrank_from(self._watches[name]):
                    evaluations += watch.evaluate(self._ledger.alerts, at)
            self._desk.apply(evaluations)
            self._ledger.remember(evaluations)
            self._ledger.adopt(rules)
            self._watches = watches
            self._health = {id_: health for id_, health in self._health.items() if id_ in in_force}
            self._rules = in_force
        if ended:
            _LOG.info("rules were removed or changed; their alerts ended", action="rules_retired", alerts=len(ended))

    def save_marks(self) -> None:
        """Writes until when the rules were evaluated, so that a start knows which slots were missed since."""
        with self._lock:
            until = self._ledger.evaluated_until(self._rules.values())
        self._desk.mark(until)

    def alerts(self) -> list[Alert]:
        """Every alert that is pending or firing."""
        with self._lock:
            return [alert for alerts in self._ledger.alerts.values() for alert in alerts.values()]

    def in_doubt(self, now: datetime) -> frozenset[AlertKey]:
        """The alerts of authored rules that hold their state without being known to: the last evaluation of the rule
        said nothing of them, or is overdue, as after a start or when the machine was asleep."""
        with self._lock:
            return frozenset(
                alert.key
                for rule_id, alerts in self._ledger.alerts.items()
                for alert in alerts.values()
                if rule_id in self._rules and self._is_in_doubt(self._rules[rule_id], alert, now)
            )

    def health(self) -> dict[str, Health]:
        """The last evaluation of each rule, by its identity."""
        with self._lock:
            return dict(self._health)

    def _due(self, group: Group, slot: datetime) -> list[tuple[Rule, Question]]:
        return [one for one in group.asked if self._is_in_force(one[0]) and self._ledger.is_due(one[0], slot)]

    def _is_in_doubt(self, rule: Rule, alert: Alert, now: datetime) -> bool:
        last = self._health.get(rule.id)
        if last is None or alert.evaluated_at != last.evaluated_at:
            return True
        return now - last.evaluated_at > rule.every + LONGEST_DELAY

    def _is_in_force(self, rule: Rule) -> bool:
        known = self._rules.get(rule.id)
        return known is rule or known == rule

    def _step(
        self,
        source: str,
        answered: Sequence[tuple[Rule, Answer]],
        history: History,
        late: Collection[str],
        slot: datetime,
    ) -> list[Evaluated]:
        watch = self._watches[source]
        evaluations = []
        known = 0
        for rule, answer in answered:
            watch.observe(rule.id, answer, late=rule.id in late)
            evaluated = self._evaluated(rule, answer, history.get(rule.id, ()), slot)
            if isinstance(answer, Answered):
                known += 1
            if evaluated is not None:
                evaluations.append(evaluated)
        metrics.EVALUATIONS.labels(source, "known").inc(known)
        metrics.EVALUATIONS.labels(source, "unknown").inc(len(answered) - known)
        return evaluations

    def _evaluated(
        self, rule: Rule, answer: Answer, history: Sequence[tuple[datetime, Answered]], slot: datetime
    ) -> Evaluated | None:
        """What the rule's answers mean, the missed ones first; None when they say that nothing changed."""
        previous = self._ledger.alerts.get(rule.id, {})
        if history:
            now = ((slot, answer),) if isinstance(answer, Answered) else ()
            return replay.walk(rule, (*history, *now), previous)
        if not isinstance(answer, Answered) or ladder.is_quiet(rule, answer, previous):
            return None
        return Evaluated(rule, tuple(ladder.step(rule, answer, previous, slot)))

    def _ended(self, in_force: Mapping[str, Rule], at: datetime) -> list[Transition]:
        """The end of every alert that nothing evaluates any more, or that waits for what its rule meant before."""
        used = {rule.source for rule in in_force.values()}
        built_in = {id_ for watch in self._watches.values() for id_ in watch.rule_ids}
        ended = []
        for rule_id, alerts in self._ledger.alerts.items():
            old, new = self._rules.get(rule_id), in_force.get(rule_id)
            changed = old is not None and new is not None and not meaning.same(old, new)
            for alert in alerts.values():
                if rule_id in built_in:
                    gone = alert.labels.get("source") not in used
                else:
                    gone = new is None or (changed and alert.phase is Phase.PENDING)
                if gone:
                    ended.append(_cleared(alert, at))
        return ended

    def _note_health(self, answered: Iterable[tuple[Rule, Answer]], slot: datetime, seconds: float) -> None:
        for rule, answer in answered:
            if isinstance(answer, Answered):
                value = ladder.worst_value(rule, answer.samples) if answer.samples else None
                self._health[rule.id] = Health(slot, seconds, "", value, len(answer.samples))
            else:
                self._health[rule.id] = Health(slot, seconds, answer.message, None, 0)


def _asked(source: Source, expr: str, slot: datetime) -> Answer:
    """The answer to a query that stands in a template."""
    asked = Question(expr, alone=True)
    return source.ask([asked], slot)[asked]


def _ids_of(rules: Collection[Rule], source: str) -> set[str]:
    return {rule.id for rule in rules if rule.source == source}


def _cleared(alert: Alert, at: datetime) -> Transition:
    change = Change.CLEARED if alert.phase is Phase.FIRING else Change.ENDED
    return Transition(alert, Alert(alert.key, alert.labels, evaluated_at=at), change)


_GONE = Rule.model_validate({"name": "removed", "expr": "removed", "severity": "sev4"})
