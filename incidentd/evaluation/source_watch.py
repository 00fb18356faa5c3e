"""A source that leaves rules unanswered, or whose rules are evaluated too seldom -> alerts of two built-in rules."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from incidentd.alert import Alert
from incidentd.catalog.rule import EVALUATION_LAGGING, SOURCE_FAILING, Level, Rule
from incidentd.evaluation import ladder
from incidentd.incidents.evaluated import Evaluated
from incidentd.settings import Source
from incidentd.sources.base import Answer, Answered, Sample, Unknown


def failing_rule(source: Source) -> Rule:
    """The rule that counts what a source leaves unanswered. Authored rules cannot have its name."""
    return Rule(
        name=SOURCE_FAILING,
        expr="count of rules without an answer",
        levels=_levels(source),
        group_by=("source",),
        runbook="source-failing",
        summary="{{ labels.source }} leaves {{ value | int }} rules without an answer; they hold their last state",
    )


def lagging_rule(source: Source) -> Rule:
    """The rule that counts the rules of a source that came a whole interval late or more."""
    return Rule(
        name=EVALUATION_LAGGING,
        expr="count of rules that missed a slot",
        levels=_levels(source),
        group_by=("source",),
        runbook="evaluation-lagging",
        summary="{{ value | int }} rules of {{ labels.source }} are evaluated later than their interval",
    )


class SourceWatch:
    """What is known of one source. One alert a rule, with the label `source`."""

    def __init__(self, name: str, config: Source) -> None:
        self._name = name
        self._rules = (failing_rule(config), lagging_rule(config))
        self._unknown: dict[str, Unknown] = {}
        self._late: set[str] = set()
        self._awaited: set[str] = set()
        self._has_begun = False

    @property
    def rule_ids(self) -> tuple[str, ...]:
        """The identities of the two rules; they are the same for every source."""
        return tuple(rule.id for rule in self._rules)

    def observe(self, rule_id: str, answer: Answer, *, late: bool) -> None:
        """How one rule was answered, and whether slots were missed before."""
        self._awaited.discard(rule_id)
        if isinstance(answer, Unknown):
            self._unknown[rule_id] = answer
        else:
            self._unknown.pop(rule_id, None)
        if late:
            self._late.add(rule_id)
        else:
            self._late.discard(rule_id)

    def retained(self, rule_ids: Collection[str]) -> SourceWatch:
        """The watch of the same source when only these rules use it; those of the first such call are awaited."""
        kept = object.__new__(SourceWatch)
        kept._name, kept._rules = self._name, self._rules
        kept._unknown = {id_: why for id_, why in self._unknown.items() if id_ in rule_ids}
        kept._late = self._late & set(rule_ids)
        kept._awaited = self._awaited & set(rule_ids) if self._has_begun else set(rule_ids)
        kept._has_begun = True
        return kept

    def shrank_from(self, before: SourceWatch) -> bool:
        """Whether it knows of fewer failures than *before*."""
        return len(self._unknown) < len(before._unknown) or len(self._late) < len(before._late)

    def evaluate(self, previous: Mapping[str, Mapping[str, Alert]], at: datetime) -> list[Evaluated]:
        """What is known at *at*; *previous* are alerts by rule and fingerprint. After a start the rules that were not
        asked yet may be those that fail: as long as none failed, nothing is known of the source."""
        failing, lagging = self._rules
        found = []
        if self._unknown or not self._awaited:
            evidence = next((f"{one.reason}: {one.message}" for one in self._unknown.values()), "")
            found.append(self._counted(failing, len(self._unknown), previous, at, evidence))
        if self._late or not self._awaited:
            found.append(self._counted(lagging, len(self._late), previous, at))
        return found

    def _counted(
        self, rule: Rule, count: int, previous: Mapping[str, Mapping[str, Alert]], at: datetime, evidence: str = ""
    ) -> Evaluated:
        labels = {"source": self._name}
        own = {print_: one for print_, one in previous.get(rule.id, {}).items() if one.labels["source"] == self._name}
        answer = Answered((Sample(labels, float(count)),))
        return Evaluated(rule, tuple(ladder.step(rule, answer, own, at)), evidence)


def _levels(source: Source) -> tuple[Level, ...]:
    return (Level.model_validate({"when": "> 0", "for": source.failing_for, "severity": source.failing_severity}),)
